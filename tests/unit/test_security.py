"""Which security fixes an installed munge and Slurm hold, by their version or by their package's changelog."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campus_base.process import Result
from hub_config import security
from hub_config.security import FIXES, Fix, missing_fixes, security_findings, upstream_has

MUNGE = "CVE-2026-25506"
SLURM = ["CVE-2023-41914", "CVE-2023-49933", "CVE-2025-43904"]
BACKPORTS = "\n".join(f"  * Fix {cve}" for cve in (MUNGE, *SLURM))


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        ("0.5.15-2", [MUNGE]),
        ("0.5.15-2+deb12u1", [MUNGE]),  # a Debian revision alone says nothing: its changelog does
        ("0.5.17-1", [MUNGE]),
        ("0.5.18-1", []),
        ("0.5.18-1ubuntu2", []),
        ("0.5.19-1", []),
        ("0.6-1", []),
        ("1.0-1", []),
        ("1:0.5.15-2", [MUNGE]),
        ("1:0.5.18-1", []),
        ("0.5.18", []),
        ("0.5.9-1", [MUNGE]),  # 9 is less than 18
    ],
)
def test_versions_of_munge(version: str, missing: list[str]) -> None:
    assert missing_fixes("munge", version, "") == missing


@pytest.mark.parametrize(
    ("version", "missing"),
    [
        ("22.05.8-4+deb12u2", SLURM),
        ("22.05.10-1", SLURM[1:]),
        ("22.05.11-1", SLURM[2:]),
        ("21.08.8-1", SLURM),
        ("20.11.4+really20.11.4-2", SLURM),
        ("23.02.5-1", SLURM),
        ("23.02.6-1", SLURM[1:]),
        ("23.02.7-1", SLURM[2:]),
        ("23.11.0-1", ["CVE-2023-49933", "CVE-2025-43904"]),
        ("23.11.1-1", SLURM[2:]),
        ("23.11.10-1", SLURM[2:]),
        ("23.11.11-1", []),
        ("24.05.7-1", SLURM[2:]),
        ("24.05.8-1", []),
        ("24.11.4-1", SLURM[2:]),
        ("24.11.5-1", []),
        ("25.05.0-1", []),
        ("1:24.11.5-1", []),
    ],
)
def test_versions_of_slurm(version: str, missing: list[str]) -> None:
    assert missing_fixes("slurmctld", version, "") == missing


@pytest.mark.parametrize(
    ("package", "version", "changelog", "missing"),
    [
        ("munge", "0.5.15-2+deb12u1", f"munge (0.5.15-2+deb12u1)\n  * Backport the fix of {MUNGE}.", []),
        ("munge", "0.5.15-2+deb12u1", "munge (0.5.15-2+deb12u1)\n  * New translation.", [MUNGE]),
        ("slurmctld", "22.05.8-4+deb12u2", f"  - {SLURM[0]}: race\n  - {SLURM[1]}\n", SLURM[2:]),
        ("slurmctld", "22.05.8-4+deb12u3", BACKPORTS, []),
        ("slurmctld", "22.05.11-1", SLURM[2], []),
    ],
)
def test_backports_of_a_distribution_count(package: str, version: str, changelog: str, missing: list[str]) -> None:
    assert missing_fixes(package, version, changelog) == missing


def test_a_series_has_a_fix_of_its_own_and_later_ones_the_last() -> None:
    fix = Fix("CVE", ("1.2.9", "1.3.4"))
    has = {v: upstream_has(fix, v) for v in ("1.1.99", "1.2.8", "1.2.9", "1.2.10", "1.3.0", "1.3.4", "1.4.0", "2.0")}
    assert has == {
        "1.1.99": False,
        "1.2.8": False,
        "1.2.9": True,
        "1.2.10": True,
        "1.3.0": False,
        "1.3.4": True,
        "1.4.0": True,
        "2.0": True,
    }


def test_the_table_is_in_order() -> None:
    for fixes in FIXES.values():
        for fix in fixes:
            numbers = [security._numbers(v) for v in fix.versions]
            assert numbers == sorted(numbers)
            assert len({n[:2] for n in numbers}) == len(numbers), f"{fix.cve} names a series twice"


# ---------------------------------------------------------------- what doctor is told

Installed = Callable[..., None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    """Say which packages dpkg knows: each a version and a changelog, None where that is not installed."""
    monkeypatch.setattr(security, "_DOC", tmp_path)

    def install(**packages: tuple[str, str | None]) -> None:
        for name, (_, changelog) in packages.items():
            (tmp_path / name).mkdir()
            if changelog is not None:
                (tmp_path / name / "changelog.Debian.gz").write_bytes(gzip.compress(changelog.encode() + b"\xff"))

        def run_sync(argv: list[str], **_: Any) -> Result:
            assert argv[:2] == ["dpkg-query", "--show"], f"nobody expected {argv}"
            version = packages.get(argv[-1], ("", None))[0]
            return Result(0, version, "") if version else Result(1, "", "no packages found")

        monkeypatch.setattr(security, "run_sync", run_sync)

    return install


def test_what_is_fixed_is_well(installed: Installed) -> None:
    installed(munge=("0.5.15-2+deb12u1", BACKPORTS), slurmctld=("25.05.0-1", "nothing"))
    assert list(security_findings(True)) == [
        ("munge", True, "0.5.15-2+deb12u1 holds the known fixes", ""),
        ("slurmctld", True, "25.05.0-1 holds the known fixes", ""),
    ]


def test_what_lacks_a_fix_fails_and_says_what_to_do(installed: Installed) -> None:
    installed(munge=("0.5.15-2", "old"), slurmctld=("22.05.8-4", f"only {SLURM[0]}"))
    munge, slurmctld = security_findings(True)
    assert munge[:3] == ("munge", False, f"0.5.15-2 lacks the fix of {MUNGE}")
    assert slurmctld[:3] == ("slurmctld", False, f"22.05.8-4 lacks the fix of {SLURM[1]}, {SLURM[2]}")
    assert munge[3].startswith("apt-get update && apt-get install munge; if none is newer")
    assert slurmctld[3].startswith("apt-get update && apt-get install slurmctld;")


def test_without_a_changelog_nobody_can_say(installed: Installed) -> None:
    installed(munge=("0.5.15-2+deb12u1", None))
    (munge,) = security_findings(False)
    assert munge[:2] == ("munge", None)
    assert f"may lack {MUNGE}" in munge[2]


def test_what_is_no_debian_package_is_a_note(installed: Installed) -> None:
    installed()
    for package, finding in zip(("munge", "slurmctld"), security_findings(True), strict=True):
        assert finding[:2] == (package, None)
        assert finding[3]


def test_on_a_real_cluster_slurmctld_is_not_here(installed: Installed) -> None:
    installed(munge=("0.5.18-1", ""), slurmctld=("20.11.4-1", ""))
    assert [f[0] for f in security_findings(False)] == ["munge"]


def test_a_machine_that_is_not_debian_gets_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = list(security_findings(True))
    assert [f[:2] for f in found] == [("munge", None), ("slurmctld", None)]
    assert all(remedy for *_, remedy in found)
