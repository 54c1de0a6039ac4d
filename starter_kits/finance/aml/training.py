"""Fitting the graph model week by week, and its probabilities."""

from collections.abc import Callable

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression

from aml.graph import Graph
from aml.model import Suspicion
from aml.study import CHOOSE, TRAIN
from kitlib import settings
from kitlib.compute import Compute

EPOCHS, WIDTH, RATE, DECAY = 8, 32, 8e-3, 0.02
_FILE = "model.safetensors"
Log = Callable[[dict[str, float], int], None]


def fit(graph: Graph, how: Compute, seed: int = 0, spread: bool = True, log: Log | None = None) -> Suspicion:
    """Trains on the labels that the bank knows of the weeks TRAIN; one step a week of the book, in random order.

    ``spread``: whether suspicion spreads over counterparties; False is the model without the graph. ``log`` gets the
    loss of each epoch. About 10 s on one core for the defaults.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    weeks = np.arange(TRAIN.start, TRAIN.stop)
    epochs = how.pick(EPOCHS, 3 * EPOCHS)
    net = Suspicion(graph.features.values.shape[-1], how.pick(WIDTH, 2 * WIDTH), spread=spread).to(how.device)
    descent = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(descent, RATE, total_steps=epochs * len(weeks), pct_start=0.2)
    loss_of = torch.nn.BCEWithLogitsLoss()
    net.train()
    for epoch in range(epochs):
        total = 0.0
        for number in rng.permutation(weeks):
            week = graph.week(int(number))
            with how.autocast():
                alone, around = net(week)
            loss = loss_of(around.float(), week.known) + 0.5 * loss_of(alone.float(), week.known)
            descent.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            descent.step()
            rate.step()
            total += loss.item()
        if log:
            log({"loss": total / len(weeks)}, epoch)
    return net.eval()


@torch.no_grad()
def score(net: Suspicion, graph: Graph, weeks: range | None = None) -> np.ndarray:
    """Log-odds (weeks, customers), before calibration, of all weeks or of those given."""
    numbers = weeks if weeks is not None else range(graph.world.weeks)
    return np.stack([net(graph.week(number))[1].float().cpu().numpy() for number in numbers])


def calibrate(logits: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Probabilities (weeks, customers) by Platt's method: a logistic curve fitted on the weeks CHOOSE."""
    curve = LogisticRegression(C=1e6).fit(logits[CHOOSE].reshape(-1, 1), known[CHOOSE].ravel())
    return curve.predict_proba(logits.reshape(-1, 1))[:, 1].reshape(logits.shape)


def logit(chance: np.ndarray) -> np.ndarray:
    """Log-odds of probabilities, kept finite."""
    chance = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.log(chance / (1 - chance))


def save(net: Suspicion) -> None:
    """Writes the weights to results/, as numbers only."""
    save_file(net.state_dict(), settings.results() / _FILE)


def load(graph: Graph) -> Suspicion:
    """The model that was saved. Raises FileNotFoundError, saying what to do, where there is none."""
    file = settings.results() / _FILE
    if not file.is_file():
        raise FileNotFoundError(f"{file} is not there yet: run notebook 3 first")
    state = load_file(file)
    net = Suspicion(graph.features.values.shape[-1], state["first.weight"].shape[1])
    net.load_state_dict(state)
    return net.eval().to(graph.device)
