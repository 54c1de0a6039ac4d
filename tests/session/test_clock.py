"""Time is visible: what the session's own page is told, and what counts as activity."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.session.conftest import Session, running
from tests.support.person import wait_for

JOB = {"SLURM_JOB_ID": "42", "SLURM_JOB_PARTITION": "gpu", "CUDA_VISIBLE_DEVICES": "0,3"}
END = 4_000_000_000
# Says whatever is asked of it, and with which variables of Slurm's: nobody may see what is not this job's.
SAYS = '#!/bin/sh\nprintf "%s|" "$@" "$SLURM_TIME_FORMAT" "$SQUEUE_FORMAT" >>"$0.asked"; echo >>"$0.asked"\n'


def programs(folder: Path, **scripts: str) -> Path:
    """A folder with these programs, for everybody to run."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, script in scripts.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
        (folder / f"{name}.asked").touch()
        (folder / f"{name}.asked").chmod(0o666)
    return folder


def asked(program: Path) -> list[str]:
    return program.with_name(f"{program.name}.asked").read_text().splitlines()


@contextmanager
def in_a_job(environment: Path, squeue: str, **variables: str) -> Iterator[tuple[Session, Path]]:
    """A session that has these variables and this squeue, as Slurm would start it; and where that squeue lies."""
    with tempfile.TemporaryDirectory(prefix="campus-job-", dir="/tmp") as top:
        os.chmod(top, 0o755)
        exports = "".join(f"export {name}='{value}'\n" for name, value in variables.items())
        python = f'#!/bin/sh\n{exports}exec "{environment}/bin/python" "$@"\n'
        found = programs(Path(top) / "bin", python=python, squeue=squeue)
        with running(Path(top)) as session:
            yield session, found / "squeue"


def told(session: Session) -> dict[str, Any]:
    answer = session.request("GET", "/campus/session")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


@pytest.fixture(scope="module")
def job(environment: Path) -> Iterator[tuple[Session, Path]]:
    with in_a_job(environment, f"{SAYS}echo {END}\n", SQUEUE_FORMAT="%i", **JOB) as found:
        yield found


# ------------------------------------------------------------------------------------------------ the answer


def test_the_page_is_told_about_its_job(job: tuple[Session, Path]) -> None:
    answer = told(job[0])
    assert abs(answer.pop("seconds_left") - (END - time.time())) < 3
    nothing = {"memory_used": None, "memory_total": None, "utilisation": None}
    gpus = [{"id": "0", **nothing}, {"id": "3", **nothing}]
    # This test runs in no control group of Slurm's.
    assert answer == {"job": 42, "partition": "gpu", "end": END, "memory": None, "gpus": gpus, "idle": None}


def test_slurm_is_asked_at_start_and_not_again_within_a_minute(job: tuple[Session, Path]) -> None:
    session, squeue = job
    for _ in range(5):
        told(session)
    assert asked(squeue) == ["--noheader|--jobs=42|--format=%e|%s||"]


@pytest.mark.parametrize("token", [None, "", "token bobs-token"])
def test_nobody_else_is_told(token: str | None, job: tuple[Session, Path]) -> None:
    headers = {} if token is None else {"Authorization": token}
    answer = requests.get(f"{job[0].url}/campus/session", headers=headers, timeout=30, allow_redirects=False)
    assert answer.status_code == 403
    assert "42" not in answer.text


@pytest.mark.parametrize("what", ["longer", "keep", "stop"])
@pytest.mark.parametrize("token", [None, "token somebody-elses"])
def test_nobody_else_decides_about_the_session(token: str | None, what: str, job: tuple[Session, Path]) -> None:
    headers = {"Authorization": token or ""}
    assert job[0].request("POST", f"/campus/session/{what}", headers=headers).status_code == 403


def test_a_hub_that_gives_no_more_time_is_a_sentence(job: tuple[Session, Path]) -> None:
    """The stand-in for the hub answers every request with who alice is."""
    answer = job[0].request("POST", "/campus/session/longer")
    assert answer.status_code == 409
    assert answer.json() == {
        "code": "hub-silent",
        "message": "The session could not be given more time now.",
        "remedy": "Save your work, and try again in a minute.",
    }


def test_outside_slurm_there_is_nothing_to_tell(session: Session) -> None:
    nothing = dict.fromkeys(("job", "partition", "end", "seconds_left", "memory", "idle"))
    assert told(session) == nothing | {"gpus": []}
    assert "squeue" not in session.log.read_text()


def test_lab_finds_the_item(session: Session) -> None:
    found = {each["name"]: each for each in session.page_config()["federated_extensions"]}["campus-clock"]
    assert (found["load"], found["extension"]) == ("static/remoteEntry.js", "./extension")
    for name in ("remoteEntry.js", "clock.js", "words.js", "watches.js"):
        answer = session.request("GET", f"/lab/extensions/campus-clock/static/{name}")
        assert answer.status_code == 200
        # A browser runs no module of another type.
        assert "javascript" in answer.headers["Content-Type"]


def test_a_squeue_that_hangs_holds_nobody_up(environment: Path) -> None:
    with in_a_job(environment, "#!/bin/sh\nexec sleep 600\n", **JOB) as (session, _):
        began = time.monotonic()
        answer = told(session)
        assert time.monotonic() - began < 4
        assert (answer["job"], answer["end"], answer["seconds_left"]) == (42, None, None)
        began = time.monotonic()
        assert session.request("GET", "/api").ok
        assert time.monotonic() - began < 1
        wait_for("its end", lambda: not [p for p in session.processes() if p.name() == "sleep"], 20)
        said = "Asking Slurm when this session ends failed: no answer within 10 seconds."
        wait_for("the log", lambda: said in session.log.read_text())


# ------------------------------------------------------------------------------------------------ Slurm's answers


def in_environment(environment: Path, code: str, **variables: str) -> Any:
    """What code in the session environment prints, as JSON."""
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-I", "-c", textwrap.dedent(code)],
        env={"PATH": "/usr/bin:/bin", **variables},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Asks three times; between, squeue changes its mind.
ASKS = """
import asyncio, json, logging, os, sys
from functools import partial
from extensions.clock.end import ask_slurm, end_at_start
from extensions.clock.kept import Kept

async def ask():
    end = Kept(partial(ask_slurm, 42), end_at_start(), 0, logging.getLogger())
    found = []
    for number in range(3):
        os.environ["PATH"] = os.environ["FAKES"] + f"/{number}:/usr/bin:/bin"
        found.append(await end.get())
    print(json.dumps(found))
asyncio.run(ask())
"""
NO_ANSWER = {
    "it fails": "echo 'slurm_load_jobs error: Unable to contact slurm controller' >&2; exit 1",
    "it fails with a time": "echo 1800000000; exit 1",
    "nonsense": "echo 'soon, I hope'",
    "nothing": "true",
    "two times": "echo 1800000000; echo 1800000001",
    "a date": "date +%FT%T",
    "a number of nothing": "echo 0",
    "a negative number": "echo -1800000000",
    "a far too large number": "echo 99999999999999",
    "other digits": "echo '١٨٠٠٠٠٠٠٠٠'",
    "no text": "printf '\\377\\376'",
    "a flood": "head -c 5000000 /dev/zero",
}


def three_answers(environment: Path, folder: Path, *scripts: str, **variables: str) -> list[int | None]:
    for number, script in enumerate(scripts):
        programs(folder / str(number), squeue=f"#!/bin/sh\n{script}\n")
    return in_environment(environment, ASKS, FAKES=str(folder), **variables)


@pytest.mark.parametrize("said", NO_ANSWER.values(), ids=NO_ANSWER)
def test_without_an_answer_the_last_one_is_kept(said: str, environment: Path, tmp_path: Path) -> None:
    ends = three_answers(environment, tmp_path, "echo 1800000000", said, "echo 1900000000")
    assert ends == [1_800_000_000, 1_800_000_000, 1_900_000_000]


def test_without_any_answer_the_end_is_what_slurm_said_at_the_start(environment: Path, tmp_path: Path) -> None:
    assert three_answers(environment, tmp_path, *["exit 1"] * 3) == [None] * 3
    start = {"SLURM_JOB_END_TIME": "1800000000"}
    assert three_answers(environment, tmp_path, "exit 1", "exit 1", "echo 1900000000", **start) == [
        1_800_000_000,
        1_800_000_000,
        1_900_000_000,
    ]


@pytest.mark.parametrize("word", ["N/A", "UNLIMITED", "NONE"])
def test_a_job_may_have_no_end(word: str, environment: Path, tmp_path: Path) -> None:
    ends = three_answers(environment, tmp_path, f"echo {word}", "echo 1800000000", f"echo {word}")
    assert ends == [None, 1_800_000_000, None]


def test_without_a_squeue_there_is_no_end(environment: Path, tmp_path: Path) -> None:
    only = ASKS.replace(":/usr/bin:/bin", "")
    assert in_environment(environment, only, FAKES=str(tmp_path)) == [None] * 3


# ------------------------------------------------------------------------------------------------ memory and GPUs

MEMORY = (
    "import json, pathlib; from extensions.clock.memory import job_memory; print(json.dumps(job_memory(42, {root})))"
)
V1 = "9:name=systemd:/\n8:pids:/\n4:memory:/slurm_n1/uid_1001/job_42/step_batch/task_0\n0::/\n"
V2 = "0::/system.slice/slurmstepd.scope/job_42/step_batch/user/task_0\n"
V1_JOB = "memory/slurm_n1/uid_1001/job_42"
V2_JOB = "system.slice/slurmstepd.scope/job_42"
V1_STAT = "cache 7\ninactive_file 7\ntotal_cache 900\ntotal_inactive_file 300\ntotal_active_file 200\n"
V2_STAT = "anon 1500\nfile 900\ninactive_file 300\nactive_file 200\n"


def tree(root: Path, groups: str, files: dict[str, str]) -> Path:
    """A machine's /proc/self/cgroup and /sys/fs/cgroup."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys" / "fs" / "cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def v1(limit: str, group: str = V1_JOB) -> dict[str, str]:
    return {
        f"{group}/memory.usage_in_bytes": "2000\n",
        f"{group}/memory.limit_in_bytes": f"{limit}\n",
        f"{group}/memory.stat": V1_STAT,
        # A step has more than the job, and it does not matter.
        f"{group}/step_batch/task_0/memory.limit_in_bytes": "9223372036854771712\n",
    }


def v2(limit: str, group: str = V2_JOB) -> dict[str, str]:
    return {
        f"{group}/memory.current": "2000\n",
        f"{group}/memory.max": f"{limit}\n",
        f"{group}/memory.stat": V2_STAT,
        f"{group}/step_batch/user/task_0/memory.max": "max\n",
    }


@pytest.mark.parametrize(
    ("groups", "files", "memory"),
    [
        pytest.param(V1, v1("4000"), {"used": 1500, "limit": 4000}, id="v1"),
        pytest.param(V1, v1("9223372036854771712"), {"used": 1500, "limit": None}, id="v1 without a limit"),
        pytest.param(V2, v2("4000"), {"used": 1500, "limit": 4000}, id="v2"),
        pytest.param(V2, v2("max"), {"used": 1500, "limit": None}, id="v2 without a limit"),
        pytest.param(V1.replace("memory", "hugetlb,memory"), v1("4000"), {"used": 1500, "limit": 4000}, id="v1 shared"),
        pytest.param("4:memory:/a/job_42\n", v1("4000", "memory/a/job_42"), {"used": 1500, "limit": 4000}, id="itself"),
        pytest.param(V1.replace("job_42", "job_421"), v1("4000"), None, id="another job"),
        pytest.param("4:memory:/\n0::/\n", v1("4000"), None, id="no group of its own"),
        pytest.param(V1, {}, None, id="v1 not mounted"),
        pytest.param(V2, {}, None, id="v2 not mounted"),
        pytest.param(V2, v2("4000") | {f"{V2_JOB}/memory.current": "a lot"}, None, id="nonsense"),
        pytest.param("", {}, None, id="no groups"),
        pytest.param("nonsense\n", {}, None, id="no groups but nonsense"),
    ],
)  # fmt: skip
def test_memory_is_the_jobs_own(
    groups: str, files: dict[str, str], memory: Any, environment: Path, tmp_path: Path
) -> None:
    root = tree(tmp_path, groups, files)
    assert in_environment(environment, MEMORY.format(root=f"pathlib.Path({str(root)!r})")) == memory


def test_memory_of_a_machine_without_control_groups(environment: Path, tmp_path: Path) -> None:
    assert in_environment(environment, MEMORY.format(root=f"pathlib.Path({str(tmp_path)!r})")) is None


GPUS = """
import asyncio, json, os
from extensions.clock.gpus import granted, look
print(json.dumps(asyncio.run(look(granted(os.environ)))))
"""
SMI = (
    SAYS
    + """
echo '0, GPU-aaaa, 81000, 81559, 97'
echo '1, GPU-bbbb, 5, 81559, 3'
echo '2, GPU-cccc, [N/A], 81559, [Not Supported]'
"""
)
MIB = 1 << 20


def gpu(name: str, used: int | None = None, total: int | None = None, busy: int | None = None) -> dict[str, Any]:
    scaled = [None if each is None else each * MIB for each in (used, total)]
    return {"id": name, "memory_used": scaled[0], "memory_total": scaled[1], "utilisation": busy}


@pytest.mark.parametrize(
    ("variables", "gpus"),
    [
        ({"CUDA_VISIBLE_DEVICES": "1"}, [gpu("1", 5, 81559, 3)]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-aaaa"}, [gpu("GPU-aaaa", 81000, 81559, 97)]),
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, [gpu("2", None, 81559, None), gpu("0", 81000, 81559, 97)]),
        ({"CUDA_VISIBLE_DEVICES": "0", "SLURM_JOB_GPUS": "1"}, [gpu("0", 81000, 81559, 97)]),
        ({"SLURM_JOB_GPUS": "1"}, [gpu("1", 5, 81559, 3)]),
        ({"CUDA_VISIBLE_DEVICES": "MIG-0a1b-2c"}, [gpu("MIG-0a1b-2c")]),
        ({"CUDA_VISIBLE_DEVICES": "7"}, [gpu("7")]),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"CUDA_VISIBLE_DEVICES": "--help"}, []),
        ({}, []),
    ],
)  # fmt: skip
def test_gpus_are_those_granted(variables: dict[str, str], gpus: Any, environment: Path, tmp_path: Path) -> None:
    path = f"{programs(tmp_path, **{'nvidia-smi': SMI})}:/usr/bin:/bin"
    assert in_environment(environment, GPUS, PATH=path, **variables) == gpus
    whole = ",".join(g["id"] for g in gpus if not g["id"].startswith("MIG-"))
    queried = "--query-gpu=index,uuid,memory.used,memory.total,utilization.gpu|--format=csv,noheader,nounits|||"
    assert asked(tmp_path / "nvidia-smi") == ([f"--id={whole}|{queried}"] if whole else [])


@pytest.mark.parametrize("smi", ["exit 9", "echo No devices were found", "printf '\\377,,,,\\n'", "echo 0"])
def test_a_gpu_that_is_not_to_be_asked_is_still_named(smi: str, environment: Path, tmp_path: Path) -> None:
    path = f"{programs(tmp_path, **{'nvidia-smi': f'#!/bin/sh{chr(10)}{smi}{chr(10)}'})}:/usr/bin:/bin"
    assert in_environment(environment, GPUS, PATH=path, CUDA_VISIBLE_DEVICES="0") == [gpu("0")]


# ------------------------------------------------------------------------------------------------ activity


def last_activity(session: Session) -> datetime:
    return datetime.fromisoformat(session.request("GET", "/api/status").json()["last_activity"])


async def test_a_busy_kernel_is_activity_though_it_says_nothing(job: tuple[Session, Path]) -> None:
    """What JupyterHub is told; what its own culler asks for is in test_use."""
    session = job[0]
    answer = session.request("POST", "/api/kernels", json={"name": "python3"})
    cell = asyncio.create_task(session.run(answer.json()["id"], "import time; time.sleep(34)"))
    await asyncio.sleep(1)
    began = last_activity(session)
    await asyncio.sleep(31)
    assert not cell.done()
    assert (last_activity(session) - began).total_seconds() > 1
    await cell
