"""A graph model of account histories: it reads each account's payments, then what it thinks of those whom it pays."""

import torch
from torch import nn

from aml.graph import EVENT, Week


def pool(values: torch.Tensor, of: torch.Tensor, weight: torch.Tensor, count: int) -> torch.Tensor:
    """Weighted sums of ``values`` (E, d) by ``of`` (E,), weights (E, 1) made to sum to at most 1: (count, d)."""
    values, top = values.float(), torch.exp(weight.float().clamp(-8, 8))
    total = values.new_zeros(count, 1).index_add(0, of, top)
    return values.new_zeros(count, values.shape[1]).index_add(0, of, values * top) / (total + 1)


class Suspicion(nn.Module):
    """Log-odds that each account moves laundered money this week.

    First each account is read by itself: its features, and its payments of four weeks, weighed by attention. Then every
    account, here or elsewhere, holds what the accounts that deal with it are like; each payment brings that, less its
    own share, to the account it belongs to: suspicion spreads from mule to collector to mule. ``width``: of all layers.
    """

    def __init__(self, features: int, width: int = 32, dropout: float = 0.2, spread: bool = True):
        super().__init__()
        self.spread = spread
        self.own = nn.Sequential(
            nn.Linear(features, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.event = nn.Sequential(nn.Linear(len(EVENT), width), nn.GELU(), nn.Linear(width, width + 1))
        self.join = nn.Sequential(nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width), nn.GELU())
        self.first = nn.Linear(width, 1)
        self.bring = nn.Sequential(nn.Linear(3 * width + 3, width), nn.GELU(), nn.Linear(width, width + 1))
        self.last = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, 1))
        for layer in (self.first, self.last[-1]):
            nn.init.constant_(layer.bias, -5.0)

    def forward(self, week: Week) -> tuple[torch.Tensor, torch.Tensor]:
        """(customers,) log-odds of the account by itself, and with its surroundings."""
        return self.read(week.features, week.event, week)

    def read(self, features: torch.Tensor, event: torch.Tensor, week: Week) -> tuple[torch.Tensor, torch.Tensor]:
        """As `forward`, with features and events given: what explanations vary."""
        count = len(features)
        seen = self.event(event)
        history = pool(seen[:, 1:], week.account, seen[:, :1], count)
        state = self.join(torch.cat([self.own(features), history], dim=1))
        alone = self.first(state)
        if not self.spread:
            return alone[:, 0], alone[:, 0]
        told = torch.cat([state, torch.sigmoid(alone), torch.ones_like(alone)], dim=1).float()[week.account]
        heard = told.new_zeros(week.nodes, told.shape[1]).index_add(0, week.other, told)[week.other] - told
        heard = torch.cat([heard[:, :-1] / (heard[:, -1:] + 1), torch.log1p(heard[:, -1:])], dim=1)
        inside = (week.other < count).unsqueeze(1)
        theirs = torch.cat([state, torch.sigmoid(alone)], dim=1)[week.other.clamp(max=count - 1)] * inside
        brought = self.bring(torch.cat([seen[:, 1:], heard, theirs], dim=1))
        around = pool(brought[:, 1:], week.account, brought[:, :1], count)
        return alone[:, 0], alone[:, 0] + self.last(torch.cat([state, around], dim=1))[:, 0] + 5.0
