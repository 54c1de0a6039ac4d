"""The tables. Times are ISO 8601 texts in UTC, all of one length, so their order is that of time."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

META = MetaData()


def _table(name: str, *parts: Column | UniqueConstraint | Index) -> Table:
    # A prefix: in PostgreSQL the database may be the hub's own.
    return Table(f"exchange_{name}", META, *parts)


def _key(name: str) -> Column:
    return Column(name, String(64), primary_key=True)


COURSES = _table(
    "courses",
    _key("id"),
    Column("title", Text, nullable=False),
    Column("enrolment", String(16), nullable=False),
    Column("card", Text, nullable=False),
)
ROSTER = _table(
    "roster",
    _key("course"),
    _key("person"),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", Text, nullable=False),
)
# Members who are in no roster: of a group, or of an open course.
SEEN = _table("seen", _key("course"), _key("person"))
# Sets of files, by their digest; ``files`` is a JSON list of [path, sha256, size].
TREES = _table("trees", _key("sha256"), Column("files", Text, nullable=False), Column("size", Integer, nullable=False))
ASSIGNMENTS = _table(
    "assignments",
    _key("course"),
    _key("name"),
    Column("policy", Text, nullable=False),
    Column("tree", ForeignKey(TREES.c.sha256)),
    Column("released", String(32)),
    Column("upload_key", String(64)),
)
FETCHES = _table("fetches", _key("course"), _key("assignment"), _key("person"), Column("at", String(32)))
EXTENSIONS = _table(
    "extensions",
    _key("course"),
    _key("assignment"),
    _key("person"),
    Column("due", String(32)),
    Column("minutes", Integer),
    Column("attempts", Integer),
    Column("note", Text, nullable=False),
)
SUBMISSIONS = _table(
    "submissions",
    _key("id"),
    Column("course", String(64), nullable=False),
    Column("assignment", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("upload_key", String(64), nullable=False),
    Column("received", String(32), nullable=False, unique=True),
    Column("attempt", Integer, nullable=False),
    Column("tree", ForeignKey(TREES.c.sha256), nullable=False),
    Column("size", Integer, key="counted", nullable=False),  # of the person's room
    Column("receipt", Text, nullable=False),
    Column("set_aside", Boolean, nullable=False, default=False),
    Column("score", Float),
    Column("max_score", Float),
    Column("cells", Text),
    Column("causes", Text),
    Column("graded", String(32)),
    Column("grade_released", Boolean, nullable=False, default=False),
    Column("feedback_tree", ForeignKey(TREES.c.sha256)),
    Column("feedback_released", String(32)),
    Column("feedback_key", String(64)),
    UniqueConstraint("course", "assignment", "person", "upload_key"),
    Index("exchange_submissions_whose", "course", "assignment", "person", "received"),
)
# Who was given one; whether it stands is asked of the grades.
CERTIFICATES = _table(
    "certificates",
    _key("id"),
    Column("course", String(64), nullable=False),
    Column("person", String(64), nullable=False),
    Column("issued", String(32), nullable=False),
    UniqueConstraint("course", "person"),
)
# The last comparison of an assignment's submissions.
SIMILARITY = _table(
    "similarity",
    _key("course"),
    _key("assignment"),
    Column("at", String(32), nullable=False),
    Column("result", Text, nullable=False),
)
# Only ever added to. ``entry`` is the JSON that was hashed.
LOG = _table(
    "log",
    _key("course"),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("hash", String(64), nullable=False),
)
# Public keys of every key that ever signed a receipt.
KEYS = _table("keys", _key("key"), Column("public", Text, nullable=False))
