"""The spawn page's form: template, style and script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader

from spawners.failure import Failure
from spawners.request import SessionSize


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("spawners.form", "."), autoescape=True)


def render_form(sizes: Sequence[SessionSize], chosen: str, sizes_url: str, ended: Failure | None) -> str:
    """HTML for JupyterHub's spawn page.

    ``chosen`` is the size that is picked beforehand, ``sizes_url`` where the script asks what is true now, ``ended``
    why the last session ended.
    """
    style, script = (_environment().get_template(f"form.{kind}").render() for kind in ("css", "js"))
    return (
        _environment()
        .get_template("form.html")
        .render(sizes=sizes, chosen=chosen, sizes_url=sizes_url, ended=ended, style=style, script=script)
    )
