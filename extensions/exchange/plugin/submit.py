"""nbgrader submit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nbgrader.exchange import default
from nbgrader.utils import get_username

from extensions.exchange.client import Problem
from extensions.exchange.plugin.over_http import SECRET, STAMP, Exchange


class ExchangeSubmit(Exchange, default.ExchangeSubmit):
    def init_dest(self) -> None:
        if self.coursedir.student_id not in ("*", get_username()):
            self.fail(
                f"A submission is always your own: it cannot be made for {self.coursedir.student_id}. "
                "Leave --student out."
            )
        self.found = self.assignment()
        if refusal := self.found["refusal"]:
            raise Problem(**refusal)

    def copy_files(self) -> None:
        with TemporaryDirectory() as released:
            # nbgrader compares the names of notebooks in two folders.
            for file in self.found["files"]:
                target = Path(released) / file["path"]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.touch()
            self.release_path = released
            self.check_filename_diff()
        with self.picked(self.src_path) as files:
            keys = ("id", "user", "received", "files", "attempt", "late_seconds", "signature")
            receipt = self.client.send("POST", self.path("submissions"), files, *keys)
            self._keep(receipt, files)
        late = f", {receipt['late_seconds']} s late" if receipt["late_seconds"] else ""
        stamp = self.stamp(receipt["received"])
        self.log.info(f"Submitted as: {self.coursedir.course_id} {self.coursedir.assignment_id} {stamp}")
        self.log.info(f"Attempt {receipt['attempt']}{late}; the receipt is in {self.cache_path}")

    def _keep(self, receipt: dict[str, Any], files: Path) -> None:
        """What was handed in, with its receipt, as nbgrader keeps it."""
        stamp = self.stamp(receipt["received"])
        course = Path(self.cache) / self.coursedir.course_id
        self.cache_path = course / f"{receipt['user']}+{self.coursedir.assignment_id}+{stamp}"
        course.mkdir(parents=True, exist_ok=True)
        shutil.copytree(files, self.cache_path)
        (self.cache_path / STAMP).write_text(stamp)
        (self.cache_path / SECRET).write_text(receipt["id"])
        (self.cache_path / "receipt.json").write_text(json.dumps(receipt, indent=1))
