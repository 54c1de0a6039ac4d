"""``./campus kit``: check, new, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from extensions.kits.check import check
from extensions.kits.kit import KitFolder
from hub_config.installed import installed_site
from hub_config.kits.new import new_kit
from hub_config.kits.publish import publish_all, publish_of_site
from hub_config.kits.sources import LIBRARY, folder_of_kits, kit_folders
from hub_config.kits.trial import room, try_kit
from hub_config.paths import Paths

Say = Callable[[str], None]


def check_kits(names: Sequence[str], paths: Paths, say: Say) -> None:
    """Look at kits and try them: those of these names or paths, or all of the site's. Raises CampusError."""
    site = installed_site(paths)
    folders = kit_folders(list(names), site)
    if not folders:
        say(f"There is no starter kit in {folder_of_kits(site)}.")
    for path in folders:
        folder = KitFolder(path)
        for line in check(folder, LIBRARY):
            say(line)
        with room(folder, site, paths) as (made, kit):
            for line in try_kit(folder, made, kit):
                say(line)


def make_kit(name: str, paths: Paths, say: Say) -> None:
    """Make a folder for a new kit. Raises CampusError."""
    folder = new_kit(name, installed_site(paths))
    say(f"{folder} is a small kit that works; starter_kits/README.md says what is what in it.")
    say(f"Make it yours, then: ./campus kit check {name}")


def publish_kits(names: Sequence[str], paths: Paths, say: Say, *, run: bool) -> bool:
    """Publish these kits, or all of the site's; whether all of them are. Raises CampusError for a name that is none."""
    site = installed_site(paths)
    failed: list[str] = []
    done = (
        publish_all(kit_folders(list(names), site), site, paths, failed, run=run)
        if names
        else publish_of_site(site, paths, failed, run=run)
    )
    for line in done:
        say(line)
    return not failed
