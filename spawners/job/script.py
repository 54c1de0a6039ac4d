"""The batch script of a session: ours, or a site's template that extends it by blocks.

Values are the site's only, and each that a template prints comes out quoted for the shell.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateNotFound, pass_eval_context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from spawners.allowed.request import SessionSize

OURS = "job_script.sh.j2"
SITES = "the site's template"
"""What a site's template is called where Jinja names a file."""


@pass_eval_context  # so that Jinja comes with every value: without it, it takes a template's own literals as quoted
def _quoted(_: object, value: object) -> Markup:
    # Jinja's mark for text that needs no escaping serves for text that is shell already: a block's own.
    return value if isinstance(value, Markup) else Markup(shlex.quote("" if value is None else str(value)))  # noqa: S704


def _whole_lines(text: Markup) -> Markup:
    """What a block prints, without empty lines around it and with an end of its last line."""
    stripped = text.strip("\n")
    return stripped + Markup("\n") if stripped else stripped


class _Loader(BaseLoader):
    """Two names and no other: a template reads no file."""

    def __init__(self, text: str) -> None:
        self.texts = {OURS: files("spawners.job").joinpath(OURS).read_text(), SITES: text}

    def get_source(self, environment, template: str):
        if template not in self.texts:
            raise TemplateNotFound(template, f'"{template}" is not there: the only template to use is "{OURS}"')
        return self.texts[template], template, lambda: True


def shell_environment(text: str = "") -> ImmutableSandboxedEnvironment:
    """Jinja for job scripts, in which a site's template has this text."""
    environment = ImmutableSandboxedEnvironment(
        loader=_Loader(text),
        undefined=StrictUndefined,
        autoescape=True,
        finalize=_quoted,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["lines"] = _whole_lines
    return environment


@cache
def _template(text: str) -> Template:
    return shell_environment(text).get_template(SITES if text else OURS)


def variables(python: Sequence[str], log_folder: str, size: SessionSize) -> dict[str, Any]:
    """What a template may name, each explained in docs/operators.md."""
    command = Markup(shlex.join(python))  # noqa: S704 - quoted here, word by word
    return {"python": command, "log_folder": log_folder, "size": size}


def render_job_script(python: Sequence[str], log_folder: str, size: SessionSize, template: str = "") -> str:
    """The script for a size.

    ``python`` is the command that runs Python code, ``log_folder`` is relative to the home, and ``template`` the text
    of the site's template, empty for none. Raises what its expressions raise: spawners.job.template looks first.
    """
    return _template(template).render(variables(python, log_folder, size))
