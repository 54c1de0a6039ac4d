"""Types of the site file's values. Messages say what is wanted, and never the value: it may be secret."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, Strict, WithJsonSchema

from campus_base import manifest
from campus_base.manifest import one_line
from extensions.courses.names import COURSE, COURSE_IN_WORDS, is_grader

_MEBIBYTES = {"M": 1, "G": 1024, "T": 1024 * 1024}

_MEMORY = r"^[1-9][0-9]{0,7}[MGT]$"
_SLURM_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_UNIX_NAME = r"^[a-z_][a-z0-9_-]{0,31}$"
_COURSE = f"^{COURSE}$"
_ABSOLUTE = r"^/"
_GIT_URL = r"^(https://|ssh://|file:///|/)[!-~]+$"
_GIT_REF = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$"
_FOLDER = r"^(~|~/.+|/.*)$"
_HTTP = r"^https?://"
_SLURMRESTD = r"^(unix:/|https?://)"
_IPV4 = r"^[0-9.]*$"
_SCOPE = r"^[!#-\[\]-~]+$"  # RFC 6749, section 3.3

# What a pattern asks for, in the words of the error messages and of the settings page.
PATTERNS = manifest.PATTERNS | {
    _MEMORY: "a number more than zero and M, G or T, like 512M or 4G",
    _SLURM_NAME: "a name of letters, digits, _ . and -, beginning with a letter or digit, at most 64 long",
    _UNIX_NAME: "an account name: lower-case letters, digits, _ and -, a letter or _ first, at most 32 long",
    _COURSE: f"a name of {COURSE_IN_WORDS}",
    _ABSOLUTE: "an absolute path",
    _GIT_URL: "an address that begins with https://, ssh:// or file:///, or an absolute path, without spaces",
    _GIT_REF: "the name of a branch or tag",
    _FOLDER: "~, a path that begins with ~/, or an absolute path",
    _HTTP: "an address that begins with https:// or http://",
    _SLURMRESTD: "unix: and an absolute path, or an address that begins with https:// or http://",
    _IPV4: "an IPv4 address",
    _SCOPE: "a word without spaces, quotes and backslashes",
}


def memory_mib(text: str) -> int:
    """Mebibytes in ``512M``, ``4G`` or ``1T`` (units of Slurm's ``--mem``). Raises ValueError otherwise."""
    if not re.fullmatch(_MEMORY[1:-1], text, re.ASCII):
        raise ValueError(f"must be {PATTERNS[_MEMORY]}")
    return int(text[:-1]) * _MEBIBYTES[text[-1]]


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine alone; names below localhost are (RFC 6761, 6.3)."""
    try:
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


def _person(name: str) -> str:
    if name in ("root", "service"):
        raise ValueError("must be a person's account, neither root nor service")
    if is_grader(name):
        raise ValueError("must be a person's account; grader- begins those that grade courses")
    return name


def _daemon(name: str) -> str:
    if name == "root":
        raise ValueError("must be an account of its own; what does not need root is not to have it")
    return name


def _absolute(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("must be an absolute path, beginning with / (~ depends on who reads it)")
    one_line(str(path))
    return path


def _below_home(text: str) -> str:
    one_line(text)
    if text.startswith(("/", "~")) or ".." in text.split("/"):
        raise ValueError("must be relative to the home folder and stay in it, like .campus/logs")
    return text


def _ipv4(text: str) -> str:
    try:
        return text and str(IPv4Address(text))
    except ValueError:
        raise ValueError("must be an IPv4 address like 10.0.0.5, no name") from None


_WEB_ADDRESS = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?][!#-;=?-\[\]_a-z~]*)?"
)


def _web_address(text: str) -> str:
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise ValueError("must hold no user name and no password")
    match = _WEB_ADDRESS.fullmatch(text)
    if not match:
        raise ValueError("must be an address like https://campus.example.org, without spaces")
    if match["port"] and not 1 <= int(match["port"]) <= 65535:
        raise ValueError("must have a port from 1 to 65535")
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(_web_address(text))
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", parts.path) or "?" in text or "#" in text:
        raise ValueError("must end after the host, or after a plain path like /campus")
    if parts.hostname in ("0.0.0.0", "::"):  # noqa: S104 - refused here
        raise ValueError("must be what people type in a browser; put 0.0.0.0 in listen_ip")
    return text.rstrip("/")


def _endpoint(text: str) -> str:
    if _web_address(text).startswith("http:") and not is_loopback(urlsplit(text).hostname or ""):
        raise ValueError("must begin with https://, because secrets travel there")
    return text


def _slurmrestd(text: str) -> str:
    if text.startswith("unix:"):
        _absolute(Path(text.removeprefix("unix:")))
        return text
    return _endpoint(text).rstrip("/")


def _database_url(text: str) -> str:
    one_line(text)
    if text and not re.match(r"postgresql\+psycopg://.", text):
        raise ValueError("must begin with postgresql+psycopg:// (leave it out for SQLite)")
    rest = text.partition("://")[2]
    if ":" in rest.rpartition("@")[0] or "password=" in rest.lower():
        raise ValueError("must hold no password; write it to a file, and name that in password_file")
    return text


def _words(check: Callable[[Any], Any], pattern: str) -> tuple[AfterValidator, WithJsonSchema]:
    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": pattern})


Memory = Annotated[str, Field(pattern=_MEMORY)]
Group = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(one_line)]
SlurmName = Annotated[str, Field(pattern=_SLURM_NAME)]
UnixName = Annotated[str, Field(pattern=_UNIX_NAME), AfterValidator(_person)]
DaemonName = Annotated[str, Field(pattern=_UNIX_NAME), AfterValidator(_daemon)]
GitUrl = Annotated[str, Field(pattern=_GIT_URL)]
GitRef = Annotated[str, Field(pattern=_GIT_REF)]
CourseName = Annotated[str, Field(pattern=_COURSE)]
Scope = Annotated[str, Field(pattern=_SCOPE)]
Port = Annotated[int, Field(ge=1, le=65535)]
Ipv4 = Annotated[str, *_words(_ipv4, _IPV4)]
PublicUrl = Annotated[str, *_words(_public_url, _HTTP)]
Endpoint = Annotated[str, *_words(_endpoint, _HTTP)]
SlurmrestdUrl = Annotated[str, *_words(_slurmrestd, _SLURMRESTD)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
AbsolutePath = Annotated[Path, Strict(False), *_words(_absolute, _ABSOLUTE)]
Folder = Annotated[str, Field(pattern=_FOLDER), AfterValidator(one_line)]
BelowHome = Annotated[str, Field(min_length=1), AfterValidator(_below_home)]
