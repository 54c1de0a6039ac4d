"""The batch script of a session: site values only, each quoted for the shell."""

from __future__ import annotations

import shlex
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


@cache
def _template() -> Template:
    # No HTML, so no escaping for it: each value is quoted for the shell instead.
    environment = Environment(
        loader=PackageLoader("spawners", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
    )
    environment.filters["quote"] = lambda value: shlex.quote(str(value))
    return environment.get_template("job_script.sh.j2")


def render_job_script(python: str, log_folder: str) -> str:
    """The script; ``python`` is the session environment's interpreter, ``log_folder`` is relative to the home."""
    return _template().render(python=python, log_folder=log_folder) + "\n"
