"""A folder for a new kit: a copy of the small one that works, which is tested as all kits are."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from campus_base.errors import CampusError
from extensions.kits.kit import MANIFEST, TEMPLATE, KitFolder
from hub_config.kits.sources import OURS, folder_of_kits
from hub_config.site import Site

_NAME = r"[a-z][a-z0-9-]{0,29}"


def new_kit(name: str, site: Site) -> Path:
    """Make the folder: in the site's folder of kits, or where a path with a / says. Raises CampusError."""
    target = Path(name).absolute() if "/" in name else folder_of_kits(site) / name
    if not re.fullmatch(_NAME, target.name) or target.name == TEMPLATE:
        raise CampusError(
            "kit-name",
            f"{target.name} is no name for a kit.",
            "Use lower-case letters, digits and -, a letter first, at most 30 long.",
        )
    if target.exists():
        raise CampusError("kit-there", f"There is a {target} already.", "Choose another name, or remove it.")
    source = KitFolder(OURS / TEMPLATE)
    for file in source.files():
        copy = target / file.relative_to(source.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
    manifest = target / MANIFEST
    text = manifest.read_text("utf-8").replace(f'sector = "{TEMPLATE}"', f'sector = "{target.name}"')
    manifest.write_text(text, "utf-8")
    if os.geteuid() == 0:  # it is whose folder of kits it is
        owner = target.parent.stat()
        for path in (target, *target.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
    return target
