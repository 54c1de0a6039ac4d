"""What kits rely on: one setting, seeds, tracked runs that can be found again, figures, cards."""

import os
import sqlite3
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from kitlib import batch, card, compute, figures, settings, tracking


def test_without_settings_it_computes_on_the_processor_at_default_scale():
    chosen = compute.choose()
    assert (chosen.device.type, chosen.dtype, chosen.full) == ("cpu", torch.float32, False)
    assert chosen.pick(10, 1000) == 10


def test_one_setting_takes_the_full_scale(kit, monkeypatch):
    (kit / "settings.toml").write_text('scale = "full"\nseed = 4\n')
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    chosen = compute.choose()
    assert chosen.full
    assert chosen.seed == 4
    assert chosen.pick(10, 1000) == 1000
    assert (chosen.device.type, chosen.dtype) == ("cuda", torch.bfloat16)
    monkeypatch.setenv("KIT_SCALE", "default")
    assert not compute.choose().full


def test_the_full_scale_without_a_gpu_is_the_default_scale_and_says_so(kit, monkeypatch):
    (kit / "settings.toml").write_text('scale = "full"\n')
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.warns(UserWarning, match="needs a GPU"):
        chosen = compute.choose()
    assert (chosen.device.type, chosen.full) == ("cpu", False)
    assert figures.keep(baseline=1, model=2)["scale"] == "default"


def test_a_mistake_in_settings_is_told(kit):
    (kit / "settings.toml").write_text('scale = "huge"\n')
    with pytest.raises(ValueError, match=r'scale = "huge": it must be one of default, full'):
        compute.choose()
    (kit / "settings.toml").write_text("sead = 1\n")
    with pytest.raises(ValueError, match="there is no setting sead"):
        settings.read()


def test_the_same_seed_gives_the_same_numbers():
    compute.choose()
    first = (torch.rand(3), np.random.random(3))
    compute.choose()
    assert torch.equal(first[0], torch.rand(3))
    assert np.array_equal(first[1], np.random.random(3))


def test_autocast_changes_nothing_at_default_scale():
    chosen = compute.choose()
    with chosen.autocast():
        assert (torch.rand(2, 2) @ torch.rand(2, 2)).dtype is torch.float32


def test_a_run_is_in_mlflow_and_tensorboard_with_its_energy_and_its_model():
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    with tracking.run("small", {"width": 3}) as run:
        for step in range(5):
            run.log({"loss": 1.0 / (step + 1)}, step)
        assert run.register(model, "weather-model", "# Card\n\nIt guesses.") == 1
        assert run.energy_kwh is None
    assert run.energy_kwh > 0
    assert run.emissions_kg >= 0

    client, experiment = tracking._experiment()
    kept = client.get_run(run.id)
    assert kept.info.status == "FINISHED"
    assert kept.info.experiment_id == experiment
    assert kept.data.params == {"width": "3"}
    assert kept.data.metrics["loss"] == 0.2
    assert kept.data.metrics["energy_kwh"] == run.energy_kwh
    assert len(client.get_metric_history(run.id, "loss")) == 5
    version = client.get_model_version("weather-model", "1")
    assert version.description == "# Card\n\nIt guesses."
    assert version.run_id == run.id

    home = Path.home()
    assert client.get_experiment(experiment).name == "weather"
    weights = home / "mlflow" / "artifacts" / "weather" / run.id / "artifacts" / "model" / "weights.safetensors"
    from safetensors.torch import load_file

    assert torch.equal(load_file(weights)["0.weight"], model[0].weight)
    assert (home / "mlflow" / "mlflow.db").is_file()
    assert list((home / "tensorboard" / "weather").glob("small-*/events*"))
    assert {entry.name for entry in home.iterdir()} <= {"mlflow", "tensorboard"}, "a run leaves nothing else at home"
    assert not list(Path.cwd().iterdir()), "nor beside the notebook"


def test_a_run_that_raised_is_failed_and_a_long_card_is_cut_with_a_word():
    def train():
        with tracking.run("broken") as run:
            made.append(run.id)
            run.register(torch.nn.Linear(1, 1), "weather-model", "x" * 9000)
            assert run.register(torch.nn.Linear(1, 1), "weather-model", "y") == 2
            raise RuntimeError("broke")

    made = []
    with pytest.raises(RuntimeError, match="broke"):
        train()
    client, _ = tracking._experiment()
    assert client.get_run(made[0]).info.status == "FAILED"
    said = client.get_model_version("weather-model", "1").description
    assert len(said) == 5000
    assert said.endswith("beside the weights.)")


def test_the_store_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    with tracking.run("elsewhere"):
        pass
    with sqlite3.connect(tmp_path / "other.db") as db:
        assert db.execute("SELECT name FROM runs").fetchall() == [("elsewhere",)]


def test_figures_come_back_as_plain_numbers(kit):
    figures.keep(baseline=np.float32(0.5), model=torch.tensor(0.75), rows=np.int64(3), parts={"a": [np.float64(0.25)]})
    assert figures.read() == {"baseline": 0.5, "model": 0.75, "rows": 3, "parts": {"a": [0.25]}, "scale": "default"}
    assert (kit / "results" / "figures.json").is_file()
    with pytest.raises(ValueError, match="model = nan is no figure"):
        figures.keep(baseline=0.1, model=float("nan"))


def test_figures_that_are_not_there_say_what_to_do():
    with pytest.raises(FileNotFoundError, match="run the notebooks first"):
        figures.read()


def test_a_card_is_filled(kit):
    (kit / "model_card.md").write_text("Score {score:.2f} on {rows} rows; {not this}.\n")
    assert card.fill(score=0.123, rows=5, other=1) == "Score 0.12 on 5 rows; {not this}.\n"
    assert (kit / "results" / "model_card.md").read_text().startswith("Score 0.12")
    with pytest.raises(ValueError, match=r"asks for rows: give fill\(\)"):
        card.fill(score=0.1)


def _slurm(folder: Path, monkeypatch, **programs: str) -> None:
    folder.mkdir()
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_a_job_is_submitted_watched_and_read(kit, tmp_path, monkeypatch):
    said = tmp_path / "said"
    _slurm(
        tmp_path / "bin",
        monkeypatch,
        sbatch=f'echo "$PWD $*" > {said}; env > {said}.env; echo "epoch 1" > results/scale_out-7.log; echo "7;main"',
        squeue=f"test -e {tmp_path}/gone || echo RUNNING",
        sacct="echo COMPLETED",
    )
    (kit / "scale_out.sbatch").write_text("#!/bin/bash\n#SBATCH --partition=big\n")
    for name in ("SLURM_MEM_PER_NODE", "SLURM_JOB_PARTITION", "SLURM_JOB_ACCOUNT", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.setenv(name, "mine")
    job = batch.submit("scale_out.sbatch")
    assert job.id == "7"
    assert job.state() == "RUNNING"
    assert job.log() == "epoch 1\n"
    assert said.read_text().split() == [
        str(kit),
        "--parsable",
        "--output=results/scale_out-%j.log",
        "scale_out.sbatch",
    ]
    given = Path(f"{said}.env").read_text().splitlines()
    assert "SBATCH_ACCOUNT=mine" in given
    assert not [line for line in given if line.startswith(("SLURM_", "JUPYTERHUB_", "SBATCH_PARTITION"))]
    (tmp_path / "gone").touch()
    assert job.state() == "COMPLETED"


def test_without_slurm_or_against_its_will_there_is_a_sentence(kit, tmp_path, monkeypatch):
    (kit / "scale_out.sbatch").write_text("#!/bin/bash\n")
    with pytest.raises(batch.BatchError, match=r"There is no other\.sbatch in"):
        batch.submit("other.sbatch")
    monkeypatch.setattr(batch.shutil, "which", lambda name: None)
    with pytest.raises(batch.BatchError, match="There is no Slurm here: open the kit in a session"):
        batch.submit("scale_out.sbatch")
    monkeypatch.undo()
    monkeypatch.chdir(kit)
    monkeypatch.setattr(settings, "__file__", str(tmp_path / "elsewhere" / "kitlib" / "settings.py"))
    _slurm(tmp_path / "bin", monkeypatch, sbatch='echo "sbatch: error: Invalid account" >&2; exit 1')
    with pytest.raises(batch.BatchError, match=r"^Slurm does not take the job: Invalid account\.$"):
        batch.submit("scale_out.sbatch")


def test_the_button_tells_where_there_is_no_slurm(kit, monkeypatch):
    import asyncio

    (kit / "scale_out.sbatch").write_text("#!/bin/bash\n")
    monkeypatch.setattr(batch.shutil, "which", lambda name: None)

    async def press():
        box = batch.button("scale_out.sbatch")
        box.children[0].click()
        while box.children[0].disabled:
            await asyncio.sleep(0.01)
        return box.children[1].value

    assert "There is no Slurm here" in asyncio.run(press())


def test_nothing_heavy_is_loaded_before_it_is_needed():
    code = "import sys; from kitlib import tracking, figures, card, batch; print(*sys.modules)"
    loaded = subprocess.run(
        [os.sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    ).stdout.split()
    assert not {"mlflow", "codecarbon", "tensorboard", "ipywidgets", "torch"} & set(loaded)
