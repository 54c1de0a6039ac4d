"""A service of the hub: where something waits to be graded at once, it starts the session of the course's grader.

That session grades by itself (extensions.grading.pages.on_submit); when it has been idle, it is ended like any other.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from campus_base.errors import CampusError
from extensions.courses.names import grader_of
from hub_config.courses.services import ask_hub, exchange
from hub_config.installed import installed_site
from hub_config.paths import Paths
from hub_config.site import Site, memory_mib

_LOOK_SECONDS = 10.0
_AGAIN_SECONDS = 3600.0
"""Until a session is started again for what the one before has left without a grade."""
_REFUSED_SECONDS = 60.0
_NEEDED_MIB = 4096  # a session, and a submission within its usual limits (extensions.grading.settings.Sandbox)
log = logging.getLogger("campus.on_submit")

Hub = Callable[[str, str, dict[str, Any] | None], requests.Response]


class OnSubmit:
    """``pending`` asks the exchange how much waits, by course; ``hub`` asks the hub (method, path, body)."""

    def __init__(self, pending: Callable[[], dict[str, int]], hub: Hub, options: dict[str, str]) -> None:
        self._pending, self._hub, self._options = pending, hub, options
        self._seen_to: dict[str, tuple[int, float]] = {}

    def look(self, now: float) -> None:
        """Start what has to be started. Raises CampusError where the hub or the exchange does not answer."""
        waiting = self._pending()
        self._seen_to = {course: seen for course, seen in self._seen_to.items() if course in waiting}
        for course, count in waiting.items():
            seen = self._seen_to.get(course)
            if not seen or seen[0] != count or now >= seen[1]:
                pause = _AGAIN_SECONDS if self._start(grader_of(course)) else _REFUSED_SECONDS
                self._seen_to[course] = (count, now + pause)

    def _start(self, grader: str) -> bool:
        """Whether it runs, or will."""
        user = self._hub("GET", f"users/{grader}", None)
        if user.ok and user.json()["servers"]:
            return True
        answer = self._hub("POST", f"users/{grader}/server", self._options)
        if answer.ok:
            log.info("Starting the session of %s: submissions wait for it", grader)
        else:
            log.warning("The session of %s cannot be started: %s", grader, answer.text[:500])
        return answer.ok


def options(site: Site) -> dict[str, str]:
    """What a grader's session is started with: the first size without GPUs, and memory for a submission."""
    size = next((size for size in site.sizes if not (size.gpus or size.shards)), site.sizes[0])
    if size.max_memory is None:
        return {"size": size.name}
    most = max(memory_mib(size.memory), min(memory_mib(size.max_memory), _NEEDED_MIB))
    return {"size": size.name, "memory": f"{most}M"}


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # so the hub ends it, and nothing is left to clear away
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    paths = Paths(Path(os.environ["CAMPUS_PREFIX"]))
    site = installed_site(paths)
    client = exchange(site, paths)
    service = OnSubmit(
        lambda: client.get("/pending", dict),
        lambda method, path, body: ask_hub(method, path, site, paths, body),
        options(site),
    )
    said = ""
    while True:
        try:
            service.look(time.monotonic())
            said = ""
        except CampusError as error:
            if error.code != said:  # once, however long it lasts
                log.warning("%s (%s)", error, error.detail)
            said = error.code
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()
