"""When an idle session ends, as a table of what is known of it, and what its person and its page are told."""

from __future__ import annotations

import pytest

from spawners.life import idle
from spawners.life.failure import stopped
from spawners.life.idle import Figures, IdleClock, IdleLimits, Verdict, decide

MINUTE = 60.0
LIMITS = IdleLimits(session=60 * MINUTE, gpu=30 * MINUTE, notice=5 * MINUTE, keeps=2)
NEVER = IdleLimits(session=None, gpu=None)


@pytest.fixture(autouse=True)
def hub_since(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub has been there since the beginning of its clock."""
    monkeypatch.setattr(idle, "_HUB_SINCE", 0.0)


@pytest.mark.parametrize(
    ("limits", "session", "gpu", "because", "ends_in"),
    [
        # minutes since the session, and its GPU, were used; which limit ends it, and in how many minutes
        (LIMITS, 0, 0, "gpu", 30),
        (LIMITS, 25, 25, "gpu", 5),
        (LIMITS, 31, 31, "gpu", -1),
        (LIMITS, 2, 31, "gpu", -1),  # documents are edited, and the GPU is not used
        (LIMITS, 50, None, "session", 10),  # no GPU, or nobody knows what it does
        (LIMITS, 61, 0, "session", -1),  # so that the table is complete: a busy GPU is use of the session
        (IdleLimits(session=None, gpu=1800), 500, None, None, None),
        (IdleLimits(session=None, gpu=1800), 500, 10, "gpu", 20),
        (IdleLimits(session=3600, gpu=None), 10, 500, "session", 50),
        (NEVER, 500, 500, None, None),
    ],
)
def test_the_limit_that_is_reached_first(
    limits: IdleLimits, session: float, gpu: float | None, because: str | None, ends_in: float | None
) -> None:
    figures = Figures(1000, session * MINUTE, None if gpu is None else gpu * MINUTE)
    found = decide(limits, figures, 1000)
    assert (found and found.because, found and found.ends_in / MINUTE) == (because, ends_in)
    later = decide(limits, figures, 1000 + MINUTE)
    assert (later and later.ends_in) == (found and found.ends_in - MINUTE)
    assert (later and later.idle) == (found and found.idle + MINUTE)


def reported(clock: IdleClock, at: float, session: float, gpu: float | None) -> float:
    """The session reports at a minute so many minutes of idleness; after how many minutes it should again."""
    return clock.told(Figures(at * MINUTE, session * MINUTE, None if gpu is None else gpu * MINUTE)) / MINUTE


def ends_in(clock: IdleClock, at: float) -> float | None:
    found = clock.announced(at * MINUTE)
    return found and round(found.ends_in / MINUTE, 1)


def over(clock: IdleClock, at: float, inactive: float = 0) -> str | None:
    found = clock.over(inactive * MINUTE, at * MINUTE)
    return found and found.because


def test_an_idle_gpu_is_announced_and_then_over() -> None:
    clock = IdleClock(LIMITS)
    assert reported(clock, 100, 10, 10) == 1
    assert (ends_in(clock, 100), over(clock, 100)) == (None, None)
    assert reported(clock, 115, 24.5, 24.5) == 0.5, "back in time for the announcement"
    assert reported(clock, 116, 26, 26) == pytest.approx(5 / 60)
    assert (ends_in(clock, 116), over(clock, 116)) == (5, None), "the notice in full, though it came a minute late"
    reported(clock, 118, 28, 28)
    assert (ends_in(clock, 118), over(clock, 118)) == (3, None)
    reported(clock, 120.9, 30.9, 30.9)
    assert (ends_in(clock, 120.9), over(clock, 120.9)) == (0.1, None)
    assert (ends_in(clock, 121.1), over(clock, 121.1)) == (-0.1, "gpu")


def test_use_takes_the_announcement_back() -> None:
    clock = IdleClock(LIMITS)
    reported(clock, 100, 27, 27)
    assert ends_in(clock, 100) == 5
    assert reported(clock, 101, 0, 0) == 1
    assert (ends_in(clock, 101), over(clock, 106)) == (None, None)
    reported(clock, 127, 26, 26)
    assert ends_in(clock, 127) == 5, "the next announcement is in full again"


def test_nothing_ends_at_once_when_the_site_sets_shorter_limits_or_the_hub_was_away() -> None:
    clock = IdleClock(LIMITS)
    reported(clock, 100, 500, 500)
    assert (ends_in(clock, 100), over(clock, 100)) == (5, None)


def test_a_gpu_of_which_nothing_is_known_any_more_takes_the_announcement_back() -> None:
    clock = IdleClock(LIMITS)
    reported(clock, 100, 29, 29)
    assert ends_in(clock, 100) == 5
    reported(clock, 101, 30, None)
    assert (ends_in(clock, 101), over(clock, 101.5)) == (None, None)


def test_old_figures_are_no_figures() -> None:
    """A session that computes while its reports do not arrive is not idle."""
    clock = IdleClock(LIMITS)
    reported(clock, 100, 29, 29)
    reported(clock, 105, 34, 34)
    assert over(clock, 105.5) == "gpu"
    assert (ends_in(clock, 106), over(clock, 106)) == (None, None)


@pytest.mark.parametrize(
    ("limits", "hub_up", "inactive", "because"),
    [
        (LIMITS, 100, 59, None),
        (LIMITS, 100, 61, "silent"),
        (LIMITS, 59, 500, None),  # the hub was away: nobody could report
        (NEVER, 500, 500, None),
        (IdleLimits(session=None, gpu=60), 500, 500, None),
    ],
)
def test_a_session_that_never_reports(limits: IdleLimits, hub_up: float, inactive: float, because: str | None) -> None:
    assert over(IdleClock(limits), hub_up, inactive) == because


def test_jupyterhubs_activity_does_not_count_for_a_session_that_reports() -> None:
    """An open page keeps JupyterHub's activity fresh, a cell of hours in a closed one does not."""
    clock = IdleClock(LIMITS)
    reported(clock, 600, 0, 0)
    assert over(clock, 600, inactive=500) is None
    reported(clock, 700, 29, 29)
    reported(clock, 705.1, 34, 34)
    assert over(clock, 705.1, inactive=0) == "gpu"


def test_the_reason_is_the_cullers_only_where_it_asked() -> None:
    clock = IdleClock(LIMITS)
    reported(clock, 100, 29, 29)
    reported(clock, 105, 34, 34)
    now = 105.1 * MINUTE
    assert clock.reason(now) is None, "its person stops it"
    assert clock.asked(0, now)
    assert clock.reason(now + 1) == Verdict("gpu", pytest.approx(34.1 * MINUTE), pytest.approx(-0.1 * MINUTE))
    assert clock.reason(now + 3600) is None, "the culler did not stop it after all"
    reported(clock, 105.2, 0, 0)
    assert not clock.asked(0, now + 12)
    assert clock.reason(now + 12) is None


@pytest.mark.parametrize(
    ("why", "cause", "sentence"),
    [
        (None, "stopped", "The session was stopped."),
        (
            Verdict("gpu", 1790, 0),
            "idle",
            "The session ended because it was idle: its GPU had done nothing for 30 minutes.",
        ),
        (
            Verdict("session", 3600, 0),
            "idle",
            "The session ended because it was idle: nothing had been done in it for 1 hour.",
        ),
        (
            Verdict("silent", 7200, 0),
            "idle",
            "The session ended because it was idle: nothing had been heard of it for 2 hours.",
        ),
    ],
)
def test_what_its_person_reads(why: Verdict | None, cause: str, sentence: str) -> None:
    ended = stopped("7", why)
    assert (ended.cause, ended.sentence) == (cause, sentence)
