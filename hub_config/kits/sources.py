"""Where a site's kits are, and what is put beside them."""

from __future__ import annotations

from pathlib import Path

from campus_base.errors import CampusError
from extensions.kits.kit import KITLIB, kits_in
from hub_config.environments import CHECKOUT
from hub_config.site import Site

OURS = CHECKOUT / "starter_kits"
LIBRARY = OURS / KITLIB


def folder_of_kits(site: Site) -> Path:
    return site.content.starter_kits or OURS


def kit_folders(names: list[str], site: Site) -> list[Path]:
    """The folders of these kits (by name, or by a path with a / in it), or of all of the site's. Raises CampusError."""
    home = folder_of_kits(site)
    there = {folder.name: folder for folder in kits_in(home)}
    for name in names:
        if "/" not in name and name not in there:
            raise CampusError(
                "no-kit", f"There is no starter kit {name} in {home}.", f"There are: {', '.join(there) or 'none'}."
            )
    return [Path(name).absolute() if "/" in name else there[name].absolute() for name in names or there]
