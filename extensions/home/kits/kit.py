"""A kit as its catalogue entry (``kit.json``) tells of it: the manifest's fields that people read.

Unknown keys are left alone: what was published by another version is still shown.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

NAME = r"[a-z][a-z0-9-]{0,29}"
"""A kit's name, which is its folder's. The whole of an address's part must match."""
FILE = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
"""A file's or a folder's name inside an entry: nothing that leads out of it, nothing hidden."""

_Short = Annotated[str, Field(min_length=1, max_length=200)]
_Long = Annotated[str, Field(max_length=2000)]
_Picture = Annotated[str, Field(pattern=rf"^pictures/{FILE}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Notebook(_Part):
    file: Annotated[str, Field(pattern=rf"^{FILE}$")]
    title: _Short

    @property
    def stem(self) -> str:
        """Its name in addresses, and of its file in ``notebooks/``."""
        return PurePosixPath(self.file).stem


class Data(_Part):
    """A data set, in short; croissant.json says more."""

    name: _Short
    source: _Long
    licence: _Short
    personal: bool
    """Whether it tells of people who could be named."""
    synthetic: bool
    """Whether it was made, and not observed."""
    note: _Long = ""


class Kit(_Part):
    name: Annotated[str, Field(pattern=rf"^{NAME}$")]
    title: _Short
    summary: _Long
    sector: Annotated[str, Field(min_length=1, max_length=60)]
    minutes: Annotated[int, Field(gt=0, le=100_000)]
    """A person's time to read and run it."""
    size: Annotated[str, Field(max_length=60)] = ""
    """The session size that it is meant for."""
    result: Annotated[tuple[_Long, ...], Field(max_length=30)] = ()
    """What one has at the end."""
    licence: _Short
    picture: _Picture
    picture_alt: _Long
    notebooks: Annotated[tuple[Notebook, ...], Field(min_length=1, max_length=30)]
    data: Annotated[tuple[Data, ...], Field(max_length=30)] = ()

    @model_validator(mode="after")
    def _stems_differ(self) -> Kit:
        stems = [notebook.stem for notebook in self.notebooks]
        if len(set(stems)) < len(stems):
            raise ValueError("two notebooks have one name")
        return self

    @property
    def personal(self) -> bool:
        return any(one.personal for one in self.data)

    @property
    def synthetic(self) -> bool:
        """Whether all of its data was made."""
        return bool(self.data) and all(one.synthetic for one in self.data)
