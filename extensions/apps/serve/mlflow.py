"""MLflow's pages and API over the person's own store, with nothing in them that needs the network.

Started in this process: ``mlflow server`` would hold a second one, which only waits. ``mlflow.server`` reads its
settings from the environment (mlflow 3, ``mlflow/server/__init__.py``, ``_run_server``).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from extensions.apps.serve.leash import leash, private_folder
from extensions.apps.store import artifacts, tracking_uri

# The assistant runs programs, the gateway calls models elsewhere, jobs start further processes.
_LEFT_OUT = ("/ajax-api/3.0/mlflow/assistant", "/gateway", "/ajax-api/2.0/mlflow/gateway-proxy", "/ajax-api/3.0/jobs")

# What a browser remembers of its pages until somebody chooses otherwise (mlflow 3.17, useLocalStorage): they would
# begin with language models and the assistant, and kits train models; telemetry, which they would tell of, is off.
_BEGINS_WITH = {
    "mlflow.workflowType_v1": "machine_learning",
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
    "mlflow.detectIssues.guidanceShown_v1": True,
    "mlflow.telemetry.info.alert.dismissed_v1": True,
}
_SCRIPT = """<script>
for (const [key, value] of Object.entries(%s))
  if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(value));
</script>"""


def first_page(html: str) -> bytes:
    """MLflow's one page, which begins with training."""
    return html.replace("<head>", f"<head>{_SCRIPT % json.dumps(_BEGINS_WITH)}", 1).encode()


def instead(app: Any, page: bytes) -> Any:
    """The ASGI application with this page at its root."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] in ("", "/"):
            headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": page})
        else:
            await app(scope, receive, send)

    return answer


def without(app: Any, left_out: tuple[str, ...]) -> Any:
    """The ASGI application, in which there is nothing at addresses that begin so."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith(left_out):
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            await app(scope, receive, send)

    return answer


def main() -> None:
    leash()
    socket, home = sys.argv[1], Path.home()
    private_folder(home / "mlflow")
    private_folder(artifacts(home))
    os.environ |= {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_TRACKING_URI": tracking_uri(home),
    }

    from mlflow import server
    from mlflow.server import constants, handlers

    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: tracking_uri(home),
        constants.ARTIFACT_ROOT_ENV_VAR: str(artifacts(home)),
    }
    handlers.initialize_backend_stores(tracking_uri(home), tracking_uri(home), str(artifacts(home)))

    import uvicorn
    from mlflow.server.fastapi_app import app

    page = first_page(Path(server.__file__).with_name("js").joinpath("build", "index.html").read_text())
    served = without(instead(app, page), _LEFT_OUT)
    uvicorn.run(served, uds=socket, proxy_headers=False, access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
