"""The site of an installation: its own site file, or the embedded default."""

from __future__ import annotations

from hub_config.paths import Paths
from hub_config.site import Site
from hub_config.site_file import LOCAL, read_site


def installed_site(paths: Paths) -> Site:
    """Raises ManifestError when the installation's site file can't be used."""
    return read_site(paths.site_file if paths.site_file.exists() else LOCAL)
