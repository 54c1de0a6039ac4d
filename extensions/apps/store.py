"""Where a person's experiments are kept: in their home, for their eyes only. Pure names; makes nothing."""

from __future__ import annotations

from pathlib import Path


def tracking_uri(home: Path) -> str:
    """MLflow's store of experiments, runs and registered models."""
    return f"sqlite:///{home}/mlflow/mlflow.db"


def artifacts(home: Path) -> Path:
    """Where MLflow keeps the files of runs."""
    return home / "mlflow" / "artifacts"


def event_logs(home: Path) -> Path:
    """What TensorBoard shows."""
    return home / "tensorboard"


def kits(home: Path) -> Path:
    """The folders of starter kits, one a kit."""
    return home / "kits"
