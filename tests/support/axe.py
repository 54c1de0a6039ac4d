"""axe-core on a page: what would keep somebody out of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from hub_config.packages import node_path
from hub_config.paths import Paths

_FOLDER = Path(__file__).parents[1] / "axe"
_SCRIPT = _FOLDER / "node_modules" / "axe-core" / "axe.min.js"


def _script() -> str:
    if not _SCRIPT.exists():
        # The person's own npm settings stand: they say where packages come from.
        found = node_path(Paths(Path(os.environ["CAMPUS_PREFIX"])))
        subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=_FOLDER,
            env={**os.environ, "PATH": f"{found}:{os.environ['PATH']}"},
            check=True,
            timeout=300,
        )
    return _SCRIPT.read_text()


def violations(page: Page) -> list[str]:
    """What axe finds wrong: the rule, and where."""
    page.evaluate(_script())
    found: list[dict[str, Any]] = page.evaluate("axe.run().then(result => result.violations)")
    return [f"{one['id']}: {node['target']}: {node['failureSummary']}" for one in found for node in one["nodes"]]
