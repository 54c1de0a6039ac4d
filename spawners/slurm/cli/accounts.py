"""Accounts and qualities of service: each query beside its parser, with one field map for both.

Source: sacctmgr(1), ``--parsable2``.
"""

from __future__ import annotations

from spawners.slurm.errors import Unreadable
from spawners.slurm.rules import Association, Cap, Qos
from spawners.slurm.text import names, number, seconds, tres

ASSOCIATION_FIELDS = {
    "id": "ID",
    "account": "Account",
    "user": "User",
    "partition": "Partition",
    "parent": "ParentName",
    "qos": "QOS",
    "default_qos": "DefaultQOS",
    "per_job": "MaxTRES",
    "wall": "MaxWall",
    "jobs": "MaxJobs",
    "submitted": "MaxSubmit",
    "group_tres": "GrpTRES",
    "group_jobs": "GrpJobs",
    "group_submitted": "GrpSubmit",
}

QOS_FIELDS = {
    "name": "Name",
    "flags": "Flags",
    "per_job": "MaxTRES",
    "wall": "MaxWall",
    "user_tres": "MaxTRESPU",
    "user_jobs": "MaxJobsPU",
    "user_submitted": "MaxSubmitPU",
    "account_tres": "MaxTRESPA",
    "account_jobs": "MaxJobsPA",
    "account_submitted": "MaxSubmitPA",
    "group_tres": "GrpTRES",
    "group_jobs": "GrpJobs",
    "group_submitted": "GrpSubmit",
}

_SEPARATOR = "|"
_SACCTMGR = ["sacctmgr", "--parsable2", "--noheader"]


def associations_query(cluster: str) -> list[str]:
    """Every association of this cluster."""
    return [*_SACCTMGR, "list", "associations", f"clusters={cluster}", f"format={_columns(ASSOCIATION_FIELDS)}"]


def association_ids_query(cluster: str, only_defaults: bool = False) -> list[str]:
    """The ids of the same, in the same order; or of those in people's default accounts."""
    defaults = ["onlydefaults"] if only_defaults else []
    return [*_SACCTMGR, "list", "associations", f"clusters={cluster}", *defaults, "format=ID"]


def parse_associations(text: str, ids: str, defaults: str) -> tuple[Association, ...]:
    """The associations. Raises Unreadable.

    Whoever coordinates an account names the ones below it, as they like: with line breaks a name could look like other
    people's rows. Slurm numbers the associations itself, so there must be as many lines as numbers, in that order.
    """
    rows = text.splitlines()
    numbers, usual = ids.split(), set(defaults.split())
    if [row.partition(_SEPARATOR)[0] for row in rows] != numbers:
        raise Unreadable("the name of an account or person holds a line break, or one was added this moment")
    found = (_row(ASSOCIATION_FIELDS, row) for row in rows)
    return tuple(_association(row, row["id"] in usual) for row in found if row)


def _association(row: dict[str, str], default: bool) -> Association:
    return Association(
        account=row["account"],
        user=row["user"],
        partition=row["partition"],
        parent=row["parent"],
        default=default and bool(row["user"]),
        qos=tuple(sorted(names(row["qos"]))),
        default_qos=row["default_qos"],
        per_job=tres(row["per_job"]),
        wall=seconds(row["wall"]),
        own=Cap(jobs=number(row["jobs"]), submitted=number(row["submitted"])),
        group=_cap(row, "group"),
    )


def qos_query() -> list[str]:
    return [*_SACCTMGR, "list", "qos", f"format={_columns(QOS_FIELDS)}"]


def parse_qos(text: str) -> dict[str, Qos]:
    """Qualities of service by name. Raises Unreadable."""
    found: dict[str, Qos] = {}
    for line in text.splitlines():
        row = _row(QOS_FIELDS, line)
        if row is None:
            raise Unreadable(line)
        found[row["name"]] = Qos(
            name=row["name"],
            flags=names(row["flags"]),
            per_job=tres(row["per_job"]),
            wall=seconds(row["wall"]),
            per_user=_cap(row, "user"),
            per_account=_cap(row, "account"),
            group=_cap(row, "group"),
        )
    return found


def _cap(row: dict[str, str], kind: str) -> Cap:
    return Cap(
        tres=tres(row[f"{kind}_tres"]), jobs=number(row[f"{kind}_jobs"]), submitted=number(row[f"{kind}_submitted"])
    )


def _columns(fields: dict[str, str]) -> str:
    return ",".join(fields.values())


def _row(fields: dict[str, str], line: str) -> dict[str, str] | None:
    """One row; None where a name that holds the separator makes it another's."""
    values = line.split(_SEPARATOR)
    return dict(zip(fields, values, strict=True)) if len(values) == len(fields) else None
