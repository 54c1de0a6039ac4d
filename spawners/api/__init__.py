"""What the spawn page, Home, JupyterLab and sessions ask the hub, in JSON."""

from __future__ import annotations

from spawners.api import home, idle, sessions, start

# Regular expression, below the hub's own path -> handler (JupyterHub.extra_handlers).
HANDLERS = [*start.HANDLERS, *sessions.HANDLERS, *home.HANDLERS, *idle.HANDLERS]
