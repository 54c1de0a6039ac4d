"""Idle GPUs go back: the real idle culler, on a site with short times, and sessions with a stand-in for nvidia-smi."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = pytest.mark.cluster

_CULLING = '\n[culling]\ngpu_idle = "30s"\nnotice = "10s"\nevery = "2s"\n'
# Four GPUs that are as busy as the file of the account says.
_SMI = """#!/bin/sh
for gpu in 0 1 2 3; do echo "$gpu, GPU-$gpu, 10, 81559, $(cat "$0.$(id -un)" 2>/dev/null || echo 0)"; done
"""


@pytest.fixture(scope="module")
def busy(campus: Campus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Person, int], object]]:
    """Short times for idle GPUs; sets how busy somebody's GPUs are, in per cent."""
    site = tmp_path_factory.mktemp("site")
    before = site / "before.toml"
    before.write_text(campus.paths.site_file.read_text())
    short = site / "short.toml"
    short.write_text(before.read_text() + _CULLING)
    smi = campus.paths.session_env / "bin" / "nvidia-smi"
    smi.write_text(_SMI)
    smi.chmod(0o755)
    campus.command("up", "--site", str(short))
    yield lambda person, percent: Path(f"{smi}.{person.name}").write_text(str(percent))
    for path in smi.parent.glob(f"{smi.name}*"):
        path.unlink()
    campus.command("up", "--site", str(before))


def told(person: Person, server: str = "") -> dict[str, Any] | None:
    """What a session tells its page of its end for being idle."""
    answer = person.request("GET", f"/user/{person.name}/{server}{'/' if server else ''}campus/session")
    return answer.json()["idle"] if answer.status_code == 200 else None


def workspace(person: Person, server: str, documents: list[str] | None = None) -> list[str]:
    """The documents that are open in JupyterLab, as it keeps them; sets them where some are given."""
    path = f"/user/{person.name}/{server}{'/' if server else ''}lab/api/workspaces/default"
    if documents is not None:
        made = person.request("PUT", path, json={"data": {"open": documents}, "metadata": {"id": "default"}})
        assert made.status_code == 204, made.text
    return person.request("GET", path).json()["data"]["open"]


def test_an_idle_gpu_goes_back_and_is_resumed(busy: Callable[[Person, int], object], calm: Campus) -> None:
    idle, computes = calm.person("trainee1"), calm.person("trainee2")
    busy(computes, 97)
    computes.start(size="gpu1")  # no browser, no kernel
    idle.api("POST", f"/users/{idle.name}/servers/kept", json={"user_options": {"size": "gpu1"}})
    wait_for("the one that will be kept", lambda: idle.servers()["kept"]["ready"])
    idle.start(size="gpu1", minutes=30)
    workspace(idle, "", ["a.ipynb"])
    workspace(idle, "kept", ["b.ipynb"])

    said = wait_for("the announcement", lambda: told(idle, "kept"))
    assert (said["because"], said["keeps_left"]) == ("gpu", 2)
    assert 0 < said["ends_in"] <= 10
    assert said["smaller"] == {"title": calm.site.size("cpu").title, "options": {"size": "cpu"}}  # type: ignore[union-attr]
    kept = idle.request("POST", f"/user/{idle.name}/kept/campus/session/keep")
    assert (kept.status_code, kept.json()) == (200, {"idle": None})

    wait_for("the idle one to go back", lambda: "" not in idle.servers())
    assert list(idle.servers()) == ["kept"], "started before, and kept"
    assert computes.server(), "started before, and at work"
    assert told(computes) is None
    sentence = "The session ended because it was idle: its GPU had done nothing for"
    for page in ("spawn", "home", f"user/{idle.name}/lab"):
        shown = idle.web.get(f"{idle.url}/hub/{page}").text
        assert sentence in shown, page
        assert "opt-resume=1" in shown, page

    idle.web.get(f"{idle.url}/hub/spawn?opt-resume=1")
    wait_for("the session again", lambda: (idle.server() or {}).get("ready"))
    assert idle.session().state()["user_options"] == {"size": "gpu1", "minutes": 30}
    assert workspace(idle, "") == ["a.ipynb"]
    assert workspace(idle, "kept") == ["b.ipynb"]
    assert sentence not in idle.web.get(f"{idle.url}/hub/home").text
