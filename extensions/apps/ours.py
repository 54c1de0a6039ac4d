"""The apps that every session has, each started when it is opened: MLflow, TensorBoard, and Voilà for kits' apps."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_server_proxy.config import ServerProcess

from extensions.apps.starting import address

_ICONS = Path(__file__).parent / "icons"
_PATIENCE = 90.0  # seconds that a start may take: a cold disk reads a thousand modules
KIT_APPS = "kit-apps"
# Their pages name styles and scripts elsewhere: a cluster may have no way there, and nobody is to hear of a visit.
_FROM_HERE = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws: wss: data: blob:"


@dataclass(frozen=True)
class App:
    """``name`` is its address below the session's, ``module`` its program here, ``needs`` the package it shows."""

    name: str
    title: str
    module: str
    needs: str
    whole_address: bool = False
    """Whether it is asked with the path that the browser has; otherwise with what comes after its name."""


APPS = (
    App("mlflow", "MLflow", "mlflow", "mlflow"),
    App("tensorboard", "TensorBoard", "tensorboard", "tensorboard"),
    App(KIT_APPS, "Kit apps", "voila", "voila", whole_address=True),
)


def ours(base_url: str, taken: set[str]) -> list[ServerProcess]:
    """Those whose package this environment has, and whose name the person has not given to an app of their own.

    Sockets lie in the session's private folder (spawners.session.private), so they go when it goes.
    """
    folder = os.environ["JUPYTER_RUNTIME_DIR"]
    return [_process(app, base_url, folder) for app in APPS if app.name not in taken and find_spec(app.needs)]


def _from_here_only(response: Any) -> None:
    """Have the browser load nothing from another site (jupyter-server-proxy's ``rewrite_response``)."""
    if "default-src" not in response.headers.get("Content-Security-Policy", ""):
        response.headers["Content-Security-Policy"] = f"{_FROM_HERE}; frame-ancestors 'self'"


def _process(app: App, base_url: str, folder: str) -> ServerProcess:
    program = (sys.executable, "-I", "-m", f"extensions.apps.serve.{app.module}")
    icon = _ICONS / f"{app.name}.svg"
    return ServerProcess(
        name=app.name,
        command=[*program, "{unix_socket}", f"{base_url}{app.name}/"],
        unix_socket=f"{folder}/{app.name}.socket",
        timeout=_PATIENCE,
        absolute_url=app.whole_address,
        # What an app compares its own address with. Who may ask was decided before (extension.WithoutCredentials).
        request_headers_override={"Host": "localhost"},
        rewrite_response=_from_here_only,
        launcher_entry={
            "title": app.title,
            "icon_path": str(icon),
            # The page of kits' apps needs no app to be shown.
            "path_info": f"{app.name}/" if app.name == KIT_APPS else address(f"{app.name}/"),
            "category": "Notebook",  # of the launcher's categories, those of kernels alone show an icon of a server's
        },
    )
