"""A starter kit in a real session: it comes by a link; its app, MLflow and TensorBoard are in the launcher."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Shot, SignIn
from tests.browser.test_coursework import started
from tests.session.test_apps import notebook
from tests.support.campus import Campus

pytestmark = [pytest.mark.cluster, pytest.mark.browser]

_SLOW = 300_000  # milliseconds: the first start of what needs torch reads its modules from a cold disk
KIT = "tiny-test"
LOGS = """
import mlflow
from torch.utils.tensorboard import SummaryWriter
mlflow.set_experiment("tiny-experiment")
with mlflow.start_run(run_name="tiny-run"):
    mlflow.log_metric("loss", 0.25)
with SummaryWriter("../../../tensorboard/tiny/run") as writer:
    writer.add_scalar("tiny-loss", 0.25, 1)
print("logged")
"""
BATCH = """#!/bin/sh
#SBATCH --gres=gpu:2
srun sh -c 'echo $SLURM_JOB_ID $SLURM_GPUS_ON_NODE $MLFLOW_TRACKING_URI'
"""
APP = """
import ipywidgets
slider, said = ipywidgets.IntSlider(3, description="Threshold"), ipywidgets.Label("at 3")
slider.observe(lambda change: setattr(said, "value", f"at {change['new']}"), "value")
ipywidgets.VBox([slider, said])
"""


@pytest.fixture
def kit(calm: Campus, tmp_path: Path) -> Iterator[str]:
    """A published kit."""
    files = {
        "kit.toml": 'title = "A tiny kit"\n',
        "notebooks/01_logs.ipynb": notebook(LOGS),
        "app.ipynb": notebook(APP),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    bare = calm.paths.kit_repositories / f"{KIT}.git"
    own = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
    bare.parent.mkdir(parents=True, exist_ok=True)
    for argv in (
        ["git", "init", "-q", "-b", "main"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"],
        ["git", "clone", "-q", "--bare", ".", str(bare)],
    ):
        subprocess.run(argv, cwd=tmp_path, env=own, check=True)
    for path in (bare.parent, bare, *bare.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    home = Path(calm.account(calm.name("startup1")).pw_dir)
    # With what other tests left open there, too: it would be looked for in vain.
    left = ("kits", "mlflow", "tensorboard", ".jupyter/lab/workspaces")
    calm.as_account(calm.name("startup1"), "rm", "-rf", *(str(home / name) for name in left))
    yield KIT
    shutil.rmtree(bare)


def opened(page: Page, title: str) -> Page:
    """Press an app's card in the launcher: it opens in a tab of its own."""
    with page.context.expect_page(timeout=_SLOW) as tab:
        page.locator(".jp-LauncherCard", has_text=title).click(timeout=_SLOW)
    return tab.value


def test_a_kit_comes_and_its_app_and_what_it_logged_are_a_click_away(
    sign_in: SignIn, shot: Shot, calm: Campus, kit: str, errors: list[str]
) -> None:
    page = sign_in("startup1")
    name = calm.name("startup1")
    started(page, calm, "startup1", f"/user/{name}/campus/kit?name={kit}")
    page.wait_for_url(f"**/lab/tree/kits/{kit}/notebooks/01_logs.ipynb", timeout=_SLOW)
    page.locator(".jp-Notebook .cm-content:visible").first.wait_for(timeout=_SLOW)
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible(timeout=_SLOW)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    expect(page.locator(".jp-OutputArea-output", has_text="logged")).to_be_visible(timeout=_SLOW)
    assert not errors

    page.get_by_role("button", name="New Launcher (").click()
    for title in ("MLflow", "TensorBoard", "Kit apps"):
        page.locator(".jp-LauncherCard", has_text=title).locator("img").evaluate("icon => icon.decode()")
    shot(page, "kit-launcher")
    mlflow = opened(page, "MLflow")
    expect(mlflow.get_by_text("tiny-experiment").first).to_be_visible(timeout=_SLOW)
    shot(mlflow, "kit-mlflow")

    board = opened(page, "TensorBoard")
    expect(board.get_by_text("tiny-loss").first).to_be_visible(timeout=_SLOW)
    shot(board, "kit-tensorboard")

    apps = opened(page, "Kit apps")
    shot(apps, "kit-apps")
    apps.get_by_role("link", name="A tiny kit").click()
    slider = apps.get_by_role("slider")
    slider.wait_for(timeout=_SLOW)
    expect(apps.get_by_text("at 3")).to_be_visible()
    slider.focus()
    apps.keyboard.press("ArrowRight")
    expect(apps.get_by_text("at 4")).to_be_visible(timeout=_SLOW)
    assert "ipywidgets.IntSlider" not in apps.content()
    shot(apps, "kit-app")

    # What a page elsewhere sends with this browser's cookies reaches no app.
    refused = page.request.post(
        f"{calm.url}/user/{name}/mlflow/ajax-api/2.0/mlflow/experiments/search",
        data={"max_results": 1},
        headers={"Origin": "http://elsewhere.test"},
    )
    assert refused.status == 403


def test_what_a_notebook_submits_is_a_job_of_its_own(calm: Campus) -> None:
    """From inside a session, whose variables of Slurm and of the session come along."""
    kernel = calm.person("startup1").start(size="gpu1").kernel()
    kernel.run(f"import os, subprocess; open('batch.sh', 'w').write({BATCH!r})")
    kernel.run("subprocess.check_output(['sbatch', '--wait', '--output=batch.txt', 'batch.sh'])", 60)
    job, gpus, store = kernel.run("print(open('batch.txt').read())").split()
    assert job != kernel.run("print(os.environ['SLURM_JOB_ID'])").strip()
    assert gpus == "2"
    assert store.startswith("sqlite:////")
