"""A start that fails, as JupyterHub's pages and API show it: one sentence, never a class name."""

from __future__ import annotations

from jupyterhub.spawner import SpawnException

from campus_base.errors import CampusError


class SessionRefused(SpawnException):
    """``reason`` is a label for metrics, ``log_message`` for the log only."""

    def __init__(
        self, message: str, *, reason: str, log_message: str = "", html: str = "", status_code: int = 400
    ) -> None:
        super().__init__(message, reason=reason, log_message=log_message, status_code=status_code)
        # The spawn form shows str(), the pending page and the API these attributes (jupyterhub/utils.py).
        self.jupyterhub_message = message
        if html:
            self.jupyterhub_html_message = html

    def __str__(self) -> str:
        return self.message


def refused(error: CampusError) -> SessionRefused:
    """An error of ours as JupyterHub's."""
    status = 503 if error.code in ("slurm-silent", "directory-silent", "not-permitted") else 400
    return SessionRefused(str(error), reason=error.code, log_message=error.detail or str(error), status_code=status)
