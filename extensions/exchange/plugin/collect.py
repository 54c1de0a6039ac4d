"""nbgrader collect: the last submission of each person, or the last before the due date."""

from __future__ import annotations

import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.exchange import default
from nbgrader.utils import parse_utc

from extensions.exchange.plugin.over_http import SECRET, STAMP, Exchange
from extensions.grading import late


class ExchangeCollect(Exchange, default.ExchangeCollect):
    def init_src(self) -> None:
        # The exchange has weighed them; nbgrader would end the run for everybody at one that is too large.
        self.coursedir.max_dir_size = self.coursedir.max_file_size = sys.maxsize
        found = self.submissions(self.the_course(), self.coursedir.assignment_id)
        self.found = {one["id"]: one for one in found if fnmatch(one["user"], self.coursedir.student_id or "*")}
        due = self._due()
        # nbgrader looks whose the submitted folder is; here the service saw whose the token was.
        self.check_owner, self.inbound_path = False, ""
        self.src_records = []
        for person in sorted({one["user"] for one in self.found.values()}):
            records = [
                {"username": person, "filename": one["id"], "timestamp": parse_utc(self.stamp(one["received"]))}
                for one in self.found.values()
                if one["user"] == person
            ]
            records = self._sort_by_timestamp(records)
            in_time = [record for record in records if due and record["timestamp"] <= due]
            self.src_records.append(in_time[0] if in_time else records[0])

    def copy_files(self) -> None:
        # Asked for before anything is copied: what is collected is never without its dates.
        assignment = self.client.get(self.path(), dict, "name", "due", "late_policy")
        seconds = self.client.get(self.path("lateness"), dict)
        super().copy_files()
        late.keep(self.coursedir, assignment, self.found.values(), seconds)

    def _due(self):
        """The date to collect by: the gradebook's, else the exchange's; None without --before-duedate."""
        if not self.before_duedate:
            return None
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                due = gradebook.find_assignment(self.coursedir.assignment_id).duedate
            except MissingEntry:
                due = None
        said = self.assignment()["due"]
        return due or (parse_utc(self.stamp(said)) if said else None)

    def do_copy(self, src: str, dest: str, log=None) -> None:
        """Of a submission, by its id, into the course's folder; what only claims to be nbgrader's own is replaced."""
        submission = self.found[src]
        with TemporaryDirectory() as folder:
            files = Path(folder) / "files"
            files.mkdir()
            self.client.fetch(f"/submissions/{src}/files", submission["files"], files)
            for name, text in ((STAMP, self.stamp(submission["received"])), (SECRET, src)):
                if (files / name).is_dir():
                    shutil.rmtree(files / name)
                (files / name).write_text(text)
            super().do_copy(str(files), dest)
