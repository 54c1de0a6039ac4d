"""All figures of the kit. Colours are Okabe and Ito's, which the colour-blind can tell apart."""

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from aml import decisions
from aml.book import CARD, CASH, CHANNELS, START
from aml.explain import Around
from aml.laundering import TYPOLOGIES
from aml.study import CHOOSE, TEST, TRAIN
from aml.world import World

BLUE, ORANGE, GREEN, RED, GREY, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#888888", "#56B4E9"
COLOURS = {"rules": GREY, "boosted trees": ORANGE, "graph model": BLUE}

plt.rcParams.update(
    {
        "figure.dpi": 100,
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "legend.frameon": False,
        "figure.constrained_layout.use": True,
    }
)


def _done(figure: Figure) -> Figure:
    """Closed, so that a notebook shows it once: as the value of its cell."""
    plt.close(figure)
    return figure


def weeks(bank: World) -> Figure:
    """Money moved and laundered account-weeks over the calendar, with the weeks that are learned from and tested on."""
    figure, (above, below) = plt.subplots(2, 1, figsize=(9, 5), sharex=True)
    day = START + pd.to_timedelta(np.arange(bank.weeks) * 7, unit="D")
    for channel, colour in zip(range(len(CHANNELS)), (SKY, BLUE, GREEN, GREY, ORANGE), strict=True):
        table = bank.table[bank.table["channel"] == channel]
        each = np.bincount(table["week"], minlength=bank.weeks)
        above.plot(day, each, color=colour, marker=".", label=CHANNELS[channel])
    above.set(title="Payments a week, by channel", ylabel="payments", ylim=(0, None))
    above.legend(ncols=5, loc="lower right", bbox_to_anchor=(1, 0.98), fontsize=9)
    share = 100 * bank.labels().mean(axis=1)
    below.bar(day, share, width=5.5, color=RED, zorder=2)
    below.set(title="Accounts that moved laundered money", ylabel="% of accounts", ylim=(0, share.max() * 1.35))
    for part, name, tone in ((TRAIN, "learn", 0.15), (CHOOSE, "choose", 0.4), (TEST, "test: the future", 0.15)):
        stop = part.stop or bank.weeks
        left, right = day[part.start] - pd.Timedelta(days=3.5), day[stop - 1] + pd.Timedelta(days=3.5)
        below.axvspan(left, right, color=SKY, alpha=tone, lw=0, zorder=0)
        below.text(left + (right - left) / 2, share.max() * 1.2, name, ha="center", fontsize=10)
    return _done(figure)


def alike(bank: World) -> Figure:
    """Lawful and laundered sums, by channel: they overlap."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    table = bank.table
    for axis, (title, cash) in zip(axes, (("Transfers", False), ("Cash paid in", True)), strict=True):
        here = (table["channel"] == CASH) & (table["receiver"] < len(bank.people))
        use = table[here if cash else (table["channel"] != CARD) & (table["channel"] != CASH)]
        edges = np.geomspace(10, 50_000, 30)
        for name, rows, colour in (
            ("lawful", use[use["scheme"] < 0], BLUE),
            ("laundering", use[use["scheme"] >= 0], RED),
        ):
            axis.hist(rows["amount"], edges, color=colour, alpha=0.6, label=f"{name}: {len(rows):,}")
        axis.set(xscale="log", yscale="log", title=title, xlabel="amount in EUR")
        axis.legend(fontsize=9)
    axes[0].set_ylabel("payments (log scale)")
    return _done(figure)


def curves(truth: np.ndarray, scores: dict[str, np.ndarray]) -> Figure:
    """Precision against recall on the test weeks, for each of ``scores``."""
    figure, axis = plt.subplots(figsize=(7, 4.4))
    for name, score in scores.items():
        precision, recall, _ = precision_recall_curve(truth.ravel(), score.ravel())
        label = f"{name}: {decisions.ap(truth, score):.2f}"
        axis.plot(recall, precision, color=COLOURS[name], lw=2.2, label=label)
    axis.axhline(truth.mean(), color="black", lw=1, ls=":", label=f"alarms at random: {truth.mean():.3f}")
    axis.set(xlabel="recall: share of laundering that is found", ylabel="precision: share of alarms that are right")
    axis.set(title="Weeks that no model has seen", xlim=(0, 1), ylim=(0, 1.03))
    axis.legend(title="average precision", loc="upper right", fontsize=10)
    return _done(figure)


def found_by_kind(found: pd.DataFrame) -> Figure:
    """Share of schemes found, by typology and method, at one budget; ``found``: typologies by methods, in %."""
    figure, axis = plt.subplots(figsize=(8, 3.6))
    colours = [COLOURS[name] for name in found.columns]
    found.plot.bar(ax=axis, color=colours, width=0.8, rot=0)
    axis.set(
        title="Schemes of which at least one account was looked at", ylabel="% of schemes", xlabel="", ylim=(0, 105)
    )
    axis.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.12))
    return _done(figure)


def reliability(truth: np.ndarray, chances: dict[str, np.ndarray]) -> Figure:
    """Whether of account-weeks with 20 % probability, 20 % were laundering."""
    figure, axis = plt.subplots(figsize=(5.6, 4.4))
    edges = np.array([0, 0.003, 0.01, 0.03, 0.1, 0.3, 0.6, 1.0001])
    axis.plot([1e-4, 1], [1e-4, 1], color="black", lw=1, ls=":", label="as it should be")
    for name, chance in chances.items():
        mean, rate, spread, _ = np.array(decisions.reliability(truth, chance, edges)).T
        low = np.minimum(spread, rate * 0.95)
        axis.errorbar(mean, rate, [low, spread], color=COLOURS[name], marker="o", capsize=3, label=name)
    axis.set(xscale="log", yscale="log", xlim=(3e-4, 1.1), ylim=(3e-4, 1.1), title="Reliability on the test weeks")
    axis.set(xlabel="probability that was given", ylabel="share that was laundering")
    axis.legend(loc="upper left")
    return _done(figure)


def costs(truth: np.ndarray, chances: dict[str, np.ndarray], false_alarm: float, missed: float) -> Figure:
    """EUR a week against the number of alerts a week, with the threshold that the probabilities ask for."""
    figure, axis = plt.subplots(figsize=(7.4, 4))
    budgets = np.unique(np.geomspace(1, truth.shape[1] // 12, 40).astype(int))
    for name, chance in chances.items():
        each = [
            decisions.cost(truth, decisions.top(chance, int(budget)), false_alarm, missed) / len(truth)
            for budget in budgets
        ]
        axis.plot(budgets, np.array(each) / 1000, color=COLOURS[name], lw=2.2, label=name)
        alarm = chance >= decisions.threshold(false_alarm, missed)
        at = decisions.cost(truth, alarm, false_alarm, missed) / len(truth) / 1000
        axis.plot(max(alarm.sum() / len(truth), 1), at, "o", color=COLOURS[name], ms=8, mec="black")
    axis.axhline(missed * truth.sum() / len(truth) / 1000, color="black", lw=1, ls=":", label="no alerts at all")
    axis.set(xscale="log", xlabel="alerts a week", ylabel="thousand EUR a week", ylim=(0, None))
    axis.set(title=f"Cost: {false_alarm:,.0f} EUR a false alarm, {missed:,.0f} EUR a miss")
    axis.set_xticks([1, 3, 10, 30, 100, 300], ["1", "3", "10", "30", "100", "300"])
    axis.legend(title="dot: threshold by probability")
    return _done(figure)


def groups(found: dict[str, list[decisions.Group]], title: str) -> Figure:
    """False alarms by group of customers and method, with 95 % intervals."""
    figure, axis = plt.subplots(figsize=(8, 3.8))
    for offset, (name, each) in enumerate(found.items()):
        place = np.arange(len(each)) + 0.2 * (offset - (len(found) - 1) / 2)
        rate = np.array([group.rate for group in each])
        error = [rate - [group.low for group in each], [group.high for group in each] - rate]
        axis.errorbar(place, rate, np.maximum(error, 0), fmt="o", color=COLOURS[name], capsize=3, label=name)
    labels = [f"{group.name}\n({group.number:,})" for group in next(iter(found.values()))]
    axis.set_xticks(range(len(labels)), labels, fontsize=9)
    axis.set(title=title, ylabel="false alarms in 10,000\nlawful account-weeks", ylim=(0, None))
    axis.legend(ncols=3)
    return _done(figure)


def reasons(effect: pd.Series, most: int = 9) -> Figure:
    """The features that moved one decision, in log-odds."""
    figure, axis = plt.subplots(figsize=(8, 3.6))
    shown = effect.head(most)[::-1]
    axis.barh(shown.index, shown, color=np.where(shown > 0, RED, BLUE))
    axis.axvline(0, color="black", lw=0.8)
    axis.set(xlabel="log-odds, against the bank's mean account")
    figure.suptitle("What the account's features add to suspicion", x=0.01, ha="left", fontsize=12, fontweight="bold")
    return _done(figure)


def network(found: Around) -> Figure:
    """The account's surroundings: who paid whom, how much, and how suspicious the bank's own accounts are."""
    figure, axis = plt.subplots(figsize=(8.4, 5.4))
    graph = nx.DiGraph()
    for edge in found.edges.itertuples():
        graph.add_edge(edge.sender, edge.receiver, amount=edge.amount)
    place = nx.kamada_kawai_layout(graph.to_undirected(), weight=None)
    own = [node for node in graph if node in found.chance]
    other = [node for node in graph if node not in found.chance]
    width = [0.6 + 1.1 * np.log10(max(data["amount"], 60) / 60) for _, _, data in graph.edges(data=True)]
    nx.draw_networkx_edges(
        graph,
        place,
        ax=axis,
        width=width,
        edge_color="#999999",
        arrowsize=13,
        node_size=420,
        connectionstyle="arc3,rad=0.08",
    )
    nx.draw_networkx_nodes(
        graph, place, other, ax=axis, node_shape="s", node_size=190, node_color="white", edgecolors="#555555"
    )
    colour = [found.chance[node] for node in own]
    drawn = nx.draw_networkx_nodes(
        graph,
        place,
        own,
        ax=axis,
        node_size=430,
        node_color=colour,
        cmap="cividis_r",
        vmin=0,
        vmax=1,
        edgecolors="black",
    )
    drawn.set_linewidth([3.0 if node == found.centre else 0.8 for node in own])
    for node in own:
        dark = found.chance[node] > 0.5
        text = str(node)
        axis.text(*place[node], text, ha="center", va="center", fontsize=7.5, color="white" if dark else "black")
    near = [edge for edge in graph.edges if found.centre in edge]
    labels = {edge: f"{graph.edges[edge]['amount']:,.0f}" for edge in near}
    nx.draw_networkx_edge_labels(graph, place, labels, ax=axis, font_size=7.5, rotate=False)
    axis.set(title=f"Around account {found.centre}: four weeks of transfers, EUR")
    axis.axis("off")
    figure.colorbar(drawn, ax=axis, label="probability of laundering", shrink=0.7)
    axis.text(
        0.0, -0.03, "round: the bank's accounts; square: accounts at other banks", transform=axis.transAxes, fontsize=9
    )
    return _done(figure)


def result(truth: np.ndarray, scores: dict[str, np.ndarray], file: str) -> None:
    """The picture that a gallery shows of the kit, 800 by 500 pixels."""
    figure = curves(truth, scores)
    figure.set_size_inches(8, 5)
    figure.axes[0].set_title("Laundering found in seven weeks that no model has seen")
    figure.savefig(file, dpi=100)
    plt.close(figure)


def kinds(bank: World) -> pd.DataFrame:
    """Schemes by typology: how many, accounts at the bank, payments, median sum in EUR, days from first to last."""
    table = bank.table[bank.table["scheme"] >= 0]
    rows = []
    for number, name in enumerate(TYPOLOGIES):
        here = table[bank.schemes.kind[table["scheme"]] == number]
        by = here.groupby("scheme")
        sides = pd.concat(
            [here[["scheme", side]].set_axis(["scheme", "account"], axis=1) for side in ("sender", "receiver")]
        )
        own = sides[sides["account"] < len(bank.people)].drop_duplicates().groupby("scheme").size()
        days = (by["time"].max() - by["time"].min()).median() / 24
        rows.append((name, by.ngroups, own.mean(), by.size().mean(), here["amount"].median(), days))
    columns = ["typology", "schemes", "accounts here", "payments", "median sum, EUR", "median days"]
    return pd.DataFrame(rows, columns=columns).set_index("typology").round(1)
