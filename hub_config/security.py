"""Whether the installed munge and Slurm hold their security fixes.

Distributions backport fixes without raising the upstream version, so a fix counts when the upstream version has it or
when the package's own changelog names it. Sources: the CVE entries named below; SchedMD's and munge's release notes.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from campus_base.process import ProgramFailed, run_sync

_DOC = Path("/usr/share/doc")


@dataclass(frozen=True)
class Fix:
    """A fix, and the upstream versions that brought it: the first of each series, the last for all later ones."""

    cve: str
    versions: tuple[str, ...]


FIXES = {
    "munge": (Fix("CVE-2026-25506", ("0.5.18",)),),
    "slurmctld": (
        Fix("CVE-2023-41914", ("22.05.10", "23.02.6")),
        Fix("CVE-2023-49933", ("22.05.11", "23.02.7", "23.11.1")),
        Fix("CVE-2025-43904", ("23.11.11", "24.05.8", "24.11.5")),
    ),
}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))


def upstream_has(fix: Fix, upstream: str) -> bool:
    """Whether an upstream version holds the fix."""
    have = _numbers(upstream)
    series = [_numbers(v) for v in fix.versions]
    same = [v for v in series if v[:2] == have[:2]]
    return have >= (same[0] if same else series[-1])


def missing_fixes(package: str, version: str, changelog: str) -> list[str]:
    """CVEs that neither the upstream part of a Debian version nor the package's changelog accounts for."""
    upstream = re.sub(r"^\d+:", "", version).rsplit("-", 1)[0]
    return [f.cve for f in FIXES[package] if not upstream_has(f, upstream) and f.cve not in changelog]


def _changelog(package: str) -> str:
    path = _DOC / package / "changelog.Debian.gz"
    return gzip.decompress(path.read_bytes()).decode(errors="replace") if path.exists() else ""


def _installed(package: str) -> str:
    """The installed version of a Debian package; empty where there is none, or no dpkg."""
    try:
        done = run_sync(
            ["dpkg-query", "--show", "--showformat=${Version}", package],
            what=f"Asking dpkg for {package}",
            timeout=10,
            check=False,
        )
    except ProgramFailed:
        return ""
    return done.stdout.strip() if done.status == 0 else ""


def security_findings(embedded: bool) -> Iterator[tuple[str, bool | None, str, str]]:
    """(package, well, what was found, remedy) for munge and, with the embedded cluster, slurmctld."""
    for package in ("munge", "slurmctld") if embedded else ("munge",):
        version = _installed(package)
        changelog = _changelog(package)
        missing = missing_fixes(package, version, changelog) if version else []
        if not version:
            yield package, None, "not a Debian package, so its fixes cannot be read", "compare its version yourself"
        elif not missing:
            yield package, True, f"{version} holds the known fixes", ""
        elif changelog:
            remedy = (
                f"apt-get update && apt-get install {package}; if none is newer, keep other accounts off this machine"
            )
            yield package, False, f"{version} lacks the fix of {', '.join(missing)}", remedy
        else:
            says = f"{version} may lack {', '.join(missing)}: its changelog is not installed"
            yield package, None, says, "compare its version yourself"
