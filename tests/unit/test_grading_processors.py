"""Gradings on one machine keep out of each other's processors."""

from __future__ import annotations

import os

from extensions.grading.processors import held

OURS = sorted(os.sched_getaffinity(0))


def test_no_two_gradings_have_a_processor_while_one_is_free() -> None:
    with held(1) as first, held(len(OURS) - 1) as second:
        assert sorted(first + second) == OURS


def test_what_one_gave_back_the_next_has() -> None:
    with held(1) as first:
        pass
    with held(1) as again:
        assert again == first


def test_where_all_are_held_they_are_shared_evenly() -> None:
    with held(len(OURS)) as first, held(len(OURS)) as second, held(1) as third:
        assert sorted(first) == sorted(second) == OURS
        assert third == OURS[:1]


def test_one_grading_may_have_more_than_there_are() -> None:
    with held(3 * len(OURS)) as found:
        assert sorted(found) == sorted(3 * OURS)


def test_however_many_there_are_nobody_waits_and_what_is_held_costs_no_file() -> None:
    """Any account can hold all names, and a node has more of them than a process may have files."""
    with held(20 * len(OURS)) as found:
        before = len(os.listdir("/proc/self/fd"))
        with held(2) as late:
            assert len(os.listdir("/proc/self/fd")) == before
        assert len(found) == 20 * len(OURS)
        assert set(late) <= set(OURS)
