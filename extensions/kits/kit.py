"""A kit's manifest, ``kit.toml``, and its folder: what a kit says of itself, and what lies in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from campus_base.errors import CampusError
from campus_base.manifest import PATTERNS, Line, Many, Name, Named, Part
from campus_base.manifest_file import ManifestKind

MANIFEST = "kit.toml"
KITLIB = "kitlib"
SETTINGS = "settings.toml"
TEMPLATE = "template"
"""The kit that new ones are made from; it is not published."""

_NOTEBOOK = r"^[0-9]{2}_[a-z0-9_]{1,60}\.py$"
_PACKAGE = r"^[a-z][a-z0-9_]{1,29}$"
_PICTURE = r"^pictures/[a-z0-9_-]{1,60}\.png$"
_PATTERNS = {
    _NOTEBOOK: "two digits, _ and a name in lower-case letters, digits and _, ending in .py, like 01_data.py",
    _PACKAGE: "a package's name: lower-case letters, digits and _, a letter first",
    _PICTURE: "a PNG in pictures/, like pictures/result.png",
}
# Packages of these names would hide others that the kit needs.
_TAKEN = {KITLIB, "notebooks", "tests", "data", "pictures", "results", "app"}

_NEEDED = ("README.md", "app.py", "model_card.md", "scale_out.sbatch", "data/croissant.json")
_ALSO = {"NOTICE.md", SETTINGS}
_MADE = {"results", "__pycache__"}
_LARGEST_PICTURE = 150 * 1024  # bytes: Home shows several on one page
_LARGEST_KIT = 10 * 1024 * 1024  # bytes: it is copied into every home that opens it


class NotebookFile(Part):
    """A notebook, as text in ``notebooks/``."""

    file: str = Field(pattern=_NOTEBOOK)
    """Its file; the number orders them."""
    title: Line = Field(min_length=1, max_length=100)
    """What people read."""

    @property
    def name(self) -> str:
        """For messages about two of one name."""
        return self.file

    @property
    def stem(self) -> str:
        return self.file.removesuffix(".py")


class Data(Part):
    """A data set that the kit uses; ``data/croissant.json`` says more."""

    name: Line = Field(min_length=1, max_length=100)
    """What it is called, there too."""
    source: Line = Field(min_length=1, max_length=300)
    """Who made it, and where it comes from."""
    licence: Line = Field(min_length=1, max_length=100)
    """Under what it may be used, as an SPDX name where there is one."""
    personal: bool
    """Whether it tells of people who could be named."""
    synthetic: bool
    """Whether it was made by a program, and not observed."""
    note: Line = Field(default="", max_length=500)
    """What else one has to know before one uses it."""


class Kit(Part):
    """A starter kit: what people read of it, and what its model has to reach."""

    title: Line = Field(min_length=1, max_length=100)
    """What people read."""
    summary: Line = Field(min_length=1, max_length=300)
    """One or two sentences: what it does, and for whom."""
    sector: Line = Field(min_length=1, max_length=40)
    """Its sector: finance, space, green, cybersecurity, or another."""
    minutes: int = Field(gt=0, le=1000)
    """How long it takes a person to read and run it."""
    size: Name
    """The session size that it is meant for; a site without it gives its first."""
    package: str = Field(pattern=_PACKAGE)
    """Its Python package: a folder in which its code is."""
    result: Many[Line] = Field(min_length=1)
    """What one has at the end, a line each."""
    licence: Line = Field(min_length=1, max_length=100)
    """Under what its code and texts may be used, as an SPDX name."""
    metric: Line = Field(min_length=1, max_length=60)
    """What model and baseline are measured by."""
    better: Literal["higher", "lower"]
    """Which values of the metric are better."""
    margin: float = Field(gt=0, allow_inf_nan=False)
    """By how much, at least, the model is better than the baseline, on data that it has not seen."""
    picture: str = Field(pattern=_PICTURE)
    """A picture of what one has at the end, 150 KiB at most."""
    picture_alt: Line = Field(min_length=1, max_length=300)
    """What is on it, for who cannot see it."""
    notebooks: Named[NotebookFile] = Field(min_length=1)
    """Its notebooks, in the order in which they are run."""
    data: Named[Data] = Field(min_length=1)
    """The data sets that it uses."""

    @model_validator(mode="after")
    def _fits(self) -> Kit:
        if self.package in _TAKEN:
            raise ValueError(f"package: {self.package} is taken in every kit; call the package otherwise")
        files = [notebook.file for notebook in self.notebooks]
        if files != sorted(files):
            raise ValueError("notebooks: must stand in the order of their numbers")
        return self

    def gain(self, baseline: float, model: float) -> float:
        """By how much the model is better than the baseline."""
        return model - baseline if self.better == "higher" else baseline - model


KIT_FILE = ManifestKind(
    name="kit file",
    model=Kit,
    documentation="starter_kits/README.md",
    remedy=lambda path: f"Correct the file and run ./campus kit check {path.parent.name}",
    patterns={**PATTERNS, **_PATTERNS},
)


def kits_in(folder: Path) -> list[Path]:
    """The kits' folders in a folder of kits."""
    found = (manifest.parent for manifest in folder.glob(f"*/{MANIFEST}"))
    return sorted(kit for kit in found if kit.name != TEMPLATE)


def wrong(path: Path, says: str, remedy: str) -> CampusError:
    """What is wrong with a file of a kit."""
    return CampusError("kit-folder", f"{path} {says}.", remedy)


class KitFolder:
    """A kit's folder: its name is the folder's.

    Raises CampusError for a folder that is none, or whose manifest and files do not go together.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,29}", self.name):
            raise wrong(path, "has a name that no kit can have", f"Use {next(iter(_names()))}.")
        self.kit: Kit = KIT_FILE.read(path / MANIFEST)
        self._check_links()
        self._check_there()
        self._check_known()
        self._check_sizes()

    def files(self) -> Iterator[Path]:
        """Every file that belongs to the kit; what it made (``results/``), caches and dot files do not."""
        for file in sorted(self.path.rglob("*")):
            parts = file.relative_to(self.path).parts
            if file.is_file() and not any(part in _MADE or part.startswith(".") for part in parts):
                yield file

    def texts(self) -> list[Path]:
        """The notebooks as text, in order; the app is not among them."""
        return [self.path / "notebooks" / notebook.file for notebook in self.kit.notebooks]

    def _check_links(self) -> None:
        for link in self.path.rglob("*"):
            if link.is_symlink():
                # It would be followed with the rights of whoever publishes.
                raise wrong(link, "is a link", "Put the file itself there.")

    def _check_there(self) -> None:
        kit = self.kit
        package = f"{kit.package}/__init__.py"
        for name in (*_NEEDED, package, kit.picture, *(f"notebooks/{each.file}" for each in kit.notebooks)):
            if not (self.path / name).is_file():
                named = name in (package, kit.picture) or name.startswith("notebooks/")
                why = f"is missing, and {MANIFEST} names it" if named else "is missing"
                raise wrong(self.path / name, why, "Add it; starter_kits/README.md says what is in it.")
        if not list((self.path / "tests").glob("test_*.py")):
            raise wrong(self.path / "tests", "has no test", "Add tests/test_….py for what the package does.")

    def _check_known(self) -> None:
        single = {MANIFEST, *_NEEDED, *_ALSO, *(str(text.relative_to(self.path)) for text in self.texts())}
        for file in self.files():
            name = str(file.relative_to(self.path))
            top = name.partition("/")[0]
            if name in single or top in (self.kit.package, "tests", "data") or re.fullmatch(_PICTURE, name):
                continue
            if top == "notebooks":
                raise wrong(file, f"is not in {MANIFEST}", "Add it there as [[notebooks]], or remove it.")
            raise wrong(file, "is nothing that a kit has", f"Move it into {self.kit.package}/ or data/, or remove it.")

    def _check_sizes(self) -> None:
        for picture in (self.path / "pictures").glob("*.png"):
            if (size := picture.stat().st_size) > _LARGEST_PICTURE:
                raise wrong(picture, f"has {size // 1024} KiB", f"Make it {_LARGEST_PICTURE // 1024} KiB or less.")
        if (size := sum(file.stat().st_size for file in self.files())) > _LARGEST_KIT:
            most = _LARGEST_KIT // 1024**2
            raise wrong(
                self.path, f"has {size / 1024**2:.1f} MiB", f"Make it {most} MiB or less: keep a sample of data."
            )


def _names() -> Iterator[str]:
    return (words for pattern, words in PATTERNS.items() if pattern.startswith("^[a-z][a-z0-9-]"))


def as_json(folder: KitFolder) -> dict[str, Any]:
    """The manifest for other programs: its keys, and the kit's name."""
    return {"name": folder.name, **folder.kit.model_dump(mode="json")}
