"""The detector: a small transformer over a request, made from a configuration and trained from nothing.

A request is cut into its fields, and each field's value into patches of eight bytes. A patch's vector is the sum of
the learnt vectors of all runs of one to five bytes that start in it, found by hashing (as in fastText and CANINE),
and of one for the field's name: so the model knows what n-grams know from its first step on, and where. An encoder of
the library ``transformers`` (BERT's) then reads the patches in each other's light: the same text is ordinary in one
field and an attack in another. Its mean and its maximum decide.
"""

from __future__ import annotations

import copy
import json
import zlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn
from transformers import BertConfig, BertModel

from gatewatch.text import fields
from kitlib.compute import Compute

PATCH, LONGEST, FIELDS = 8, 5, 256


@dataclass(frozen=True)
class Shape:
    """How large the model is."""

    length: int = 320
    """Bytes of a request that are read."""
    width: int = 64
    layers: int = 2
    heads: int = 4
    buckets: int = 1 << 14
    """Learnt vectors that runs of bytes are hashed to."""


class Detector(nn.Module):
    """Logits for requests; higher is more like an attack."""

    def __init__(self, shape: Shape = Shape()) -> None:
        super().__init__()
        self.shape = shape
        self.runs = nn.Embedding(shape.buckets, shape.width, padding_idx=0)
        nn.init.normal_(self.runs.weight, std=0.05)
        self.names = nn.Embedding(FIELDS, shape.width, padding_idx=0)
        config = BertConfig(
            vocab_size=2,
            hidden_size=shape.width,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=2 * shape.width,
            max_position_embeddings=shape.length // PATCH,
            hidden_dropout_prob=0.1,
            attention_probs_dropout_prob=0.0,
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.decide = nn.Linear(2 * shape.width, 1)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits of shape (batch,) for what :func:`encode` gives: (batch, patches, 41)."""
        there = ids[:, :, -1] > 0
        x = self.runs(ids[:, :, :-1]).sum(2) + self.names(ids[:, :, -1])
        x = self.encoder(inputs_embeds=x, attention_mask=there.long()).last_hidden_state
        mask = there.unsqueeze(-1)
        mean = (x * mask).sum(1) / mask.sum(1).clamp(min=1)
        highest = x.masked_fill(~mask, -1e4).amax(1)
        return self.decide(torch.cat([mean, highest], 1)).squeeze(1)


def encode(texts: Sequence[str], shape: Shape) -> torch.Tensor:
    """Requests as numbers: int64 of shape (n, patches, 41), 0 where there is no more text.

    In the last dimension come 40 runs of bytes, then the name of the field. Every value begins a new patch; of a value
    the first 160 bytes are read, of a request ``shape.length`` bytes.
    """
    length = shape.length
    raw = np.zeros((len(texts), length + LONGEST), dtype=np.uint32)
    names = np.zeros((len(texts), length // PATCH, 1), dtype=np.int64)
    for row, text in enumerate(texts):
        at = 0
        for name, value in fields(text):
            found = np.frombuffer(f"^{value}".encode("utf-8", "replace")[: min(160, length - at)], dtype=np.uint8)
            raw[row, at : at + len(found)] = found.astype(np.uint32) + 1
            end = min(length, -(-(at + len(found) + 1) // PATCH) * PATCH)
            names[row, at // PATCH : end // PATCH] = 1 + zlib.crc32(name.encode("utf-8", "replace")) % (FIELDS - 1)
            at = end
            if at >= length:
                break
    out = np.zeros((len(texts), length, LONGEST), dtype=np.int64)
    hashed = np.full((len(texts), length), 2166136261, dtype=np.uint32)
    inside = np.ones((len(texts), length), dtype=bool)
    for run in range(LONGEST):
        now = raw[:, run : run + length]
        inside &= now > 0
        hashed = (hashed ^ now) * np.uint32(16777619)  # FNV-1a, modulo 2**32
        mixed = (hashed ^ (hashed >> np.uint32(15))) + np.uint32(run * 7919)
        out[:, :, run] = np.where(inside, 1 + mixed % np.uint32(shape.buckets - 1), 0)
    runs = out.reshape(len(texts), length // PATCH, PATCH * LONGEST)
    return torch.from_numpy(np.concatenate([runs, names], axis=2))


def fit(
    texts: Sequence[str],
    attack: np.ndarray,
    *,
    seed: int,
    epochs: int,
    shape: Shape = Shape(),
    rate: float = 2e-3,
    batch: int = 48,
    compute: Compute | None = None,
    log: Callable[[dict[str, float], int], None] | None = None,
    start: Detector | None = None,
) -> Detector:
    """A detector trained from nothing, or further from a copy of ``start``; the same seed gives the same again.

    Batches hold requests of like length, so that little is computed for padding. ``rate`` is the highest learning rate.
    """
    torch.manual_seed(seed)
    choose = np.random.default_rng(seed)
    device = compute.device if compute else torch.device("cpu")
    model = (copy.deepcopy(start) if start else Detector(shape)).to(device)
    shape = model.shape
    ids, truth = encode(texts, shape), torch.from_numpy(attack.astype(np.float32))
    lengths = (ids[:, :, -1] > 0).sum(1).numpy()
    steps = epochs * len(_batches(choose.permutation(len(texts)), lengths, batch))
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.15)
    step, shown = 0, 0.0
    model.train()
    for _ in range(epochs):
        parts = _batches(choose.permutation(len(texts)), lengths, batch)
        for index in choose.permutation(len(parts)):
            rows = parts[index]
            short = max(1, int(lengths[rows].max()))
            with compute.autocast() if compute else nullcontext():
                logits = model(ids[rows, :short].to(device))
                loss = nn.functional.binary_cross_entropy_with_logits(
                    logits.float(), (truth[rows] * 0.98 + 0.01).to(device)
                )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            step += 1
            shown = float(loss.detach()) if step == 1 else 0.95 * shown + 0.05 * float(loss.detach())
            if log and (step % 25 == 0 or step == steps):
                log({"loss": shown}, step)
    return model.eval()


def score(model: Detector, texts: Sequence[str], compute: Compute | None = None) -> np.ndarray:
    """Logits of requests, shape (n,): higher is more like an attack."""
    ids = encode(texts, model.shape)
    lengths = (ids[:, :, -1] > 0).sum(1).numpy()
    device = next(model.parameters()).device
    out = np.zeros(len(texts), dtype=np.float64)
    order = np.argsort(lengths, kind="stable")
    with torch.inference_mode(), compute.autocast() if compute else nullcontext():
        for rows in np.array_split(order, max(1, -(-len(order) // 256))):
            if len(rows):
                short = max(1, int(lengths[rows].max()))
                out[rows] = model(ids[rows, :short].to(device)).float().cpu().numpy()
    return out


def keep(model: Detector, file: Path, threshold: float) -> None:
    """Weights, size and threshold as one safetensors file: numbers and text, nothing that runs."""
    about = {"shape": json.dumps(asdict(model.shape)), "threshold": repr(threshold)}
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, file, about)


def load(file: Path) -> tuple[Detector, float]:
    """What :func:`keep` kept: the detector, on the processor, and its threshold."""
    with safe_open(file, "pt") as kept:
        names = kept.keys()
        about = kept.metadata()
        model = Detector(Shape(**json.loads(about["shape"])))
        model.load_state_dict({name: kept.get_tensor(name) for name in names})
    return model.eval(), float(about["threshold"])


def _batches(order: np.ndarray, lengths: np.ndarray, batch: int) -> list[np.ndarray]:
    """Rows in batches: sorted by length within stretches of sixteen batches."""
    found: list[np.ndarray] = []
    for start in range(0, len(order), 16 * batch):
        stretch = order[start : start + 16 * batch]
        stretch = stretch[np.argsort(lengths[stretch], kind="stable")]
        found += [stretch[at : at + batch] for at in range(0, len(stretch), batch)]
    return found
