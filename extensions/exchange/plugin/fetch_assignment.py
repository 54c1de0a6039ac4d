"""nbgrader fetch_assignment."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from nbgrader.exchange import default

from extensions.exchange.client import Problem
from extensions.exchange.plugin.over_http import Exchange


class ExchangeFetchAssignment(Exchange, default.ExchangeFetchAssignment):
    def init_src(self) -> None:
        self.found = self.assignment()
        if not self.found["files"]:
            empty = {"code": "empty", "message": "It holds no files.", "remedy": "Ask your instructor."}
            raise Problem(**(self.found["refusal"] or empty))

    def copy_files(self) -> None:
        with TemporaryDirectory() as folder:
            self.client.fetch(self.path("files"), self.found["files"], Path(folder))
            self.src_path = folder
            super().copy_files()
