"""Starter kits in a session: a link brings one into the person's home, and opens its first notebook."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "extensions.kits.session.extension"}]
