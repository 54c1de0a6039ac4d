"""Assignments in a session: opening one from a link, checking and handing it in, in the browser and in JupyterLab."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "extensions.coursework.extension"}]
