"""The spawn page's form: template, style and script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader

from spawners.failure import Ended
from spawners.request import SessionSize


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("spawners.form", "."), autoescape=True)


def render_form(
    sizes: Sequence[SessionSize],
    chosen: str,
    sizes_url: str,
    ended: Ended | None,
    resuming: tuple[str, str] = ("", ""),
) -> str:
    """HTML for JupyterHub's spawn page.

    ``chosen`` is the size that is picked beforehand, ``sizes_url`` where the script asks what is true now, ``ended``
    how the last session ended, ``resuming`` what resuming it would start, in words, and the address that does.
    """
    style, script = (_environment().get_template(f"form.{kind}").render() for kind in ("css", "js"))
    return (
        _environment()
        .get_template("form.html")
        .render(
            sizes=sizes, chosen=chosen, sizes_url=sizes_url, ended=ended, resuming=resuming, style=style, script=script
        )
    )
