"""What a person can expect while a session waits: its place in the queue, and a smaller size that would start now."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from spawners.allowed.limits import Standing
from spawners.allowed.offer import Offer, RequestRefused, SessionSize
from spawners.allowed.request import check_request
from spawners.allowed.settle import settle
from spawners.allowed.ways import Means
from spawners.cluster.watch import Picture
from spawners.outlook.means import limit_of, standing_of
from spawners.outlook.sizes import fits_now, words
from spawners.slurm import Job
from spawners.slurm.reasons import reason_sentence

# Jobs that no free place would start: they are not before anybody.
_NOT_IN_LINE = frozenset({"JobHeldUser", "JobHeldAdmin", "Dependency", "BeginTime", "Reservation"})


@dataclass(frozen=True)
class Waiting:
    """A session in the queue. ``place`` 1 is the next one; times are seconds, None where Slurm does not say."""

    sentence: str
    place: int | None
    starts_in: int | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"expected": f"in about {words(self.starts_in)}" if self.starts_in else ""}


def place_of(job: Job, picture: Picture) -> int | None:
    """The job's place among all that wait for the same partition, None where Slurm does not list it."""
    own = next((queued for queued in picture.queue if queued.id == job.id), None)
    if own is None:
        return None
    line = [q.id for q in picture.queue if q.partition == own.partition and q.reason not in _NOT_IN_LINE]
    return line.index(job.id) + 1 if job.id in line else None


def waiting(job: Job, options: Mapping[str, Any], offer: Offer, means: Means | None, picture: Picture) -> Waiting:
    """What a person wants to know whose session with these options waits."""
    limit = ""
    if means:
        with contextlib.suppress(RequestRefused):
            limit = limit_of(job.reason, check_request(options, offer, means), means)
    seconds = int(job.start - time.time()) if job.start else None
    return Waiting(
        sentence=reason_sentence(job.reason, limit),
        place=place_of(job, picture),
        starts_in=seconds if seconds and seconds > 0 else None,
    )


def _gpus(size: SessionSize) -> tuple[int, int]:
    return size.gpus, size.shards


def _amount(size: SessionSize) -> tuple[int, int, int, int]:
    return *_gpus(size), size.cpus, size.memory_mib


def instead(
    options: Mapping[str, Any], offer: Offer, means: Means | None, picture: Picture, fewest_gpus: bool = False
) -> tuple[str | None, dict[str, Any]]:
    """The largest smaller size for which there is room now, and the options to ask for it with.

    They keep what was chosen beside the size where it fits the smaller one. (None, {}) where there is none.
    ``fewest_gpus`` wants the size with the fewest GPUs instead, and fewer than now.
    """
    size = offer.size(options.get("size"))
    smaller = [one for one in offer.sizes if _amount(one) < _amount(size)]
    fewer = sorted((one for one in smaller if _gpus(one) < _gpus(size)), key=_gpus)
    for one in fewer if fewest_gpus else reversed(smaller):
        left, _ = settle({**options, "size": one.name}, offer, means)
        with contextlib.suppress(RequestRefused):
            request = check_request(left, offer, means)
            reserved = means.nodes(request.reservation) if means else frozenset()
            if means and standing_of(request, means)[0] != Standing():
                continue
            if request.size is one and fits_now(request, picture, reserved):
                return one.name, left
    return None, {}
