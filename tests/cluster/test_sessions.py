"""People's sessions on the real Slurm: what they get, what they are refused, how they end."""

from __future__ import annotations

import json
import os
import pwd
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.support.campus import Campus
from tests.support.person import Person, wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.every_transport]

WHERE = """
import json, os, pathlib, sys
groups = dict(line.split(":", 2)[1:] for line in open("/proc/self/cgroup").read().splitlines())
old = pathlib.Path("/sys/fs/cgroup/memory" + groups.get("memory", "/none"))
unified = pathlib.Path("/sys/fs/cgroup" + groups.get("", "/none"))
memory = [folder / "memory.limit_in_bytes" for folder in (old, *old.parents)]
memory += [folder / "memory.max" for folder in (unified, *unified.parents)]
limits = [int(f.read_text()) for f in memory if f.exists() and f.read_text().strip().isdigit()]
print(json.dumps({
    "uid": os.getuid(), "home": os.environ["HOME"], "gpus": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
    "limit": min(limits, default=None), "groups": os.getgroups(), "job": os.environ["SLURM_JOB_ID"],
    "python": sys.executable, "umask": os.umask(0o077),
}))
"""
TAKE_TOO_MUCH = "hoard = [bytearray(64 * 2**20) for _ in range(100)]\nprint('took it all')"


def where(person: Person, **options: Any) -> dict[str, Any]:
    return json.loads(person.start(**options).kernel().run(WHERE))


@pytest.mark.through_sudo
def test_two_people_get_what_they_asked_for_as_themselves(calm: Campus) -> None:
    one, two = where(calm.person("trainee1"), size="gpu1"), where(calm.person("trainee2"), size="gpu4")
    for name, found in ((calm.name("trainee1"), one), (calm.name("trainee2"), two)):
        account = pwd.getpwnam(name)
        assert (found["uid"], found["home"], found["groups"]) == (account.pw_uid, account.pw_dir, [account.pw_gid])
        granted = calm.slurm("scontrol", "show", "job", "--details", found["job"]).stdout
        assert f"UserId={name}({account.pw_uid})" in granted
    assert len(one["gpus"].split(",")) == 1
    assert sorted(two["gpus"].split(",")) == ["0", "1", "2", "3"]
    if calm.machine.contains_memory:
        assert (one["limit"], two["limit"]) == (4 * 2**30, 8 * 2**30)


def test_no_gpu_asked_for_none_granted(calm: Campus) -> None:
    assert where(calm.person("trainee1"), size="cpu")["gpus"] in ("", "NoDevFiles")


def test_torch_and_transformers_are_there(calm: Campus) -> None:
    kernel = calm.person("startup1").start(size="gpu1").kernel()
    printed = kernel.run("import torch, transformers, ipywidgets, nbgrader; print(torch.ones(2).sum().item())", 120)
    assert printed.strip() == "2.0"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "gpu64"}, "There is no session size 'gpu64'"),
        ({"size": ""}, "There is no session size ''"),
        ({"size": "cpu\n#SBATCH --gres=gpu:16"}, "There is no session size"),
        ({"size": "$(touch /tmp/owned)"}, "There is no session size"),
        ({"size": "`id`;'\"é学"}, "There is no session size"),
        ({"size": ["cpu"]}, "The option 'size' is not usable"),
        ({"size": "c" * 10_000_000}, ""),
        ({"size": "cpu", "minutes": 481}, "runs for 1 to 480 minutes"),
        ({"size": "cpu", "minutes": 0}, "runs for 1 to 480 minutes"),
        ({"size": "cpu", "minutes": -5}, "runs for 1 to 480 minutes"),
        ({"size": "cpu", "minutes": "1e9"}, "is not a number of minutes"),
        ({"size": "cpu", "minutes": "٤"}, "is not a number of minutes"),
        ({"size": "cpu", "minutes": True}, "The option 'minutes' is not usable"),
        ({"size": "cpu", "minutes": 1.5}, "The option 'minutes' is not usable"),
        ({"size": "cpu", "partition": "admin"}, "partition"),
        ({"cmd": ["id"]}, "no option 'cmd'"),
        ({"batch_query_cmd": "id"}, "no option 'batch_query_cmd'"),
        ({"prologue": "touch /tmp/owned"}, "no option 'prologue'"),
        ({"env": {"LD_PRELOAD": "/tmp/x.so"}}, "no option 'env'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_the_site_does_not_offer_is_refused_in_words(options: dict[str, Any], says: str, campus: Campus) -> None:
    person = campus.person("trainee1")
    answer = person.ask(**options)
    assert answer.status_code in (400, 413), answer.text[:500]
    assert says in answer.json()["message"]
    assert person.server() is None
    assert not Path("/tmp/owned").exists()
    assert not campus.jobs()


def test_the_form_is_checked_like_the_api(calm: Campus) -> None:
    person = calm.person("trainee1")
    refused = person.submit_form(size="gpu1", minutes="10000")
    assert "runs for 1 to 480 minutes" in refused.text
    assert not calm.jobs()
    without_xsrf = person.web.post(f"{calm.url}/hub/spawn", data={"size": "gpu1"})
    assert without_xsrf.status_code == 403
    assert not calm.jobs()


def test_a_time_that_was_asked_for_is_slurms_limit(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu", minutes=7)
    assert calm.slurm("squeue", "--noheader", "--format=%l").stdout.strip() == "7:00"


def test_too_much_memory_ends_the_kernel_and_not_the_session(calm: Campus) -> None:
    if not calm.machine.contains_memory:
        pytest.skip("this machine has no memory cgroup; doctor says so")
    session = calm.person("trainee1").start(size="cpu")
    hungry, other = session.kernel(), session.kernel()
    started = session.state()["started"]
    assert other.run("kept = 41") == ""
    with pytest.raises((TimeoutError, ConnectionError)):
        hungry.run(TAKE_TOO_MUCH, 10)
    # Started anew by Jupyter, with nothing of what it held.
    assert hungry.run("print('hoard' in globals())").strip() == "False"
    assert other.run("print(kept + 1)").strip() == "42"
    assert session.state()["started"] == started


def test_stopping_ends_the_job_and_its_processes(calm: Campus) -> None:
    person = calm.person("trainee1")
    kernel = person.start(size="cpu").kernel()
    pids = [int(p) for p in kernel.run("import os; print(os.getpid(), os.getppid())").split()]
    folder = Path(kernel.run("print(os.environ['JUPYTER_RUNTIME_DIR'])").strip()).parent
    assert folder.exists()
    child = int(kernel.run("import subprocess; print(subprocess.Popen(['sleep', '999'], start_new_session=True).pid)"))
    person.stop()
    wait_for("the processes to be gone", lambda: not any(psutil.pid_exists(p) for p in [*pids, child]))
    assert not calm.jobs()
    assert not folder.exists(), "the private folder stayed"


def test_a_job_cancelled_from_a_shell_is_noticed(calm: Campus) -> None:
    person = calm.person("trainee1")
    person.start(size="cpu")
    calm.slurm("scancel", *calm.jobs())
    wait_for("the hub to notice", lambda: person.server() is None)
    assert person.start(size="cpu").state()["ready"]


def test_a_killed_sessions_private_folder_goes_when_the_next_one_starts(calm: Campus) -> None:
    person = calm.person("trainee1")
    kernel = person.start(size="cpu").kernel()
    server, runtime = kernel.run("import os; print(os.getppid(), os.environ['JUPYTER_RUNTIME_DIR'])").split()
    os.kill(int(server), signal.SIGKILL)
    wait_for("the hub to notice", lambda: person.server() is None)
    assert Path(runtime).exists()
    again = person.start(size="cpu").kernel()
    assert not Path(runtime).parent.exists()
    assert Path(again.run("import os; print(os.environ['JUPYTER_RUNTIME_DIR'])").strip()) != Path(runtime)


@pytest.mark.through_sudo
def test_a_session_that_dies_while_it_starts_is_a_sentence(calm: Campus) -> None:
    person = calm.person("trainee1")
    account = pwd.getpwnam(person.name)
    settings = Path(account.pw_dir) / ".jupyter" / "jupyter_server_config.py"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("raise SystemExit('broken settings')\n")
    try:
        answer = person.ask(size="cpu")
        assert answer.status_code == 400
        assert answer.json()["message"] == "The session stopped with an error (exit code 1)."
        assert "broken settings" in person.failure(), "the end of the log is on the page"
        assert person.server() is None
    finally:
        settings.unlink()
    assert not calm.jobs()
    newest = max((Path(account.pw_dir) / ".campus" / "logs").iterdir(), key=lambda p: p.stat().st_mtime)
    assert "broken settings" in newest.read_text()
    assert newest.stat().st_mode & 0o077 == 0
    assert person.start(size="cpu").state()["ready"]


def test_a_home_without_room_for_a_log_still_gets_a_session(calm: Campus) -> None:
    person = calm.person("trainee1")
    folder = Path(pwd.getpwnam(person.name).pw_dir) / ".campus"
    moved = folder.with_name(".campus-before")
    folder.rename(moved)
    folder.write_text("in the way")
    try:
        assert person.start(size="cpu").state()["ready"]
    finally:
        folder.unlink()
        moved.rename(folder)


def test_nobody_reaches_anothers_session_or_api(calm: Campus) -> None:
    one, two = calm.person("trainee1"), calm.person("trainee2")
    one.start(size="cpu")
    for method, path in (
        ("GET", f"/users/{one.name}"),
        ("DELETE", f"/users/{one.name}/server"),
        ("POST", f"/users/{one.name}/server"),
        ("POST", f"/users/{one.name}/tokens"),
        ("GET", "/users"),
        ("GET", "/proxy"),
        ("POST", "/shutdown"),
    ):
        assert two.api(method, path).status_code in (403, 404), (method, path)
    for path in ("/api/contents", "/api/kernels", "/lab", "/files/x"):
        assert two.request("GET", f"/user/{one.name}{path}").status_code in (302, 403)
    seen = two.web.get(f"{calm.url}/user/{one.name}/api/contents")
    assert seen.status_code in (403, 404)
    assert one.server()["ready"]  # type: ignore[index]


def test_the_hub_says_who_may_frame_it(campus: Campus) -> None:
    for path in ("/hub/login", "/hub/spawn", "/hub/home"):
        assert "frame-ancestors" in requests.get(f"{campus.url}{path}").headers["Content-Security-Policy"]
