"""Where the kit lies, and its ``settings.toml``: the one place in which a person sets how it computes."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

SCALES = ("default", "full")
_FILE = "settings.toml"


@dataclass(frozen=True)
class Settings:
    """What ``settings.toml`` says; each key may be left out."""

    scale: str = "default"
    """``default`` computes in seconds on a processor; ``full`` takes a GPU, and more data."""
    seed: int = 1
    """What random numbers start from."""
    country: str = "LUX"
    """Where the electricity comes from, as an ISO 3166-1 code of three letters."""


def root() -> Path:
    """The kit's folder: where kitlib lies, or the working folder's nearest parent with a ``kit.toml``."""
    own = Path(__file__).resolve().parent.parent
    here = Path.cwd()
    return next((folder for folder in (own, here, *here.parents) if (folder / "kit.toml").is_file()), own)


def results() -> Path:
    """The folder for what the kit makes; it is created here, and git ignores it."""
    folder = root() / "results"
    folder.mkdir(exist_ok=True)
    return folder


def read() -> Settings:
    """The settings; ``KIT_SCALE`` in the environment goes before the file's scale. Raises ValueError at a mistake."""
    file = root() / _FILE
    try:
        said = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{file} is not TOML: {error}") from None
    if unknown := sorted(set(said) - set(Settings.__annotations__)):
        raise ValueError(f"{file}: there is no setting {unknown[0]}; there are {', '.join(Settings.__annotations__)}")
    if scale := os.environ.get("KIT_SCALE"):
        said["scale"] = scale
    found = Settings(**said)
    if found.scale not in SCALES:
        raise ValueError(f'scale = "{found.scale}": it must be one of {", ".join(SCALES)}')
    return found
