"""The verbs of ``./campus``. What a verb needs it imports itself: help must work before anything is installed."""

from __future__ import annotations

import argparse
import errno
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from campus_base.errors import CampusError
from hub_config import __version__
from hub_config.paths import Paths

_DISK_REMEDIES = {
    errno.ENOSPC: "Free space on the disk, then run this again.",
    errno.EROFS: "The disk is mounted read-only: mount it writable, or choose another prefix (CAMPUS_PREFIX).",
}


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:
        # Whoever was reading went away (./campus up | head); the work goes on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _up(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.lifecycle import print_status, status
    from hub_config.up import Up

    Up(paths, _say, options.site).run()
    _say("")
    print_status(status(paths), _say)
    return 0


def _down(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.lifecycle import down

    down(paths, _say)
    return 0


def _status(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.lifecycle import as_json, print_status, status

    found = status(paths)
    if options.json:
        print(as_json(found))
    else:
        print_status(found, _say)
    return 0 if found["running"] else 3


def _doctor(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.doctor import examine

    return examine(paths, _say)


def _logs(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.daemons import log_files

    files = log_files(paths)
    if options.daemon not in files:
        raise CampusError(
            "no-such-log",
            f"There is no log {options.daemon!r} under {paths.log}.",
            f"The logs are: {', '.join(files) or 'none yet; run ./campus up'}.",
        )
    tail = [
        "tail",
        f"--lines={options.lines}",
        *(["--follow"] if options.follow else []),
        str(files[options.daemon]),
    ]
    return subprocess.run(tail, check=False).returncode


def _check(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.job_template import read_job_template
    from hub_config.site_file import LOCAL, read_site

    file = options.file or LOCAL
    site = read_site(file)
    read_job_template(site, paths)
    _say(f"{file} is good: {site.name}, {len(site.sizes)} session sizes, {len(site.rules())} access rules.")
    return 0


def _render_job(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.render_job import render_job

    for line in render_job(paths, options.user, options.size, options.minutes):
        _say(line)
    return 0


def _sudo_rules(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.installed import installed_site
    from hub_config.site_file import read_site
    from hub_config.sudo_rules import sudoers

    _say(sudoers(read_site(options.file) if options.file else installed_site(paths), paths).rstrip())
    return 0


def _course_check(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.courses.commands import check_courses

    check_courses(options.course, paths, _say, run=options.run_tests)
    return 0


def _course_publish(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.courses.commands import publish_courses

    publish_courses(options.course, paths, _say)
    return 0


def _course_roster(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.courses.commands import put_roster

    put_roster(options.course, options.file, paths, _say)
    return 0


def _kit_check(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.kits.commands import check_kits

    check_kits(options.kit, paths, _say)
    return 0


def _kit_new(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.kits.commands import make_kit

    make_kit(options.name, paths, _say)
    return 0


def _kit_publish(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.kits.commands import publish_kits

    return 0 if publish_kits(options.kit, paths, _say, run=options.run_notebooks) else 1


def _uninstall(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.lifecycle import uninstall

    uninstall(paths, _say, options.everything)
    return 0


def _test(options: argparse.Namespace, paths: Paths) -> int:
    from hub_config.testing import run_tests

    return run_tests(options.part, options.arguments, paths, _say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./campus",
        description="Campus: GPU notebooks, courses and starter kits on a Slurm cluster.",
        epilog="CAMPUS_PREFIX names the folder of the installation (default /opt/campus).",
    )
    parser.add_argument("--version", action="version", version=f"campus {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    up = verbs.add_parser("up", help="install what is missing and start everything")
    up.add_argument(
        "--site",
        type=Path,
        metavar="FILE",
        help="take this site file into use (default: the one in use, at first the embedded one)",
    )
    up.set_defaults(run=_up)
    verbs.add_parser("down", help="stop what up started").set_defaults(run=_down)
    status = verbs.add_parser("status", help="what runs, where, and the demo accounts")
    status.add_argument("--json", action="store_true", help="the same for programs")
    status.set_defaults(run=_status)
    verbs.add_parser("doctor", help="check each part, and say what to do about a failure").set_defaults(run=_doctor)
    logs = verbs.add_parser("logs", help="the end of a daemon's log")
    logs.add_argument(
        "daemon", nargs="?", default="hub", help="hub (default), proxy, slurmctld, munged, gpu-node1, ..."
    )
    logs.add_argument("-n", "--lines", type=int, default=50, help="how many lines (default 50)")
    logs.add_argument("-f", "--follow", action="store_true", help="go on as it grows")
    logs.set_defaults(run=_logs)
    check = verbs.add_parser("check", help="check a site file")
    check.add_argument("file", type=Path, nargs="?", help="the file (default: the embedded site)")
    check.set_defaults(run=_check)
    render_job = verbs.add_parser("render-job", help="show what a session would be submitted with")
    render_job.add_argument("user", help="whose session")
    render_job.add_argument("size", help="one of the site's session sizes")
    render_job.add_argument("--minutes", metavar="N", help="for so long (default: the size's usual time)")
    render_job.set_defaults(run=_render_job)
    sudo_rules = verbs.add_parser("sudo-rules", help="print the rules that transport sudo needs")
    sudo_rules.add_argument("file", type=Path, nargs="?", help="a site file (default: the one in use)")
    sudo_rules.set_defaults(run=_sudo_rules)
    course = verbs.add_parser("course", help="check and publish courses").add_subparsers(required=True, metavar="WHAT")
    course_check = course.add_parser("check", help="tell every mistake in a course that can be seen without running it")
    course_check.add_argument("course", nargs="*", help="its name, or its folder (default: all of the site's courses)")
    course_check.add_argument(
        "--run", dest="run_tests", action="store_true", help="run its tests, too, on the solution and on wrong answers"
    )
    course_check.set_defaults(run=_course_check)
    course_publish = course.add_parser("publish", help="publish courses, or what changed of them")
    course_publish.add_argument("course", nargs="*", help="its name (default: all of the site's courses)")
    course_publish.set_defaults(run=_course_publish)
    course_roster = course.add_parser("roster", help="take who follows a course from a table")
    course_roster.add_argument("course", help="its name")
    course_roster.add_argument("file", type=Path, help="a CSV with the columns id, first_name, last_name, email")
    course_roster.set_defaults(run=_course_roster)
    kit = verbs.add_parser("kit", help="check, make and publish starter kits").add_subparsers(
        required=True, metavar="WHAT"
    )
    kit_check = kit.add_parser("check", help="tell what is wrong in a starter kit, and run all of it")
    kit_check.add_argument("kit", nargs="*", help="its name, or its folder (default: all of the site's kits)")
    kit_check.set_defaults(run=_kit_check)
    kit_new = kit.add_parser("new", help="make a folder for a starter kit, with a small one that works")
    kit_new.add_argument("name", help="its name, or the path of the folder to make")
    kit_new.set_defaults(run=_kit_new)
    kit_publish = kit.add_parser("publish", help="publish starter kits, or what changed of them")
    kit_publish.add_argument("kit", nargs="*", help="its name, or its folder (default: all of the site's kits)")
    kit_publish.add_argument(
        "--run", dest="run_notebooks", action="store_true", help="run all of it first, to show what notebooks print"
    )
    kit_publish.set_defaults(run=_kit_publish)
    uninstall = verbs.add_parser("uninstall", help="remove the installation; homes and state stay")
    uninstall.add_argument("--everything", action="store_true", help="homes, accounts and state too")
    uninstall.set_defaults(run=_uninstall)
    test = verbs.add_parser("test", help="run the tests, on a Slurm and hub of their own")
    test.add_argument(
        "part", nargs="?", default="all", choices=("all", "unit", "kits", "session", "cluster", "browser")
    )
    test.add_argument("arguments", nargs=argparse.REMAINDER, help="further arguments for pytest")
    test.set_defaults(run=_test)

    def show_help(options: argparse.Namespace, paths: Paths) -> int:
        parser.print_help()
        return 0

    verbs.add_parser("help", help="show this").set_defaults(run=show_help)
    return parser


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv or ["help"])
    paths = Paths(Path(os.environ["CAMPUS_PREFIX"]))
    try:
        return options.run(options, paths)
    except CampusError as error:
        print(f"\ncampus: {error}", file=sys.stderr)
        if error.detail and error.detail not in str(error):
            print(f"\nDetails:\n{error.detail[-2000:]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        remedy = _DISK_REMEDIES.get(error.errno or 0)
        if remedy is None:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"\ncampus: {error.strerror}{where}. {remedy}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
