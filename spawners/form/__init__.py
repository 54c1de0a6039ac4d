"""The spawn page's form: what is offered, its template, and the style and scripts that the hub serves."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader
from jupyterhub.handlers.static import CacheControlStaticFilesHandler

from spawners.allowed.offer import LABELS, Offer
from spawners.form.choose import Chosen as Chosen
from spawners.form.choose import choose as choose
from spawners.life.failure import Ended

# Regular expression, below the hub's own path -> handler (JupyterHub.extra_handlers).
HANDLERS = [(r"/campus/form/(.*)", CacheControlStaticFilesHandler, {"path": str(Path(__file__).parent / "static")})]

_LABELS = {**{key: key.capitalize() for key in LABELS}, "qos": "Quality of service (QOS)", "environment": "Environment"}


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("spawners.form", "."), autoescape=True)


def render_form(
    chosen: Chosen,
    offer: Offer,
    hub_url: str,
    sizes_url: str,
    ended: Ended | None,
    resuming: tuple[str, str] = ("", ""),
) -> str:
    """HTML for JupyterHub's spawn page.

    ``hub_url`` is where the hub is (it ends with a slash), ``sizes_url`` where the script asks what is true now,
    ``ended`` how the last session ended, ``resuming`` what resuming it would start, in words, and its address.
    """
    return (
        _environment()
        .get_template("form.html")
        .render(
            chosen=chosen,
            size=offer.size(chosen.options.get("size")),
            sizes=offer.sizes,
            labels=_LABELS,
            static=f"{hub_url}campus/form/",
            sizes_url=sizes_url,
            ended=ended,
            resuming=resuming,
        )
    )
