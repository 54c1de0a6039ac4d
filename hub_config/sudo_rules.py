"""What lets a hub that is not root act for people: the wrapper, its settings, and the rules for sudo (sudoers(5))."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from campus_base.errors import CampusError
from campus_base.process import run_sync
from hub_config.daemon_accounts import as_account, hub_account
from hub_config.daemon_files import put_file
from hub_config.paths import Paths
from hub_config.sessions import job_name, slurm_conf
from hub_config.site import Site, duration_seconds
from spawners.identity import PEOPLE
from spawners.slurm.cli import CliTransport
from spawners.slurm.cli.questions import questions
from spawners.slurm.sudo.wrapper import AS_OPERATOR, AS_PERSON

_RULES = Path("/etc/sudoers.d")
_SPARE_SECONDS = 5


def wrapper_settings(site: Site, paths: Paths) -> dict[str, Any]:
    """What the wrapper may do for this site; none of it is secret."""
    commands = CliTransport(str(slurm_conf(site, paths) or ""))
    name = job_name(site)
    return {
        "operator": site.slurm.operator_account,
        "people": [[numbers.start, numbers.stop] for numbers in PEOPLE],
        "job_name": name,
        "log_folder": site.sessions.log_folder,
        "longest_minutes": max(duration_seconds(size.max_time) for size in site.sizes) // 60,
        "class_minutes": duration_seconds(site.classes.longest) // 60 if site.classes.enabled else 0,
        "class_gpus": site.classes.gpus,
        "questions": questions(name),
        "environment": commands.environment,
        # The hub gives up first, and says so.
        "seconds": math.ceil(site.slurm.command_seconds) + _SPARE_SECONDS,
    }


def rules_file(paths: Paths) -> Path:
    """Where ``up`` puts the rules of this prefix; sudo reads no file with a dot in its name."""
    return _RULES / f"campus{str(paths.prefix).replace('/', '-').replace('.', '_')}"


def sudoers(site: Site, paths: Paths) -> str:
    """The rules: exact words, no wildcards, and nothing of the hub's environment goes along."""
    program = paths.slurm_wrapper

    def words(commands: tuple[str, ...]) -> str:
        return ", ".join(f"{program} {command}" for command in commands)

    hub = site.daemons.hub_account
    # Aliases are one name space for all files, and a machine may have two installations.
    looks = f"CAMPUS_{hashlib.sha256(bytes(paths.prefix)).hexdigest()[:8].upper()}"
    return f"""\
# What the hub of the Campus under {paths.prefix} may do as somebody else. Made by ./campus; see docs/operators.md.
# The wrapper refuses whoever is no person; a group of yours may stand in place of (ALL, !#0), such as (%training).
Cmnd_Alias {looks} = {program} squeue, {program} sacctmgr
Defaults!{program} env_reset, !env_keep, !env_check, !setenv, !use_pty, !requiretty, !pam_session
# The hub asks every few seconds: what is allowed is not logged, what is refused is.
Defaults!{looks} !log_allowed
{hub} ALL = (ALL, !#0) NOPASSWD: {words(AS_PERSON)}
{hub} ALL = ({site.slurm.operator_account}) NOPASSWD: {words(AS_OPERATOR)}
"""


def ensure_wrapper(site: Site, paths: Paths) -> None:
    """Install the wrapper and its settings, root's both. Raises CampusError where others could change them."""
    program = paths.slurm_wrapper
    program.parent.mkdir(parents=True, exist_ok=True)
    program.parent.chmod(0o755)
    source = files("spawners.slurm.sudo").joinpath("wrapper.py").read_text()
    # The program itself, not the environment's link to it: an upgrade makes environments anew.
    put_file(program, f"#!{Path(sys.executable).resolve()} -IS\n{source}", 0o755)
    put_file(program.with_suffix(".json"), json.dumps(wrapper_settings(site, paths), indent=2) + "\n", 0o644)
    check_wrapper(paths)


def check_wrapper(paths: Paths) -> None:
    """Raises CampusError naming a file or folder through which others could change what runs as people."""
    program = paths.slurm_wrapper
    python = Path(sys.executable).resolve()
    for path in dict.fromkeys((program, program.with_suffix(".json"), python, *program.parents, *python.parents)):
        found = path.stat()
        if found.st_uid != 0 or found.st_mode & 0o022:
            raise CampusError(
                "not-roots",
                f"{path} can be changed by others than root, and sudo runs what it leads to as people.",
                f"Run chown root:root {path} and chmod go-w {path}, or choose another prefix (CAMPUS_PREFIX).",
            )


def ensure_rules(site: Site, paths: Paths) -> bool:
    """On the embedded cluster, put the rules where sudo reads them; True when they were another. Elsewhere look only.

    Raises CampusError where they are not in force.
    """
    changed = False
    if site.cluster:
        text = sudoers(site, paths)
        file = rules_file(paths)
        changed = not file.exists() or file.read_text() != text
        if changed:
            _install(text, file)
    for says, remedy in missing_rules(site, paths):
        raise CampusError("sudo-rules", says, remedy)
    return changed


def _install(text: str, file: Path) -> None:
    """Checked first: sudo refuses everybody everything while one of its files is wrong."""
    staged = file.with_name(f"{file.name}.new")  # with a dot, so that sudo does not read it
    staged.touch(mode=0o440)
    staged.chmod(0o440)
    staged.write_text(text)
    run_sync(["visudo", "--check", "--quiet", f"--file={staged}"], what="Checking the rules for sudo", timeout=20)
    staged.replace(file)


def remove_rules(site: Site, paths: Paths) -> None:
    """Take back what :func:`ensure_wrapper` and :func:`ensure_rules` put there."""
    if site.cluster:
        rules_file(paths).unlink(missing_ok=True)
    shutil.rmtree(paths.slurm_wrapper.parent, ignore_errors=True)


def missing_rules(site: Site, paths: Paths) -> Iterator[tuple[str, str]]:
    """(what is wrong, remedy), from asking sudo as the hub's account."""
    hub, operator = hub_account(site), site.slurm.operator_account
    done = run_sync(
        [
            *as_account(hub),
            *("sudo", "--non-interactive", "--list", f"--user={operator}", "--", str(paths.slurm_wrapper), "squeue"),
        ],
        what="Asking sudo for its rules",
        timeout=20,
        check=False,
    )
    if done.status:
        says = done.stderr.strip().partition("\n")[0] or "sudo has no rule for it"
        yield (
            f"The account {hub} may not run {paths.slurm_wrapper} as {operator}: {says}.",
            "Run ./campus up."
            if site.cluster
            else f"Put what ./campus sudo-rules prints into {rules_file(paths)}, then run ./campus up.",
        )
