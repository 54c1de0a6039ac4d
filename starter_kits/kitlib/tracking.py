"""Runs, tracked in MLflow and TensorBoard, with the energy they took. All of it stays in the person's home."""

from __future__ import annotations

import getpass
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kitlib import settings
from kitlib.energy import Meter

_FLUSH = 2.0  # seconds between writes to MLflow's store: each is a transaction
_AT_ONCE = 900  # metrics: MLflow takes 1000 in a batch
_DESCRIPTION = 5000  # characters of a model version's description that MLflow's store has room for
_CARD = "model_card.md"


class Run:
    """One run: what it logs is in MLflow and TensorBoard at once."""

    def __init__(self, name: str, params: Mapping[str, Any]) -> None:
        self._client, experiment = _experiment()
        made = self._client.create_run(experiment, run_name=name, tags={"mlflow.user": getpass.getuser()})
        self.id: str = made.info.run_id
        self.energy_kwh: float | None = None
        """Electricity it took in kWh; None until the run has ended."""
        self.emissions_kg: float | None = None
        """Carbon dioxide for that electricity in kg; None until the run has ended."""
        self._waiting: list[Any] = []
        self._written = time.monotonic()
        self._writer = _tensorboard(f"{name}-{self.id[:8]}")
        self._meter = Meter(settings.read().country)
        from mlflow.entities import Param

        self._client.log_batch(self.id, params=[Param(key, str(value)) for key, value in params.items()])

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Log metrics of one step, like ``{"loss": 0.3}``."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        for key, value in metrics.items():
            self._writer.add_scalar(key, float(value), step)
            self._waiting.append(Metric(key, float(value), now, step))
        if len(self._waiting) >= _AT_ONCE or time.monotonic() - self._written > _FLUSH:
            self._flush()

    def register(self, model: Any, name: str, card_text: str) -> int:
        """Keep a torch model's weights and its card with the run, and make them a version of the model ``name``.

        Weights are a safetensors file: numbers only, nothing in it can run. Returns the version.
        """
        from mlflow.exceptions import MlflowException
        from safetensors.torch import save_model

        with tempfile.TemporaryDirectory() as folder:
            save_model(model, str(Path(folder, "weights.safetensors")))
            Path(folder, _CARD).write_text(card_text, "utf-8")
            self._client.log_artifacts(self.id, folder, "model")
        try:
            self._client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{self._client.get_run(self.id).info.artifact_uri}/model"
        more = f"\n\n(The whole card is {_CARD}, beside the weights.)"
        shown = card_text if len(card_text) <= _DESCRIPTION else card_text[: _DESCRIPTION - len(more)] + more
        version = self._client.create_model_version(name, source, run_id=self.id, description=shown)
        return int(version.version)

    def _end(self, status: str) -> None:
        self.energy_kwh, self.emissions_kg = self._meter.stop()
        self.log({"energy_kwh": self.energy_kwh, "emissions_kg": self.emissions_kg})
        self._flush()
        self._writer.close()
        self._client.set_terminated(self.id, status)

    def _flush(self) -> None:
        self._client.log_batch(self.id, metrics=self._waiting)
        self._waiting, self._written = [], time.monotonic()


@contextmanager
def run(name: str, params: Mapping[str, Any] = {}) -> Iterator[Run]:
    """Track what is done inside ``with``; the experiment is called as the kit's folder is.

    An exception inside ends the run as failed, and goes on.
    """
    made = Run(name, params)
    try:
        yield made
    except BaseException:
        made._end("FAILED")
        raise
    made._end("FINISHED")


def _experiment() -> tuple[Any, str]:
    """MLflow's client, and the kit's experiment in it, made where it is missing."""
    # Before the import: it asks then.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    for noisy in ("mlflow", "alembic"):  # of making the store
        logging.getLogger(noisy).setLevel(logging.WARNING)
    home = Path.home() / "mlflow"
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home / 'mlflow.db'}"
    here = uri.startswith("sqlite:")
    if here:
        home.mkdir(mode=0o700, exist_ok=True)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    kit = settings.root().name
    if found := client.get_experiment_by_name(kit):
        return client, found.experiment_id
    location = (home / "artifacts" / kit).as_uri() if here else None
    try:
        return client, client.create_experiment(kit, artifact_location=location)
    except MlflowException:  # another notebook was quicker, or it was deleted in MLflow's pages
        if (found := client.get_experiment_by_name(kit)) is None:
            raise
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return client, found.experiment_id


def _tensorboard(run_name: str) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(Path.home() / "tensorboard" / settings.root().name / run_name))
