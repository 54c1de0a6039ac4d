"""What is wrong with a site's job template, found before anything restarts: a line each, with what to do."""

from __future__ import annotations

import re
import shlex
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jinja2 import TemplateSyntaxError, nodes

from campus_base.process import run_sync
from spawners.allowed.request import SessionSize
from spawners.job.script import OURS, SITES, shell_environment, variables

_EXTENDS = f'{{% extends "{OURS}" %}}'
_SHELL_SECONDS = 10
_SHELL_SAYS = re.compile(r"^.*?\b\d+: ")  # dash: "sh: 12: Syntax error: ..."; bash: "sh: line 12: syntax error ..."
_SEPARATORS = frozenset({";", "\n", "&&", "||", "|"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_OUTSIDE = "this stands outside of the blocks and would be left out; move it into one"


def blocks() -> list[str]:
    """The blocks that a template may fill, in their order."""
    return list(shell_environment().get_template(OURS).blocks)


def template_mistakes(text: str, python: Sequence[str], log_folder: str, sizes: Sequence[SessionSize]) -> list[str]:
    """Mistakes in a template of this text, found by reading it and by rendering it for every size; none is well."""
    try:
        tree = shell_environment().parse(text, filename=SITES)
    except TemplateSyntaxError as error:
        return [f"line {error.lineno}: {error.message}"]
    if found := [*_does_not_extend(tree), *_has_no_effect(tree)]:
        return found
    for size in sizes:
        try:
            found += _mistakes_in_scripts(text, tree, variables(python, log_folder, size))
        except Exception as error:  # whatever an expression in it raises
            found.append(f"line {_line(error)}: {error}")
    return list(dict.fromkeys(found))


def _does_not_extend(tree: nodes.Template) -> Iterator[str]:
    extended = tree.find(nodes.Extends)
    if extended is None or not isinstance(extended.template, nodes.Const) or extended.template.value != OURS:
        yield f"line {extended.lineno if extended else 1}: it must extend Campus's own; begin it with {_EXTENDS}"


def _has_no_effect(tree: nodes.Template) -> Iterator[str]:
    """What Jinja leaves out of a template that extends another, without a word."""
    known = blocks()
    for block in tree.find_all(nodes.Block):
        if block.name not in known:
            yield f"line {block.lineno}: there is no block {block.name}; use one of {', '.join(known)}"
    for node in tree.body:
        if isinstance(node, nodes.If | nodes.For):
            yield f"line {node.lineno}: {_OUTSIDE}"
        for part in node.nodes if isinstance(node, nodes.Output) else ():
            text = part.data if isinstance(part, nodes.TemplateData) else "{{"
            if text.strip():
                before = text[: len(text) - len(text.lstrip())]
                yield f"line {part.lineno + before.count(chr(10))}: {_OUTSIDE}"


def _line(error: Exception) -> int:
    if isinstance(error, TemplateSyntaxError):
        return error.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == SITES]
    return (lines and lines[-1]) or 1


def _mistakes_in_scripts(text: str, tree: nodes.Template, values: Mapping[str, Any]) -> Iterator[str]:
    """What a shell and sbatch would not take, or not see, in what the blocks print. Raises what their code raises."""
    template = shell_environment(text).get_template(SITES)
    script = template.render(values)
    context = template.new_context(dict(values))
    list(template.root_render_func(context))  # so that the context knows what each block extends
    ill = False
    for block in tree.find_all(nodes.Block):
        printed = "".join(context.blocks[block.name][0](context))
        where = f"line {block.lineno}, the block {block.name}"
        if says := _shell_says(printed):
            ill = True
            yield f"{where}: it is not shell: {says}"
        if block.name == "command" and not says and (several := _not_one_command(printed)):
            yield f"{where}: it is one command, which takes the script's place; {several}"
        if block.name == "command" and "spawners.session" not in printed:
            yield f"{where}: it does not start the session; write {{{{ super() }}}} where its command belongs"
        for line in printed.splitlines():
            if block.name == "directives" and line.strip() and not line.startswith("#"):
                yield f"{where}: Slurm reads directives up to the first command only; move '{line}' to the prologue"
            if block.name != "directives" and line.startswith("#SBATCH"):
                yield f"{where}: Slurm reads no directive there; move '{line}' to the block directives"
    if not ill and (says := _shell_says(script)):
        yield f"line 1: the whole script is not shell: {says}"


def _not_one_command(text: str) -> str:
    """What to do about a text that is not one simple command of the shell (POSIX, 2.9.1); empty for one that is."""
    words = shlex.shlex(text.replace("\\\n", " ").strip(), posix=True, punctuation_chars=";&|()\n")
    words.whitespace, words.whitespace_split = " \t\r", True
    found = list(words)
    if found[:1] == ["("] or not _SEPARATORS.isdisjoint(found):
        return "move what comes before it to the prologue, and what comes after it to the epilogue"
    if found and _ASSIGNMENT.match(found[0]):
        return f"write env before {found[0]}, or export it in the prologue"
    return ""


def _shell_says(text: str) -> str:
    """The shell's complaint about what it reads, empty where it has none."""
    done = run_sync(["sh", "-n", "-c", text], what="Reading the job script", timeout=_SHELL_SECONDS, check=False)
    return _SHELL_SAYS.sub("", done.stderr.strip().splitlines()[0]) if done.status else ""
