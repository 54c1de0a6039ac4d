"""What Slurm lets people use, as slurmrestd says it: the same facts in the shapes of both versions."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from campus_base.errors import CampusError
from spawners.slurm.rest import RestTransport
from spawners.slurm.rules import Association, Cap, Partition, Qos, Reservation
from tests.support.restd import Restd
from tests.unit.test_rest import NEW, OLD, transport

RULES = {"slurm": ("partitions", "reservations"), "slurmdb": ("associations", "qos")}


@pytest.fixture(params=[OLD, NEW])
async def restd(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Restd]:
    async with Restd(request.param, tmp_path).serving() as restd:
        for daemon, names in RULES.items():
            for name in names:
                restd.answer(f"GET /{daemon}/*/{name}", name)
        yield restd


async def test_partitions(restd: Restd) -> None:
    found = (await transport(restd).rules()).partitions
    # v0.0.40 and later do not tell these.
    old = restd.version == OLD
    assert found == {
        "gpu": Partition(
            name="gpu",
            state="UP",
            default=old,
            nodes=frozenset({"n1", "n2"}),
            max_seconds=8 * 3600,
            default_seconds=3600 if old else None,
        ),
        "priv": Partition(
            name="priv",
            state="DOWN",
            hidden=old,
            nodes=frozenset({"n1"}),
            max_seconds=24 * 3600,
            default_seconds=None if old else 1800,
            allowed_accounts=frozenset({"proj", "rest"}),
            allowed_groups=frozenset({"users"}),
            denied_qos=frozenset({"normal"}),
        ),
        "resv": Partition(
            name="resv",
            state="DRAIN",
            root_only=old,
            needs_reservation=old,
            nodes=frozenset({"n1", "n2"}),
            denied_accounts=frozenset({"bad"}),
            allowed_qos=frozenset({"high"}),
            qos="high",
        ),
    }


async def test_reservations(restd: Restd, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = {one["name"]: one for one in restd.recorded["reservations"]["body"]["reservations"]}
    start = {OLD: 1795568389, NEW: 1795568628}[restd.version]
    for now, active in ((start - 1, False), (start, True), (start + 3599, True), (start + 3600, False)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        found = (await transport(restd).rules()).reservations
        assert found["cls"] == Reservation(
            name="cls",
            start=start,
            end=start + 3600,
            users=frozenset({"ada"}),
            partition="gpu",
            nodes=frozenset({"n1"}),
            flags=frozenset({"SPEC_NODES"}),
            active=active,
        )
    assert (found["ops"].users, found["ops"].denied_users) == (frozenset(), {"ben"})
    assert found["ops"].flags == frozenset(raw["ops"]["flags"])
    if restd.version == OLD:
        assert found["grp"].groups == {"ada"}


async def test_associations(restd: Restd) -> None:
    found = (await transport(restd).rules()).associations
    assert found
    by = {(one.account, one.user, one.partition): one for one in found}
    assert by["proj", "", ""] == Association(
        account="proj",
        parent="root",
        qos=("normal",),
        wall=77 * 60,
        own=Cap(jobs=6),
        group=Cap(tres={"gres/gpu": 3}, jobs=7, submitted=8),
    )
    assert by["proj", "ada", ""] == Association(
        account="proj",
        user="ada",
        default=True,
        qos=("high", "normal"),
        default_qos="normal",
        per_job={"mem": 4096, "gres/gpu": 1},
        wall=3600,
        own=Cap(jobs=2, submitted=4),
    )
    assert by["sub", "ada", "gpu"].default is False
    assert by["sub", "", ""].parent == "proj"
    assert by["sub", "ben", ""].wall == 77 * 60, "what the account gives"


async def test_qualities_of_service(restd: Restd) -> None:
    rules = await transport(restd).rules()
    assert rules.qos
    flags = {"DenyOnLimit", "OverPartQOS", "PartitionTimeLimit", "RequiresReservation"}
    assert rules.qos["high"] == Qos(
        name="high",
        flags=rules.qos["high"].flags,
        per_job={"cpu": 4, "mem": 2048},
        wall=7200,
        per_user=Cap(tres={"cpu": 4, "gres/gpu": 2}, jobs=3, submitted=5),
        per_account=Cap(tres={"cpu": 64}, jobs=9, submitted=12),
        # v0.0.38 does not tell how many may be submitted.
        group=Cap(tres={"gres/gpu": 8}, jobs=10, submitted=None if restd.version == OLD else 20),
    )
    assert flags <= rules.qos["high"].flags
    assert rules.qos["normal"] == Qos(name="normal")
    assert (rules.accounting, rules.enforced) == (True, {"associations", "limits"})


async def test_another_clusters_accounts_are_left_out(restd: Restd) -> None:
    for one in restd.recorded["associations"]["body"]["associations"]:
        one["cluster"] = "another"
    restd.answer("GET /slurmdb/*/associations", "associations")
    assert (await transport(restd).rules()).associations == ()


async def test_where_people_have_no_accounts_nobody_asks_for_them(restd: Restd) -> None:
    rules = await RestTransport(transport(restd).rest).rules()
    assert (rules.accounting, rules.associations, rules.qos) == (False, None, None)
    assert not [path for path in restd.paths() if "slurmdb" in path]


@pytest.mark.parametrize("name", ["associations", "qos"])
async def test_without_slurmdbd_the_rest_is_known(name: str, restd: Restd) -> None:
    error = {"error_number": 7000, "error": "Unable to connect to database", "source": "slurmdb"}
    restd.answer(f"GET /slurmdb/*/{name}", {"errors": [error], name: []}, 500)
    rules = await transport(restd).rules()
    assert (rules.accounting, rules.associations, rules.qos) == (True, None, None)
    assert rules.partitions


@pytest.mark.parametrize("change", [{"nodes": "n[1-"}, {"state": None}, {"max_time_limit": "8h"}], ids=str)
async def test_a_partition_of_the_wrong_kind_is_silence(change: dict[str, Any], tmp_path: Path) -> None:
    async with Restd(OLD, tmp_path).serving() as restd:
        (partition, *_) = restd.recorded["partitions"]["body"]["partitions"]
        restd.answer("GET /slurm/*/partitions", {"partitions": [{**partition, **change}], "errors": []})
        restd.answer("GET /slurm/*/reservations", "reservations")
        with pytest.raises(CampusError, match=r"does not answer|cannot read"):
            await RestTransport(transport(restd).rest).rules()
