"""Why this account, this week: features by integrated gradients, payments by leaving each out, and who is around."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch

from aml.book import CHANNELS, PLACES, START
from aml.graph import Graph, Week
from aml.model import Suspicion


def by_feature(net: Suspicion, week: Week, account: int, names: list[str], steps: int = 24) -> pd.Series:
    """Integrated gradients (Sundararajan, Taly and Yan 2017) of the log-odds over the account's own features.

    The path starts from the bank's mean account with the same payments. Values sum to the difference of the log-odds.
    """
    own = week.features[account].clone()
    slope = torch.zeros_like(own)
    for step in range(steps):
        features = week.features.clone()
        point = (own * (step + 0.5) / steps).requires_grad_()
        features[account] = point
        (gradient,) = torch.autograd.grad(net.read(features, week.event, week)[1][account], point)
        slope += gradient / steps
    return pd.Series((own * slope).cpu().numpy(), index=names).sort_values(key=abs, ascending=False)


@torch.no_grad()
def by_payment(net: Suspicion, week: Week, account: int, most: int = 30) -> pd.Series:
    """By how much the log-odds fall when one of the account's own payments is left out of its history.

    The index is the row in the world's table. Features stay: what is measured is the reading of the history.
    """
    before = float(net(week)[1][account])
    mine = torch.nonzero(week.account == account)[:, 0]
    mine = mine[torch.argsort(week.event[mine, 0], descending=True)][:most]
    effect = {}
    for number in mine.tolist():
        keep = torch.ones(len(week.account), dtype=torch.bool)
        keep[number] = False
        less = replace(week, event=week.event[keep], account=week.account[keep], other=week.other[keep])
        effect[int(week.row[number])] = before - float(net(less)[1][account])
    return pd.Series(effect, dtype=float).sort_values(ascending=False)


@dataclass(frozen=True)
class Around:
    """Accounts near one: ``edges`` with sender, receiver, amount (EUR); ``chance`` of each account of the bank."""

    centre: int
    edges: pd.DataFrame
    chance: dict[int, float]


def around(graph: Graph, week: int, account: int, chance: np.ndarray, most: int = 14) -> Around:
    """Who paid whom around ``account`` in the four weeks up to ``week``: its largest links, then the largest of those.

    ``chance`` (customers,): probabilities of that week.
    """
    table, people = graph.world.table, graph.world.people
    cash = people.outside["cash"][0]
    here = table[(table["week"] <= week) & (table["week"] > week - 4) & table["channel"].isin([1, 2, 4])]
    here = here[(here["amount"] >= 100) & (here["sender"] != cash) & (here["receiver"] != cash)]
    links = here.groupby(["sender", "receiver"], as_index=False).agg(
        amount=("amount", "sum"), number=("amount", "size")
    )
    own = links[(links["sender"] == account) | (links["receiver"] == account)].nlargest(most, "amount")
    near = np.setdiff1d(np.unique(own[["sender", "receiver"]]), [account])
    second = links[(links["sender"].isin(near) | links["receiver"].isin(near)) & ~links.index.isin(own.index)]
    flows = np.bincount(np.concatenate([links["sender"], links["receiver"]]), minlength=graph.world.outside)
    quiet = second[(flows[second["sender"]] < 60) & (flows[second["receiver"]] < 60)]  # no employers, no exchanges
    suspect = quiet.assign(
        most=np.maximum(_of(chance, quiet["sender"]), _of(chance, quiet["receiver"])) + 1e-9 * quiet["amount"]
    )
    edges = pd.concat([own, suspect.nlargest(most, "most").drop(columns="most")], ignore_index=True)
    nodes = np.unique(edges[["sender", "receiver"]])
    return Around(account, edges, {int(node): float(chance[node]) for node in nodes if node < len(people)})


def _of(chance: np.ndarray, accounts: pd.Series) -> np.ndarray:
    inside = accounts.to_numpy() < len(chance)
    return np.where(inside, chance[np.minimum(accounts, len(chance) - 1)], 0.0)


def name(account: int, graph: Graph) -> str:
    """What an account is called on screen."""
    people = graph.world.people
    if account < len(people):
        return f"account {account}"
    kind = next(name for name, (first, count) in people.outside.items() if first <= account < first + count)
    return {"cash": "cash desk", "exchange": f"exchange {account}", "fund": f"pension fund {account}"}.get(
        kind, f"other bank {account}"
    )


def payments(graph: Graph, rows: pd.Index, account: int) -> pd.DataFrame:
    """Rows of the world's table in words, as an analyst reads them."""
    table = graph.world.table.loc[rows]
    into = table["receiver"] == account
    other = np.where(into, table["sender"], table["receiver"])
    return pd.DataFrame(
        {
            "when": (START + pd.to_timedelta(table["time"], unit="h")).dt.strftime("%a %d %b %H:%M"),
            "way": np.where(into, "in", "out"),
            "EUR": table["amount"].map("{:,.2f}".format),
            "with": [name(int(each), graph) for each in other],
            "channel": [CHANNELS[each] for each in table["channel"]],
            "where": [PLACES[each] for each in table["place"]],
        },
        index=rows,
    )
