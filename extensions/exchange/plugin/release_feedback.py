"""nbgrader release_feedback: to the submission that it is about, with its score."""

from __future__ import annotations

import glob
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from nbgrader.api import Gradebook
from nbgrader.exchange import default

from extensions.exchange.plugin.over_http import SECRET, Exchange
from extensions.grading import grades, results
from extensions.grading.layout import Layout


class ExchangeReleaseFeedback(Exchange, default.ExchangeReleaseFeedback):
    def init_dest(self) -> None:
        self.the_course()

    def copy_files(self) -> None:
        left_out = set(self.coursedir.student_id_exclude.split(","))
        for folder in map(Path, sorted(glob.glob(self.src_path))):
            student = self._student(folder)
            pages = sorted(folder.glob("*.html"))
            if not pages or student in left_out:
                continue
            secret = folder / SECRET
            if not secret.exists():
                self.log.error(f"{folder} was not collected from the exchange, so it is not known whose it is")
                continue
            path = f"/submissions/{secret.read_text().strip()}"
            self._send_score(path, student)
            with TemporaryDirectory() as picked:
                for page in pages:
                    shutil.copy(page, picked)
                self.client.send("PUT", f"{path}/feedback", Path(picked), "feedback")
            self.log.info(
                f"Releasing feedback for student '{student}' on assignment "
                f"'{self.coursedir.course_id}/{self.coursedir.assignment_id}'"
            )

    def _student(self, folder: Path) -> str:
        """Whose folder this is, by nbgrader's pattern of paths."""
        directory, name = self.coursedir.feedback_directory, self.coursedir.assignment_id
        match = re.fullmatch(self.coursedir.format_path(directory, "(?P<student>.*)", name, escape=True), str(folder))
        return match["student"] if match else folder.parent.name

    def _send_score(self, path: str, student: str) -> None:
        name = self.coursedir.assignment_id
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            grade = grades.grade(gradebook, name, student, results.faults(Layout(self.coursedir, name).state, student))
        if grade:
            self.client.ask("PUT", f"{path}/grade", dict, ("graded",), json={**grade, "released": True})
