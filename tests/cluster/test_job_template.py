"""A site's template of the job script, on the real Slurm: its blocks take effect, and a broken one changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.campus import Campus
from tests.support.person import wait_for

pytestmark = pytest.mark.cluster

TEMPLATE = """\
{% extends "job_script.sh.j2" %}
{% block directives %}
#SBATCH --nice=77
{% endblock %}
{% block prologue %}
export CAMPUS_TEST_LOADED="modules for {% if size.gpus %}a GPU{% else %}none{% endif %}"
echo the prologue ran
{% endblock %}
{% block command %}
srun {{ super() }}
{% endblock %}
{% block epilogue %}
echo the epilogue ran
{% endblock %}
"""
LOOK = "import os; print(os.environ['CAMPUS_TEST_LOADED'], os.environ.get('SLURM_STEP_ID'))"


@pytest.fixture(scope="module")
def template(campus: Campus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The template of the site in use while these tests run."""
    folder = tmp_path_factory.mktemp("site")
    before, path = folder / "before.toml", folder / "job.sh.j2"
    before.write_text(campus.paths.site_file.read_text())
    path.write_text(TEMPLATE)
    with_it = before.read_text().replace("[sessions]", f'[sessions]\njob_template = "{path}"')
    (folder / "site.toml").write_text(with_it)
    campus.command("up", "--site", str(folder / "site.toml"))
    yield path
    campus.command("up", "--site", str(before))
    assert not campus.paths.job_template.exists()


def test_its_blocks_take_effect(template: Path, calm: Campus) -> None:
    person = calm.person("trainee1")
    kernel = person.start(size="gpu1").kernel()
    assert kernel.run(LOOK).split() == ["modules", "for", "a", "GPU", "0"]
    (job,) = calm.jobs(calm.job_name)
    assert "Nice=77" in calm.slurm("scontrol", "show", "job", job).stdout
    person.stop()
    log = Path(calm.account(person.name).pw_dir) / ".campus" / "logs" / f"session-{job}.log"
    assert log.read_text().startswith("the prologue ran\n")
    wait_for("the epilogue", lambda: "the epilogue ran" in log.read_text())


def test_a_directive_that_slurm_does_not_take_is_its_own_sentence(template: Path, calm: Campus) -> None:
    template.write_text(TEMPLATE.replace("--nice=77", "--constraint=no-such-feature"))
    calm.command("up")
    try:
        assert "Invalid feature specification" in calm.person("trainee1").refusal(size="cpu")
        assert not calm.jobs()
    finally:
        template.write_text(TEMPLATE)
        calm.command("up")


def test_a_broken_one_leaves_the_hub_and_its_sessions_as_they_are(template: Path, calm: Campus) -> None:
    session = calm.person("trainee1").start(size="cpu")
    hub = calm.pid("hub")
    template.write_text(TEMPLATE.replace("size.gpus", "size.gpsus"))
    try:
        done = calm.command("up", check=False)
        assert done.returncode == 1
        assert f"{template} cannot be used:\n  line 6: " in done.stderr
        assert "no attribute 'gpsus'" in done.stderr
        assert calm.pid("hub") == hub
        # Killed as well, it comes back with the template that was checked.
        calm.kill("hub")
        calm.wait_until_answering()
        assert session.state()["ready"]
        assert "CAMPUS_TEST_LOADED" in calm.command("render-job", session.person.name, "gpu1").stdout
    finally:
        template.write_text(TEMPLATE)
