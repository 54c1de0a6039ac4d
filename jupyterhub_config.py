"""JupyterHub's entry: load the site, apply it. ``CAMPUS_PREFIX`` names the installation."""

import os
from pathlib import Path

from hub_config.hub import configure
from hub_config.installed import installed_site
from hub_config.paths import Paths

paths = Paths(Path(os.environ["CAMPUS_PREFIX"]))
configure(get_config(), installed_site(paths), paths)  # noqa: F821 - given by traitlets
