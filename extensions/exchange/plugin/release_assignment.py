"""nbgrader release_assignment."""

from __future__ import annotations

from nbgrader.exchange import default

from extensions.exchange.plugin.over_http import Exchange


class ExchangeReleaseAssignment(Exchange, default.ExchangeReleaseAssignment):
    def ensure_root(self) -> None:
        """There is no folder to make."""

    def init_dest(self) -> None:
        self.the_course()

    def copy_files(self) -> None:
        self.log.info(f"Source: {self.src_path}")
        with self.picked(self.src_path) as files:
            self.client.send("PUT", self.path("files"), files, replace="1" if self.force else "0")
        self.log.info(f"Released as: {self.coursedir.course_id} {self.coursedir.assignment_id}")
