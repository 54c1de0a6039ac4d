"""The exchange's API over HTTP: small, and whatever is safe to send again is sent again."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import requests

from campus_base.errors import CampusError
from campus_base.pinned import PinnedAdapter
from extensions.exchange.archive import read_tar, write_tar
from extensions.exchange.names import Limits
from extensions.exchange.refusals import Refused

_PAUSES = (0.5, 1, 2, 4, 8, 15)  # seconds between tries: a service or a hub may be restarted meanwhile
_BUSY = (429, 502, 503, 504)
_TIMEOUT = (10, 300)  # seconds to connect, and without a word
# What an instructor's files may be is the service's to say.
_ANY_SIZE = Limits(upload=2**40, file=2**40, files=10**6, depth=64, path=4096)


class Problem(CampusError):
    """Why it did not work, for the person; ``code`` is the exchange's own where it refused."""


class Silent(Problem):
    """It does not answer, or has no time to: no request would fare better."""


_AGAIN = "Try again; if it persists, tell an operator."
_SENSELESS = ("exchange-senseless", "The exchange gave an answer that makes no sense here.", _AGAIN)
_SILENT = ("exchange-silent", "The exchange cannot be reached.", "Try again in a minute; your files are still yours.")


class Client:
    """``url`` is that of the API, ``token`` a JupyterHub token. Every method raises Problem.

    ``pauses`` are the seconds between tries, where it does not answer. ``certificate`` (a file, and its key's) and
    ``pinned`` are for the exchange's own port, behind the proxy: only who has the certificate in that file is told
    anything, since somebody's session may listen there while the exchange is down.
    """

    def __init__(
        self,
        url: str,
        token: str,
        pauses: tuple[float, ...] = _PAUSES,
        certificate: tuple[str, str] | None = None,
        pinned: str | None = None,
    ) -> None:
        self._url, self._pauses = url.rstrip("/"), pauses
        self._web = requests.Session()
        self._web.cert, self._web.verify = certificate, pinned or True
        if pinned:
            self._web.trust_env = False
            self._web.mount("https://", PinnedAdapter())
        self._web.headers["Authorization"] = f"token {token}"

    @classmethod
    def of_session(cls, pauses: tuple[float, ...] = _PAUSES) -> Client:
        """That of the session this runs in."""
        try:
            return cls(os.environ["CAMPUS_EXCHANGE_URL"], os.environ["JUPYTERHUB_API_TOKEN"], pauses)
        except KeyError:
            raise Problem(
                "no-session", "This works in a Campus session only.", "Start one, and run the command in it."
            ) from None

    def _ask(
        self,
        method: str,
        path: str,
        body: Callable[[], IO[bytes]] | None = None,
        into: IO[bytes] | None = None,
        **named: Any,
    ) -> requests.Response:
        """The answer, once there is a whole one: a request that gets none is sent again.

        ``body`` makes what is sent, ``into`` takes what comes, so that neither is held in memory.
        """
        problem: Problem = Silent(*_SILENT)
        for pause in (*self._pauses, None):
            try:
                data = {"data": body()} if body else {}
                answer = self._web.request(
                    method,
                    self._url + path,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                    stream=into is not None,
                    **data,
                    **named,
                )
                if answer.status_code // 100 == 2 and into:
                    into.truncate(0)
                    into.seek(0)
                    into.writelines(answer.iter_content(1 << 18))
                if answer.status_code not in _BUSY:
                    return answer
                problem = _problem(answer, Silent)
            except requests.RequestException:
                pass
            if pause is not None:
                time.sleep(pause)
        raise problem

    def _checked(self, answer: requests.Response) -> requests.Response:
        if answer.status_code // 100 != 2:
            raise _problem(answer)
        return answer

    def ask(self, method: str, path: str, kind: type, keys: tuple[str, ...] = (), **named: Any) -> Any:
        """A JSON answer of this kind (dict, or list of dicts), whose objects have these keys."""
        answer = self._checked(self._ask(method, path, **named))
        try:
            value = answer.json()
        except ValueError:
            raise Problem(*_SENSELESS) from None
        rows = value if kind is list and isinstance(value, list) else [value]
        if not isinstance(value, kind) or not all(isinstance(row, dict) and set(keys) <= row.keys() for row in rows):
            raise Problem(*_SENSELESS)
        return value

    def get(self, path: str, kind: type, *keys: str) -> Any:
        return self.ask("GET", path, kind, keys)

    def send(self, method: str, path: str, folder: Path, *keys: str, **params: str) -> dict[str, Any]:
        """Upload all files below a folder; sent again under the same ``key``, nothing is done twice."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        with tempfile.TemporaryFile() as body:
            for piece in write_tar((str(f.relative_to(folder)), f.stat().st_size, f.open("rb")) for f in files):
                body.write(piece)

            def rewound() -> IO[bytes]:
                body.seek(0)
                return body

            return self.ask(
                method,
                path,
                dict,
                keys,
                body=rewound,
                params={"key": uuid.uuid4().hex, **params},
                headers={"Content-Type": "application/x-tar"},
            )

    def fetch(self, path: str, wanted: list[dict[str, Any]], folder: Path) -> None:
        """Download files into a folder, and see that they are those which were told of."""
        with tempfile.TemporaryFile() as body:
            self._checked(self._ask("GET", path, into=body))
            try:
                found = self._unpack(body, folder)
            except Refused:
                raise Problem("not-whole", "The files did not arrive whole.", "Try again.") from None
        if found != {file["path"]: file["sha256"] for file in wanted}:
            raise Problem("not-whole", "The files that arrived are not those that were asked for.", "Try again.")

    @staticmethod
    def _unpack(body: IO[bytes], folder: Path) -> dict[str, str]:
        found = {}
        for path, _, content in read_tar(body, _ANY_SIZE):  # type: ignore[arg-type]
            data = content.read()
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            found[path] = hashlib.sha256(data).hexdigest()
        return found


def file_list(folder: Path) -> list[dict[str, Any]]:
    """The files below a folder, as the API lists them."""
    found = [(str(f.relative_to(folder)), f.read_bytes()) for f in folder.rglob("*") if f.is_file()]
    return [{"path": p, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for p, data in sorted(found)]


def _problem(answer: requests.Response, kind: type[Problem] = Problem) -> Problem:
    """What an answer that is an error says."""
    try:
        said = answer.json()
        return kind(str(said["code"]), str(said["message"]), str(said["remedy"]))
    except (ValueError, KeyError, TypeError, requests.RequestException):
        return kind("exchange-failed", f"The exchange failed ({answer.status_code}).", _AGAIN)
