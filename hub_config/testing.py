"""``./campus test``: the checks, the unit tests, and the tests on a Campus of their own beside a running one."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from hub_config.accounts import remove_accounts
from hub_config.daemon_accounts import remove_daemon_accounts
from hub_config.environments import CHECKOUT, ensure_project, ensure_session_environment
from hub_config.installed import installed_site
from hub_config.packages import install_debian_packages
from hub_config.paths import Paths
from hub_config.site_file import LOCAL
from hub_config.sudo_rules import remove_rules

Say = Callable[[str], None]
_FIRST_PORT, _LAST_PORT = 20000, 32000
ARTEFACTS = CHECKOUT / "tests" / "artefacts"
_ON_A_CAMPUS = ("session", "cluster", "browser")
# Other ways to reach Slurm -> the tests that run once more. By sudo run the same commands, so that a few tests tell.
_OTHER_TRANSPORTS = {"rest": "every_transport", "sudo": "through_sudo"}
_NOTHING_CHOSEN = 5  # pytest's exit status where its arguments choose no test
_CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports",),
)


def run_tests(part: str, arguments: list[str], paths: Paths, say: Say) -> int:
    """Run a part, or all; the exit status is pytest's, or that of the check that failed."""
    if part in ("unit", "all"):
        status = _checks(say) if part == "all" else 0
        status = status or _pytest(["tests/unit", *arguments], {}, say)
        if status or part == "unit":
            return status
    if part in ("kits", "all"):
        ensure_session_environment(paths, shared=False)
        ensure_project(paths.session_env.resolve())
        status = _pytest(["tests/kits", *arguments], {"CAMPUS_PREFIX": str(paths.prefix)}, say)
        if status not in (0, _NOTHING_CHOSEN) or part == "kits":
            return status
    folders = [f"tests/{name}" for name in _ON_A_CAMPUS if part in (name, "all")]
    if "tests/browser" in folders and not shutil.which("chromium"):
        say("Installing Chromium, for the browser tests.")
        install_debian_packages(["chromium"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    environment = {"CAMPUS_PREFIX": str(paths.prefix)}
    with _campus(paths, say):
        say(f"Campus under test: {paths.prefix} (logs in {paths.log}, screenshots in {ARTEFACTS})")
        statuses = [_pytest([*folders, *arguments], environment, say)]
        for transport, marked in _OTHER_TRANSPORTS.items() if "tests/cluster" in folders else ():
            if statuses[-1] in (0, _NOTHING_CHOSEN):
                say(f"The tests of what reaches Slurm once more, with transport {transport}")
                _up(paths, transport)
                statuses.append(_pytest(["tests/cluster", "-m", marked, *arguments], environment, say))
    # A choice may hold tests of one way to Slurm only; all that ran have to pass.
    return max((status for status in statuses if status != _NOTHING_CHOSEN), default=_NOTHING_CHOSEN)


def _checks(say: Say) -> int:
    for check in _CHECKS:
        say(f"$ {' '.join(check)}")
        program = [str(Path(sys.executable).parent / check[0]), *check[1:]]
        if status := subprocess.run(program, cwd=CHECKOUT, check=False).returncode:
            return status
    return 0


def _pytest(arguments: list[str], environment: dict[str, str], say: Say) -> int:
    say(f"$ pytest {' '.join(arguments)}")
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(argv, cwd=CHECKOUT, env={**os.environ, **environment}, check=False).returncode


@contextlib.contextmanager
def _campus(paths: Paths, say: Say) -> Iterator[None]:
    """A Campus with its own ports, prefix and accounts; it goes down whatever happens."""
    campus = str(CHECKOUT / "campus")
    environment = {**os.environ, "CAMPUS_PREFIX": str(paths.prefix)}
    shutil.rmtree(paths.prefix / "var", ignore_errors=True)
    (paths.prefix / "test-site.toml").write_text(site_under_test(paths))
    try:
        _up(paths, "cli")
        yield
    finally:
        subprocess.run([campus, "down"], env=environment, check=False)
        with contextlib.suppress(Exception):
            remove_accounts(installed_site(paths), paths)
            remove_daemon_accounts(installed_site(paths), paths)
            remove_rules(installed_site(paths), paths)
        shutil.rmtree(paths.homes, ignore_errors=True)


def _up(paths: Paths, transport: str) -> None:
    """Bring the Campus under test up, or up again, with this way to Slurm."""
    text = (paths.prefix / "test-site.toml").read_text()
    text = text.replace("[slurm]\n", f'[slurm]\ntransport = "{transport}"\n', 1)
    site_file = paths.prefix / f"test-site-{transport}.toml"
    site_file.write_text(text)
    command = [str(CHECKOUT / "campus"), "up", "--site", str(site_file)]
    subprocess.run(command, env={**os.environ, "CAMPUS_PREFIX": str(paths.prefix)}, check=True)


def site_under_test(paths: Paths) -> str:
    """The embedded site with free ports, and with accounts that no other prefix has."""
    tag = hashlib.sha256(bytes(paths.prefix)).hexdigest()[:4]
    public, hub, api, exchange, home, controller, *_ = _free_block(11, tag)
    # A course's grader is an account of the whole machine, and another prefix may have that of the demo course.
    text = LOCAL.read_text().replace('publish = ["first-steps"]', f'courses = "{paths.prefix}/courses"')
    text = text.replace('course = "first-steps"', f'course = "ct-{tag}-one"')
    more = {"instructor2": "two", "instructor3": "three", "instructor4": "four", "instructor5": "five"}
    for name, course in more.items():
        text += f'\n[[accounts]]\nname = "{name}"\nrole = "instructor"\ncourse = "ct-{tag}-{course}"\n'
    for name in ("trainee1", "trainee2", "instructor1", *more, "startup1", "operator1"):
        text = text.replace(f'name = "{name}"', f'name = "ct-{tag}-{name}"')
    addresses = (
        f'[addresses]\npublic_url = "http://127.0.0.1:{public}"\nhub_port = {hub}\nproxy_api_port = {api}\n'
        f"exchange_port = {exchange}\nhome_port = {home}\n"
        f'[daemons]\nhub_account = "ct-{tag}-hub"\nproxy_account = "ct-{tag}-proxy"\n'
        f'slurmrestd_account = "ct-{tag}-restd"\n'
        f'exchange_account = "ct-{tag}-exchange"\nhome_account = "ct-{tag}-home"\n'
        "[slurm]\npoll_seconds = 1\ncommand_seconds = 8\n"
        "[sessions]\nnamed = 7\n"
        '[[environments]]\nname = "standard"\ntitle = "Standard"\n'
        f'[[environments]]\nname = "second"\ntitle = "Second"\npython = "{paths.prefix}/second"\n'
    )
    cluster = f"[cluster]\ncontroller_port = {controller}"
    return text.replace("[authentication]", f"{addresses}\n[authentication]", 1).replace("[cluster]", cluster, 1)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


def _free_block(length: int, tag: str) -> range:
    """So many consecutive free ports, below the range that the kernel hands out.

    Where to look first depends on the prefix: two that are brought up at once shall not find the same ones free.
    """
    blocks = (_LAST_PORT - _FIRST_PORT) // length
    for number in range(blocks):
        first = _FIRST_PORT + (int(tag, 16) + number) % blocks * length
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + length):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return range(first, first + length)
    raise OSError(f"no free ports between {_FIRST_PORT} and {_LAST_PORT}")
