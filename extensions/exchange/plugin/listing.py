"""nbgrader list: what is released, what was submitted, and what this person keeps of their own."""

from __future__ import annotations

import hashlib
import os
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from nbgrader.exchange import default

from extensions.exchange.plugin.over_http import SECRET, STAMP, Exchange


class ExchangeList(Exchange, default.ExchangeList):
    """Answers what nbgrader's own does, so its pages read it unchanged."""

    def init_dest(self) -> None:
        pass

    def parse_assignments(self) -> list[dict[str, Any]]:
        self._gone: list[tuple[str, str]] = []
        if not (self.inbound or self.cached):
            return [self._released(a) for a in self._assignments() if a["files"]]
        found = self._cached() if self.cached else self._inbound()
        groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for info in sorted(found, key=lambda info: info["timestamp"]):
            groups.setdefault((info["course_id"], info["student_id"], info["assignment_id"]), []).append(info)
        return [
            {
                "course_id": course,
                "student_id": student,
                "assignment_id": name,
                "status": infos[0]["status"],
                "submissions": infos,
            }
            for (course, student, name), infos in sorted(groups.items())
        ]

    def _assignments(self) -> list[dict[str, Any]]:
        course = self.coursedir.course_id
        courses = [course] if course else [c["id"] for c in self.client.get("/courses", list, "id")]
        wanted = self.coursedir.assignment_id or "*"
        return [
            assignment
            for one in courses
            for assignment in self.client.get(f"/courses/{one}/assignments", list, "course", "name", "files")
            if fnmatch(assignment["name"], wanted)
        ]

    def _status(self, status: str) -> str:
        return "removed" if self.remove else status

    def _released(self, assignment: dict[str, Any]) -> dict[str, Any]:
        course, name = assignment["course"], assignment["name"]
        folder = self.local_folder(course, name)
        here = folder.exists()
        self._gone.append(("DELETE", f"/courses/{course}/assignments/{name}/files"))
        books = (
            [str(path) for path in sorted(folder.glob("*.ipynb"))]
            if here
            else [f["path"] for f in assignment["files"] if fnmatch(f["path"], "*.ipynb") and "/" not in f["path"]]
        )
        return {
            "course_id": course,
            "assignment_id": name,
            "status": self._status("fetched" if here else "released"),
            "path": str(folder) if here else name,
            "notebooks": [{"notebook_id": Path(book).stem, "path": os.path.abspath(book)} for book in books],
        }

    def _inbound(self) -> list[dict[str, Any]]:
        found = []
        for assignment in self._assignments():
            for submission in self.submissions(assignment["course"], assignment["name"]):
                if fnmatch(submission["user"], self.coursedir.student_id or "*"):
                    self._gone.append(("DELETE", f"/submissions/{submission['id']}"))
                    path = f"/submissions/{submission['id']}"
                    names = [file["path"] for file in submission["files"]]
                    found.append(self._submitted(assignment, submission, path, names))
        return found

    def _cached(self) -> list[dict[str, Any]]:
        """What lies in the cache, with what the exchange says of it now."""
        course, name = self.coursedir.course_id or "*", self.coursedir.assignment_id or "*"
        student = self.coursedir.student_id or "*"
        found = []
        known: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
        for folder in sorted(Path(self.cache).glob(f"{course}/{student}+{name}+*")):
            who, assignment, _ = folder.name.split("+")
            key = (folder.parent.name, assignment)
            if key not in known:
                known[key] = self._mine(*key)
            secret, stamp = folder / SECRET, folder / STAMP
            number = secret.read_text().strip() if secret.exists() else ""
            self._gone.append(("", str(folder)))
            own = {"user": who, "stamp": stamp.read_text() if stamp.exists() else "", "feedback": None}
            submission = {**own, **known[key].get(number, {})}
            names = [str(path.relative_to(folder)) for path in folder.rglob("*.ipynb")]
            found.append(self._submitted({"course": key[0], "name": key[1]}, submission, str(folder), names))
        return found

    def _mine(self, course: str, name: str) -> dict[str, dict[str, Any]]:
        """One's own submissions by their id; none of a course that one has left."""
        courses = {c["id"] for c in self.client.get("/courses", list, "id")}
        if course not in courses:
            return {}
        names = {a["name"] for a in self.client.get(f"/courses/{course}/assignments", list, "name")}
        return {s["id"]: s for s in self.submissions(course, name)} if name in names else {}

    def _submitted(
        self, assignment: dict[str, Any], submission: dict[str, Any], path: str, files: list[str]
    ) -> dict[str, Any]:
        course, name = assignment["course"], assignment["name"]
        stamp = self.stamp(submission["received"]) if "received" in submission else submission["stamp"]
        feedback = self.local_folder(course, name) / "feedback" / stamp
        there = {f["path"]: f["sha256"] for f in submission["feedback"]["files"]} if submission["feedback"] else {}
        books = [self._notebook(path, book, feedback, there) for book in sorted(files) if book.endswith(".ipynb")]
        local = bool(books) and all(book["has_local_feedback"] for book in books)
        return {
            "course_id": course,
            "student_id": submission["user"],
            "assignment_id": name,
            "timestamp": stamp,
            "status": self._status("submitted"),
            "path": path,
            "notebooks": books,
            "has_local_feedback": local,
            "has_exchange_feedback": bool(books) and all(book["has_exchange_feedback"] for book in books),
            "feedback_updated": any(book["feedback_updated"] for book in books),
            "local_feedback_path": str(feedback) if local else None,
        }

    @staticmethod
    def _notebook(path: str, book: str, feedback: Path, there: dict[str, str]) -> dict[str, Any]:
        page = feedback / f"{Path(book).stem}.html"
        local = hashlib.sha256(page.read_bytes()).hexdigest() if page.is_file() else None
        remote = there.get(page.name)
        return {
            "notebook_id": Path(book).stem,
            "path": os.path.join(path, book),
            "has_local_feedback": local is not None,
            "has_exchange_feedback": remote is not None,
            "local_feedback_path": str(page) if local else None,
            "feedback_updated": bool(local and remote and local != remote),
        }

    def format_outbound_assignment(self, info: dict[str, Any]) -> str:
        here = self.local_folder(info["course_id"], info["assignment_id"]).exists()
        return f"{info['course_id']} {info['assignment_id']}{' (already downloaded)' if here else ''}"

    def remove_files(self) -> list[dict[str, Any]]:
        found = self.list_files()
        for method, what in self._gone:
            if method:
                self.client.ask(method, what, dict)
            else:
                shutil.rmtree(what)
        return found
