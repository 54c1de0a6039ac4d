"""A busy kernel counts as activity: a training cell that prints nothing for hours is not an idle session."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

SECONDS = 30


def note_busy_kernels(server_app: Any) -> None:
    """Where a kernel is busy, the server was active just now.

    JupyterHub's report takes the newest of ``last_activity_times`` (jupyterhub.singleuser.extension.notify_activity,
    jupyter_server.serverapp.ServerWebApplication.last_activity); a kernel's own time is that of its last message.
    """
    if any(kernel["execution_state"] == "busy" for kernel in server_app.kernel_manager.list_kernels()):
        server_app.web_app.settings["last_activity_times"]["campus.kernel"] = datetime.now(UTC)
