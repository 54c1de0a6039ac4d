"""Tells the hub which notebooks were saved last in this session, so that Home can open them again."""


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "extensions.recent.extension"}]
