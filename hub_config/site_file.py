"""The site file: where it is read, and what its messages say."""

from __future__ import annotations

import shlex
from pathlib import Path

from campus_base.manifest_file import ManifestKind
from hub_config import site_checks
from hub_config.site import Site
from hub_config.site_types import PATTERNS

LOCAL = Path(__file__).parent / "sites" / "local.toml"

SITE_FILE = ManifestKind(
    name="site file",
    model=Site,
    documentation="docs/settings.md",
    remedy=lambda path: f"Correct the file and run ./campus check {shlex.quote(str(path))}",
    patterns=PATTERNS,
    messages={
        "union_tag_invalid": 'must be "demo", "pam" or "oidc"',
        "union_tag_not_found": 'is missing; add method = "demo", "pam" or "oidc"',
    },
    tagged={"authentication": "method"},
    relations=site_checks.problems,
)


def read_site(path: Path) -> Site:
    """The Site in a file. Raises ManifestError, also when the file is missing or unreadable."""
    return SITE_FILE.read(path)
