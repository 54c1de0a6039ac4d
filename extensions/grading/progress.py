"""How far a run is: one line of JSON for each event, in a file that a page can read, and on the screen."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from extensions.grading.faults import Fault


class Progress:
    """The events of one run, documented in docs/grading.md. ``say`` gets them too, in words or as JSON."""

    def __init__(self, path: Path, say: Callable[[str], None], as_json: bool) -> None:
        self._say = say
        self._as_json = as_json
        self._started = time.monotonic()
        self._total = self._done = self._failed = 0
        self._causes: collections.Counter[str] = collections.Counter()
        self._file = path.open("w")

    def start(self, assignment: str, total: int, standing: int, where: str) -> None:
        """``standing``: how many have a grade already, which stays."""
        self._total = total
        said = f"{assignment}: {total} to grade, {standing} graded already, {where}."
        told = {"what": "grades", "assignment": assignment, "total": total, "standing": standing, "where": where}
        self._tell(said, event="start", **told)

    def start_feedback(self, assignment: str, total: int) -> None:
        """Feedback of so many submissions is to be made and released."""
        self._total = total
        said = f"{assignment}: feedback of {total} to release."
        self._tell(said, event="start", what="feedback", assignment=assignment, total=total)

    def feedback(self, student: str) -> None:
        """Its feedback and grade are released now."""
        self._done += 1
        words = f"{self._place()} {student}: feedback released"
        self._tell(words, event="feedback", student=student, **self._counts())

    def note(self, sentence: str) -> None:
        """Something that the instructor should know while it lasts."""
        self._tell(sentence, event="note", sentence=sentence)

    def untold(self, student: str, error: CampusError) -> None:
        """It has a grade, which could not be told, or not its feedback; the next run tries again."""
        sentence = f"{student} was not told: {error}"
        self._tell(sentence, event="note", sentence=sentence, student=student, **error.as_dict())

    def graded(self, student: str, score: dict[str, Any], faults: list[Fault], seconds: float) -> None:
        self._done += 1
        self._causes.update({fault.cause for fault in faults})
        words = f"{self._place()} {student}: {score.get('score', 0):g} of {score.get('max_score', 0):g}"
        words += "".join(f"\n      {fault.sentence}" for fault in faults)
        self._tell(
            words,
            event="graded",
            student=student,
            **score,
            seconds=round(seconds, 2),
            faults=[dataclasses.asdict(fault) for fault in faults],
            **self._counts(),
        )

    def failed(self, student: str, error: CampusError) -> None:
        """It has no grade, through no fault of its own; the next run tries again."""
        self._failed += 1
        words = f"{self._place()} {student}: failed. {error}"
        self._tell(words, event="failed", student=student, **error.as_dict(), **self._counts())

    def end(self) -> None:
        seconds = round(time.monotonic() - self._started, 1)
        words = f"{self._done} done, {self._failed} failed, in {seconds:g} s."
        words += "".join(f"\n  {cause}: {count}" for cause, count in sorted(self._causes.items()))
        self._tell(words, event="end", seconds=seconds, causes=dict(self._causes), **self._counts())
        self._file.close()

    def stopped(self, error: CampusError) -> None:
        """The run could not go on; the next one does."""
        self._tell(f"Stopped. {error}", event="stopped", **error.as_dict(), **self._counts())
        self._file.close()

    def _counts(self) -> dict[str, Any]:
        gone = self._done + self._failed
        left = self._total - gone
        eta = round((time.monotonic() - self._started) / gone * left, 1) if gone else None
        return {"done": self._done, "failed": self._failed, "total": self._total, "eta_seconds": eta}

    def _place(self) -> str:
        return f"[{self._done + self._failed}/{self._total}]"

    def _tell(self, words: str, **event: Any) -> None:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = json.dumps({"time": now, **event})
        self._file.write(line + "\n")
        self._file.flush()
        self._say(line if self._as_json else words)
