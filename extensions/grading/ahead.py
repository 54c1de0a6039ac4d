"""What to load ahead: the modules that the course's own solution imports, found by reading and by running it."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
from traitlets.config import Config

from extensions.grading import layout
from extensions.grading.execute import SandboxedExecute
from extensions.grading.sandbox.forkserver import ForkServer

# Also those that nobody names: torch.optim alone brings 800.
_LIST = """
import json as _json, sys as _sys
print(_json.dumps([n for n, m in list(_sys.modules.items()) if getattr(getattr(m, "__spec__", None), "origin", None)]))
"""


def load(server: ForkServer, reference: Path | None, cache: Path, config: Config) -> None:
    """Have the fork server load what notebooks like those in ``reference`` use. What it finds is kept in ``cache``.

    With None, what is there already is taken as it is. Raises CampusError where the server fails; a solution that fails
    is none of its business.
    """
    if reference and not known(reference, cache):
        server.load(named(reference))
        found = {"digest": layout.digest(reference, sys.prefix), "modules": used(server, reference, config)}
        cache.write_text(json.dumps(found))
    server.load(_kept(cache).get("modules", []))


def known(reference: Path, cache: Path) -> bool:
    """Whether ``cache`` is of these notebooks and of this environment."""
    return _kept(cache).get("digest") == layout.digest(reference, sys.prefix)


def _kept(cache: Path) -> dict[str, Any]:
    try:
        return json.loads(cache.read_text())
    except (OSError, ValueError):
        return {}


def named(reference: Path) -> list[str]:
    """The modules that import statements of the notebooks name; what is no plain Python is passed over."""
    found: dict[str, None] = {}
    for notebook in sorted(reference.glob("*.ipynb")):
        for cell in nbformat.read(notebook, as_version=4).cells:
            if cell.cell_type == "code":
                found |= dict.fromkeys(_imports(cell.source))
    return list(found)


def _imports(source: str) -> list[str]:
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return []
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names


def used(server: ForkServer, reference: Path, config: Config) -> list[str]:
    """The modules that were loaded when the notebooks had run, in the order in which they were."""
    found: dict[str, None] = {}
    settings = config.copy()
    settings.SandboxProvisioner.server = server.address
    for path in sorted(reference.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        # What shows an error is loaded by the first one.
        notebook.cells += [nbformat.v4.new_code_cell(source) for source in ("1 / 0", _LIST)]
        resources: dict[str, Any] = {"metadata": {"path": str(reference)}}
        SandboxedExecute(config=settings).preprocess(notebook, resources)
        for output in notebook.cells[-1].outputs:
            if output.output_type == "stream":
                found |= dict.fromkeys(_listed(output.text))
    return list(found)


def _listed(text: str) -> list[str]:
    try:
        return [name for name in json.loads(text) if not name.startswith("_")]
    except (ValueError, AttributeError, TypeError):
        return []  # the solution printed in between: it is slower then, and no more
