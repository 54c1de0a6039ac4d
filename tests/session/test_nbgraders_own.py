"""nbgrader's own tests of autograde (0.9.6), in the session environment: with our sandbox, and all that it sets."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.session.conftest import NOBODY

# docs/grading.md, "What is the same as in nbgrader": files that code writes are gone, and a kernel that is not there
# is a score of nothing with a reason, where nbgrader gives none.
DIFFER = {"test_side_effects", "test_missing_source_kernelspec", "test_incorrect_source_kernelspec"}
# pytest is not in that environment; ours comes last in its path.
RUN = """
import sys
sys.path.append(sys.argv[1])
import pytest
options = ["-p", "no:cacheprovider", "-q", "--tb=no", "-rfE", "--rootdir=."]
sys.exit(pytest.main([*options, "--pyargs", "nbgrader.tests.apps.test_nbgrader_autograde"]))
"""


def test_they_pass_but_where_we_mean_to_differ(environment: Path, base: Path) -> None:
    home = base / "own"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-c", RUN, str(Path(pytest.__file__).parents[1])],
        cwd=home,
        env={"PATH": f"{environment}/bin:/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8"},
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert set(re.findall(r"^(?:FAILED|ERROR) .*::(\w+)", done.stdout, re.MULTILINE)) == DIFFER, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 37  # type: ignore[index]
