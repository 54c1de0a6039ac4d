"""The spawn page's form: template and style."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader

from spawners.request import SessionSize


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("spawners.form", "."), autoescape=True)


def render_form(sizes: Sequence[SessionSize], chosen: str) -> str:
    """HTML for JupyterHub's spawn page; ``chosen`` is the size that is picked beforehand."""
    style = _environment().get_template("form.css").render()
    return _environment().get_template("form.html").render(sizes=sizes, chosen=chosen, style=style)
