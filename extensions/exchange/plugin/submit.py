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
from extensions.exchange.plugin.over_http import RECEIPTS, SECRET, STAMP, Exchange


class ExchangeSubmit(Exchange, default.ExchangeSubmit):
    key = ""
    """What this submission is called, so that it may be sent again; made where it is empty."""

    def init_dest(self) -> None:
        if self.coursedir.student_id not in ("*", get_username()):
            self.fail(
                f"A submission is always your own: it cannot be made for {self.coursedir.student_id}. "
                "Leave --student out."
            )
        self.found = self.assignment()

    def preview(self) -> dict[str, Any]:
        """What would be handed in now: the assignment as it stands, ``files``, and notebooks that are ``missing``.

        ``left_out`` are files that are too large for nbgrader's ``max_file_size``. Raises ExchangeError.
        """
        self.init_src()
        self.found = self.assignment()
        with self.picked(self.src_path) as folder:
            files = {str(f.relative_to(folder)): f.stat().st_size for f in folder.rglob("*") if f.is_file()}
        released = [file["path"] for file in self.found["files"]]
        return {
            "assignment": self.found,
            "files": [{"path": path, "size": size} for path, size in sorted(files.items())],
            "missing": [path for path in released if path.endswith(".ipynb") and path not in files],
            "left_out": self._too_large(),
        }

    def _too_large(self) -> list[str]:
        source, most = Path(self.src_path), 1000 * self.coursedir.max_file_size
        found = [f for f in source.rglob("*") if f.is_file() and f.stat().st_size > most]
        return sorted(str(f.relative_to(source)) for f in found)

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
            self.receipt = self._sent(files)
            try:
                self._keep(self.receipt, files)
            except OSError as error:
                self.log.warning(f"The submission is in, but its receipt could not be kept here: {error}")
        late = f", {self.receipt['late_seconds']} s late" if self.receipt["late_seconds"] else ""
        stamp = self.stamp(self.receipt["received"])
        self.log.info(f"Submitted as: {self.coursedir.course_id} {self.coursedir.assignment_id} {stamp}")
        self.log.info(f"Attempt {self.receipt['attempt']}{late}; the receipt is in {Path(self.src_path, RECEIPTS)}")

    def _sent(self, files: Path) -> dict[str, Any]:
        """The receipt. What may not be submitted now is not sent, unless it may be a submission that was taken."""
        if not self.key and (refusal := self.found["refusal"]):
            raise Problem(**refusal)
        keys = ("id", "user", "received", "files", "attempt", "late_seconds", "sha256", "signature")
        key = {"key": self.key} if self.key else {}
        return self.client.send("POST", self.path("submissions"), files, *keys, **key)

    def _keep(self, receipt: dict[str, Any], files: Path) -> None:
        """What was handed in, with its receipt, as nbgrader keeps it; and the receipt beside the person's own copy."""
        stamp = self.stamp(receipt["received"])
        course = Path(self.cache) / self.coursedir.course_id
        copy = course / f"{receipt['user']}+{self.coursedir.assignment_id}+{stamp}"
        shutil.copytree(files, copy, dirs_exist_ok=True)
        (copy / STAMP).write_text(stamp)
        (copy / SECRET).write_text(receipt["id"])
        receipts = Path(self.src_path, RECEIPTS)
        receipts.mkdir(exist_ok=True)
        for kept in (copy / "receipt.json", receipts / f"attempt-{receipt['attempt']}.json"):
            kept.write_text(json.dumps(receipt, indent=1))
