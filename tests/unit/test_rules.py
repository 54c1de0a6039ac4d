"""What Slurm 22.05 printed about partitions, reservations and accounts, read into facts."""

from __future__ import annotations

from typing import Any

import pytest

from campus_base.errors import CampusError
from campus_base.process import ProgramFailed
from spawners.slurm.cli.accounts import (
    ASSOCIATION_FIELDS,
    QOS_FIELDS,
    association_ids_query,
    associations_query,
    parse_associations,
    parse_qos,
    qos_query,
)
from spawners.slurm.cli.rules import ask_rules, parse_config, parse_partitions, parse_reservations
from spawners.slurm.errors import Unreadable
from spawners.slurm.rules import Association, Cap, Partition, Qos, Reservation
from spawners.slurm.text import hosts, names, seconds, tres

CONFIG = """\
Configuration data as of 2026-11-24T23:48:40
AccountingStorageEnforce = associations,limits,qos
AccountingStorageHost   = 127.0.0.1
AccountingStorageExternalHost = (null)
AccountingStorageType   = accounting_storage/slurmdbd
ClusterName             = campus
CommunicationParameters = NoInAddrAny,NoCtldInAddrAny

Slurmctld(primary) at localhost is UP
"""
PARTITIONS = """\
PartitionName=gpu AllowGroups=users,root DenyAccounts=startups,x DenyQos=long AllocNodes=ALL Default=YES QoS=long \
DefaultTime=01:00:00 DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=YES MaxNodes=UNLIMITED MaxTime=2-00:00:00 \
MinNodes=0 LLN=NO MaxCPUsPerNode=UNLIMITED Nodes=gpu-node[1-2] PriorityJobFactor=1 PriorityTier=1 RootOnly=NO \
ReqResv=NO OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State=UP TotalCPUs=64 TotalNodes=2 \
SelectTypeParameters=NONE JobDefaults=(null) DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED \
TRES=cpu=64,mem=40000M,node=2,billing=64,gres/gpu=8,gres/shard=32
PartitionName=own AllowGroups=ALL AllowAccounts=training AllowQos=normal AllocNodes=ALL Default=NO QoS=N/A \
DefaultTime=NONE DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 Hidden=NO MaxNodes=UNLIMITED MaxTime=UNLIMITED \
MinNodes=1 LLN=NO MaxCPUsPerNode=UNLIMITED Nodes=gpu-node1 PriorityJobFactor=1 PriorityTier=1 RootOnly=NO ReqResv=YES \
OverSubscribe=NO OverTimeLimit=NONE PreemptMode=OFF State=DRAIN TotalCPUs=32 TotalNodes=1 SelectTypeParameters=NONE \
JobDefaults=(null) DefMemPerNode=UNLIMITED MaxMemPerNode=UNLIMITED \
TRES=cpu=32,mem=20000M,node=1,billing=32,gres/gpu=4,gres/shard=16
"""
RESERVATIONS = """\
ReservationName=r 1 StartTime=1795563771 EndTime=1795567371 Duration=01:00:00 Nodes=gpu-node1 NodeCnt=1 CoreCnt=32 \
Features=(null) PartitionName=(null) Flags=SPEC_NODES TRES=cpu=32 Users=sc1 Groups=(null) Accounts=(null) \
Licenses=(null) State=ACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)
ReservationName=upkeep StartTime=1795581771 EndTime=1795585371 Duration=01:00:00 Nodes=gpu-node[1-2] NodeCnt=2 \
CoreCnt=64 Features=(null) PartitionName=(null) Flags=MAINT,IGNORE_JOBS,SPEC_NODES,ALL_NODES TRES=cpu=64 Users=root \
Groups=(null) Accounts=(null) Licenses=(null) State=INACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)
ReservationName=cls StartTime=1795565571 EndTime=1795569171 Duration=01:00:00 Nodes=gpu-node2 NodeCnt=1 CoreCnt=32 \
Features=(null) PartitionName=gpu Flags= TRES=cpu=32 Users=(null) Groups=crew Accounts=training,-old \
Licenses=(null) State=INACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)
ReservationName=notx StartTime=1795617771 EndTime=1795621371 Duration=01:00:00 Nodes=gpu-node2 NodeCnt=1 CoreCnt=32 \
Features=(null) PartitionName=(null) Flags=SPEC_NODES TRES=cpu=32 Users=-sc1 Groups=(null) Accounts=(null) \
Licenses=(null) State=INACTIVE BurstBuffer=(null) Watts=n/a MaxStartDelay=(null)
"""
ASSOCIATIONS = """\
1|root||||normal||||||||
2|root|root|||normal||||||||
4|startups|||root|normal||||5||cpu=64,gres/gpu=2||20
6|startups|sc2|||long,normal|normal|node=1||5||||
9|sub|||startups|normal||||5||||
10|sub|sc1|gpu||normal||||5||||
3|training|||root|normal|||||10|gres/gpu=8||
5|training|sc1|||normal|||04:00:00||10|gres/gpu=4,mem=100G||
"""
IDS = "1\n2\n4\n6\n9\n10\n3\n5\n"
DEFAULTS = "2\n5\n6\n"
QOS = """\
normal|||2-12:00:00|||||||||
long|DenyOnLimit,OverPartQOS|node=1|12:00:00|gres/gpu=8|3||cpu=100||7|gres/gpu=6,mem=1500G|9|30
"""


# ---------------------------------------------------------------- partitions and reservations


def test_partitions() -> None:
    found = parse_partitions(PARTITIONS)
    assert found["gpu"] == Partition(
        name="gpu",
        state="UP",
        default=True,
        hidden=True,
        nodes=frozenset({"gpu-node1", "gpu-node2"}),
        max_seconds=2 * 24 * 3600,
        default_seconds=3600,
        denied_accounts=frozenset({"startups", "x"}),
        denied_qos=frozenset({"long"}),
        allowed_groups=frozenset({"users", "root"}),
        qos="long",
    )
    assert found["own"] == Partition(
        name="own",
        state="DRAIN",
        needs_reservation=True,
        nodes=frozenset({"gpu-node1"}),
        allowed_accounts=frozenset({"training"}),
        allowed_qos=frozenset({"normal"}),
    )


def test_reservations() -> None:
    found = parse_reservations(RESERVATIONS)
    assert list(found) == ["r 1", "upkeep", "cls", "notx"]
    assert found["r 1"] == Reservation(
        name="r 1",
        start=1795563771,
        end=1795567371,
        users=frozenset({"sc1"}),
        nodes=frozenset({"gpu-node1"}),
        flags=frozenset({"SPEC_NODES"}),
        active=True,
    )
    assert found["upkeep"].flags >= {"MAINT"}
    assert found["upkeep"].nodes == {"gpu-node1", "gpu-node2"}
    lesson = found["cls"]
    assert (lesson.partition, lesson.groups, lesson.accounts, lesson.denied_accounts, lesson.flags) == (
        "gpu",
        {"crew"},
        {"training"},
        {"old"},
        frozenset(),
    )
    assert (found["notx"].users, found["notx"].denied_users) == (frozenset(), {"sc1"})
    assert parse_reservations("No reservations in the system\n") == {}
    assert parse_reservations("") == {}


@pytest.mark.parametrize("parse", [parse_partitions, parse_reservations])
def test_what_is_neither_is_unreadable(parse: Any) -> None:
    for text in ("slurm_load_partitions: Zero Bytes\n", "Users=ann PartitionName=gpu ReservationName=r\n"):
        with pytest.raises(Unreadable):
            parse(text)


def test_settings() -> None:
    found = parse_config(CONFIG)
    assert found["AccountingStorageEnforce"] == "associations,limits,qos"
    assert found["AccountingStorageExternalHost"] == ""
    assert found["ClusterName"] == "campus"


# ---------------------------------------------------------------- accounts and qualities of service


def test_associations() -> None:
    found = parse_associations(ASSOCIATIONS, IDS, DEFAULTS)
    assert [(a.account, a.user, a.default) for a in found] == [
        ("root", "", False),
        ("root", "root", True),
        ("startups", "", False),
        ("startups", "sc2", True),
        ("sub", "", False),
        ("sub", "sc1", False),
        ("training", "", False),
        ("training", "sc1", True),
    ]
    assert found[2] == Association(
        account="startups",
        parent="root",
        qos=("normal",),
        own=Cap(jobs=5),
        group=Cap(tres={"cpu": 64, "gres/gpu": 2}, submitted=20),
    )
    assert found[3].per_job == {"node": 1}
    assert (found[3].qos, found[3].default_qos) == (("long", "normal"), "normal")
    assert (found[4].parent, found[5].partition) == ("startups", "gpu")
    assert found[7].wall == 4 * 3600
    assert found[7].group.tres == {"gres/gpu": 4, "mem": 100 * 1024}
    assert found[7].own == Cap(submitted=10)


FORGED = "5|x|||root|normal||||||||\n7|root|eve|||all||||||||\n5|x"


@pytest.mark.parametrize(
    "name",
    ["ev\nil", FORGED, "\n", "x\n2|root|root|||normal||||||||", "ev\ril", "a\x0bb", "a\u2028b"],
    ids=["a line break", "rows of others", "nothing else", "a row again", "a return", "a tab", "a separator"],
)
def test_a_coordinators_account_name_forges_nobodys_row(name: str) -> None:
    hostile = ASSOCIATIONS.replace("5|training|sc1", f"5|{name}|sc1")
    with pytest.raises(Unreadable):
        parse_associations(hostile, IDS, DEFAULTS)


def test_a_name_with_the_separator_hides_its_own_row_only() -> None:
    found = parse_associations(ASSOCIATIONS.replace("9|sub|", "9|s|ub|"), IDS, DEFAULTS)
    assert [a.account for a in found if not a.user] == ["root", "startups", "training"]
    assert len(found) == 7


def test_qualities_of_service() -> None:
    assert parse_qos(QOS) == {
        "normal": Qos(name="normal", wall=60 * 3600),
        "long": Qos(
            name="long",
            flags=frozenset({"DenyOnLimit", "OverPartQOS"}),
            per_job={"node": 1},
            wall=12 * 3600,
            per_user=Cap(tres={"gres/gpu": 8}, jobs=3),
            per_account=Cap(tres={"cpu": 100}, submitted=7),
            group=Cap(tres={"gres/gpu": 6, "mem": 1500 * 1024}, jobs=9, submitted=30),
        ),
    }
    with pytest.raises(Unreadable):
        parse_qos("normal|||\n")


def test_questions_name_the_columns_of_their_answers() -> None:
    assert associations_query("campus")[-1] == f"format={','.join(ASSOCIATION_FIELDS.values())}"
    assert qos_query()[-1] == f"format={','.join(QOS_FIELDS.values())}"
    assert "clusters=campus" in associations_query("campus")
    assert "clusters=campus" in association_ids_query("campus")


# ---------------------------------------------------------------- all of it


class Slurm:
    """Answers the questions with what was recorded, or fails for programs that do not answer."""

    def __init__(self, silent: str = "", config: str = CONFIG) -> None:
        self.asked: list[list[str]] = []
        self.silent, self.config = silent, config

    async def ask(self, query: list[str], what: str) -> str:
        self.asked.append(query)
        if query[0] == self.silent:
            raise ProgramFailed(what, "no answer")
        match query:
            case ["scontrol", "show", "config"]:
                return self.config
            case ["scontrol", *_, "partition"]:
                return PARTITIONS
            case ["scontrol", *_, "reservation"]:
                return RESERVATIONS
            case [*_, "onlydefaults", "format=ID"]:
                return DEFAULTS
            case [*_, "format=ID"]:
                return IDS
            case [_, _, _, "list", "qos", _]:
                return QOS
            case _:
                return ASSOCIATIONS


async def test_all_rules() -> None:
    rules = await ask_rules(Slurm().ask)
    assert set(rules.partitions) == {"gpu", "own"}
    assert len(rules.reservations) == 4
    assert rules.associations
    assert set(rules.qos or {}) == {"normal", "long"}
    assert rules.enforced == {"associations", "limits", "qos"}
    assert rules.lineage("sub") == ["sub", "startups", "root"]
    assert rules.below["startups"] == {"startups", "sub"}


async def test_without_slurmdbd_partitions_and_reservations_are_known() -> None:
    slurm = Slurm("sacctmgr")
    rules = await ask_rules(slurm.ask)
    assert (rules.accounting, rules.associations, rules.qos) == (True, None, None)
    assert set(rules.partitions) == {"gpu", "own"}
    # A Slurm that has no accounting is not asked for it.
    none = CONFIG.replace("associations,limits,qos", "none").replace("slurmdbd", "none")
    slurm = Slurm("sacctmgr", none)
    rules = await ask_rules(slurm.ask)
    assert (rules.accounting, rules.associations, rules.enforced) == (False, None, frozenset())
    assert all(query[0] == "scontrol" for query in slurm.asked)


async def test_without_slurmctld_nothing_is_known() -> None:
    with pytest.raises(CampusError):
        await ask_rules(Slurm("scontrol").ask)


# ---------------------------------------------------------------- amounts, lengths, lists


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30:00", 1800),
        ("04:00:00", 4 * 3600),
        ("2-12:00:00", 60 * 3600),
        ("UNLIMITED", None),
        ("NONE", None),
        ("", None),
    ],
)
def test_lengths(text: str, expected: int | None) -> None:
    assert seconds(text) == expected


def test_amounts() -> None:
    assert tres("cpu=4,mem=1.50G,gres/gpu:a100=2,billing=7") == {
        "cpu": 4,
        "mem": 1536,
        "gres/gpu:a100": 2,
        "billing": 7,
    }
    assert tres("mem=2T,node=1") == {"mem": 2 * 1024 * 1024, "node": 1}
    assert tres("") == tres("(null)") == tres("N/A") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n1", {"n1"}),
        ("n[1-3]", {"n1", "n2", "n3"}),
        ("gpu[08-10,12],login", {"gpu08", "gpu09", "gpu10", "gpu12", "login"}),
        ("r[1-2]n[01-02]-x", {"r1n01-x", "r1n02-x", "r2n01-x", "r2n02-x"}),
        ("(null)", set()),
    ],
)
def test_lists_of_nodes(text: str, expected: set[str]) -> None:
    assert hosts(text) == expected


def test_what_cannot_be_read() -> None:
    for parse, text in ((seconds, "soon"), (tres, "cpu"), (tres, "cpu=many"), (hosts, "n[1-x]"), (hosts, "n[1-3")):
        with pytest.raises(Unreadable):
            parse(text)
    assert names("a,b") == {"a", "b"}
