from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spawners.allowed.entitlements import Choice
from spawners.allowed.environments import SessionEnvironment
from spawners.allowed.offer import CASCADE, Offer, RequestRefused, SessionSize
from spawners.allowed.request import SessionRequest, check_request
from spawners.allowed.settle import settle
from spawners.allowed.ways import Means, offered

NOW = 1_000_000
MESSY = "x'\"\n$(touch /tmp/owned)`id`;--wrap=id<script>é学\u202e"


def size(name: str, max_seconds: int = 3600, **change: Any) -> SessionSize:
    return replace(SessionSize(name, name, "", "gpu", 0, None, 1, 1024, 600, max_seconds, None), **change)


def environment(name: str) -> SessionEnvironment:
    return SessionEnvironment(name, name, "", "/env")


def way(partition: str, account: str | None, qos: str | None, reservation: str | None = None, **more: Any) -> Choice:
    return Choice(partition, account, qos, reservation, more.pop("seconds", None), **more)


OFFER = Offer(
    (size("cpu"), size("gpu1", 7200, max_memory_mib=8192), size("billed", account="project")),
    (environment("standard"), environment("older")),
)
CPU = OFFER.sizes[0]
# Somebody with two accounts, two qualities of service and two partitions; a course with a reservation of its own.
MEANS = Means(
    NOW,
    (
        way("gpu", "team", "normal", default=True),
        way("gpu", "team", "long", seconds=1200),
        way("gpu", "project", "normal"),
        way("fpga", "project", "normal"),
        way("gpu", "team", "normal", "course", seconds=900, clipped_by="reservation"),
        way("fpga", "project", "normal", "lab", seconds=90, clipped_by="reservation", starts=NOW + 50),
    ),
)


def check(means: Means | None = MEANS, **options: Any) -> SessionRequest:
    return check_request(options, OFFER, means)


def refusal(means: Means | None = MEANS, offer: Offer = OFFER, **options: Any) -> str:
    with pytest.raises(RequestRefused) as refused:
        check_request(options, offer, means)
    said = str(refused.value)
    assert len(said) < 250
    assert said.isprintable()
    return said


# ------------------------------------------------------------------------------------------------ sizes and times


@pytest.mark.parametrize(
    ("options", "name", "seconds"),
    [
        ({}, "cpu", 600),
        ({"size": "gpu1"}, "gpu1", 600),
        ({"size": "gpu1", "minutes": 120}, "gpu1", 7200),
        ({"minutes": "5"}, "cpu", 300),
        ({"minutes": ""}, "cpu", 600),
        ({"size": None, "minutes": None}, "cpu", 600),
    ],
)
@pytest.mark.parametrize("means", [MEANS, None])
def test_what_may_be_asked_for(means: Means | None, options: dict[str, Any], name: str, seconds: int) -> None:
    request = check(means, **options)
    assert (request.size.name, request.seconds) == (name, seconds)
    assert (request.partition, request.account, request.qos, request.reservation) == ("gpu", None, None, None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"size": "gpu8"}, "no session size 'gpu8'. Choose one of cpu, gpu1"),
        ({"size": "CPU"}, "no session size"),
        ({"size": " cpu"}, "no session size"),
        ({"size": "cpu\n"}, "no session size 'cpu?'"),
        ({"size": "<script>"}, "no session size '?script?'"),
        ({"size": "x" * 65}, "option 'size' is not usable"),
        ({"size": 1}, "option 'size' is not usable"),
        ({"size": ["cpu"]}, "option 'size' is not usable"),
        ({"size": {"cpu": 1}}, "option 'size' is not usable"),
        ({"minutes": 61}, "size cpu runs for 1 to 60 minutes, not '61'"),
        ({"minutes": 0}, "1 to 60 minutes"),
        ({"minutes": "-1"}, "is not a number of minutes"),
        ({"minutes": "1.5"}, "is not a number of minutes"),
        ({"minutes": "1e3"}, "is not a number of minutes"),
        ({"minutes": "٣"}, "is not a number of minutes"),
        ({"minutes": 10**40}, "1 to 60 minutes"),
        ({"minutes": "9" * 65}, "option 'minutes' is not usable"),
        ({"minutes": True}, "option 'minutes' is not usable"),
        ({"minutes": 1.5}, "option 'minutes' is not usable"),
        ({"cmd": "id"}, "no option 'cmd'. The options are size, minutes, reservation, account, partition, qos, memory"),
        ({"a\nb": 1}, "no option 'a?b'"),
        ({"k" * 500: 1}, "no option '" + "k" * 40 + "'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_may_not_is_refused_in_words(options: dict[str, Any], says: str) -> None:
    assert says in refusal(**options)


@pytest.mark.parametrize("means", [MEANS, None])
@pytest.mark.parametrize("option", [*CASCADE, "memory", "environment", "minutes", "size"])
@pytest.mark.parametrize(
    "value",
    [
        MESSY,
        MESSY * 1_000_000,
        "",
        " ",
        "nobodys",
        "team\n",
        "te am",
        "--qos=long",
        "None",
        "null",
        "0",
        0,
        True,
        1.5,
        [],
        {},
    ],
    ids=lambda value: repr(value)[:20],
)
def test_no_option_takes_what_is_not_offered(option: str, value: Any, means: Means | None) -> None:
    if value == "" and option in ("minutes", "memory"):
        assert check(means, **{option: value}).seconds == 600  # as a browser sends a field that was left empty
        return
    said = refusal(means, **{option: value})
    assert not set('\n$`<>"') & set(said)


# ------------------------------------------------------------------------------------------------ Slurm's choices


@pytest.mark.parametrize(
    ("options", "goes"),
    [
        ({"account": "team"}, ("gpu", "team", None, None)),
        ({"account": "project"}, ("gpu", "project", "normal", None)),
        ({"account": "project", "partition": "fpga"}, ("fpga", "project", "normal", None)),
        ({"qos": "long"}, ("gpu", "team", "long", None)),
        ({"partition": "gpu"}, ("gpu", None, None, None)),
        ({"reservation": "course"}, ("gpu", "team", "normal", "course")),
        # A reservation may be on another account, and in another partition, than what a person usually has.
        ({"reservation": "lab"}, ("fpga", "project", "normal", "lab")),
        ({"size": "billed"}, ("gpu", "project", "normal", None)),
        ({"size": "billed", "account": "team"}, ("gpu", "team", None, None)),
        ({"size": "billed", "reservation": "course"}, ("gpu", "team", "normal", "course")),
    ],
)
def test_where_it_goes(options: dict[str, Any], goes: tuple[str | None, ...]) -> None:
    request = check(**options)
    assert (request.partition, request.account, request.qos, request.reservation) == goes


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"account": "theirs"}, "The account 'theirs' is not yours to use. Choose one of team, project."),
        ({"partition": "admin"}, "The partition 'admin' is not yours to use. Choose one of gpu."),
        ({"partition": "fpga"}, "The partition 'fpga' does not go with your usual account. Choose one of gpu."),
        ({"account": "project", "qos": "long"}, "service 'long' does not go with the account 'project'. Choose one of"),
        ({"reservation": "exam"}, "The reservation 'exam' is not yours to use. Choose one of course, lab."),
        ({"reservation": "lab", "account": "team"}, "account 'team' does not go with the reservation 'lab'."),
    ],
)
def test_what_is_not_this_persons_is_refused(options: dict[str, Any], says: str) -> None:
    assert says in refusal(**options)


@pytest.mark.parametrize("key", CASCADE)
def test_a_site_may_keep_a_choice_to_itself(key: str) -> None:
    closed = replace(OFFER, choices=frozenset(CASCADE) - {key})
    value = {"reservation": "course", "account": "team", "partition": "gpu", "qos": "normal"}[key]
    assert "This site does not let people choose the" in refusal(offer=closed, **{key: value})
    assert check_request({}, closed, MEANS).partition == "gpu"


@pytest.mark.parametrize("key", CASCADE)
def test_while_slurm_is_silent_nothing_of_its_is_chosen(key: str) -> None:
    assert "Slurm does not say at the moment which" in refusal(None, **{key: "team"})
    assert check(None, size="billed").account == "project"


def test_who_may_use_nothing_is_told_so() -> None:
    nothing = Means(NOW, ())
    assert "No partition that you may use has nodes for size cpu" in refusal(nothing)
    elsewhere = Means(NOW, (way("fpga", "team", "normal", default=True),))
    assert "You may not use the partition gpu, which size cpu takes. Choose one of fpga." in refusal(elsewhere)
    reserved = Means(NOW, (way("gpu", "team", "normal", "course"),))
    assert "You may start size cpu in a reservation only. Choose one of course." in refusal(reserved)
    assert check(reserved, reservation="course").reservation == "course"
    assert "account project, which size billed takes" in refusal(replace(MEANS, ways=MEANS.ways[:2]), size="billed")


def test_without_accounts_in_slurm_the_sizes_serves() -> None:
    unknown = Means(NOW, (way("gpu", None, None, default=True),))
    assert check(unknown, size="billed").account == "project"
    assert check(unknown).account is None
    assert "account 'project' is not yours" in refusal(unknown, account="project")


def test_a_partition_whose_nodes_cannot_hold_the_size_is_none() -> None:
    means = replace(MEANS, holds={"cpu": frozenset({"gpu"}), "gpu1": frozenset({"gpu"})})
    assert "partition 'fpga' has no nodes for size cpu" in refusal(means, account="project", partition="fpga")
    assert "reservation 'lab' has no nodes for size gpu1" in refusal(means, size="gpu1", reservation="lab")
    assert check(means, size="billed", partition="fpga").partition == "fpga"
    nowhere = replace(MEANS, holds={"cpu": frozenset[str]()})
    assert "No partition that you may use has nodes for size cpu" in refusal(nowhere)


def test_what_is_offered_follows_what_was_chosen_before_it() -> None:
    usual: dict[str, list[str | None]] = {
        "reservation": [None, "course", "lab"],
        "account": ["team", "project"],
        "partition": ["gpu"],
        "qos": ["normal", "long"],
    }
    assert offered({}, CPU, MEANS) == usual
    assert offered({"qos": "long"}, CPU, MEANS) == usual
    assert offered({"account": "project"}, CPU, MEANS) == {
        **usual,
        "partition": ["gpu", "fpga"],
        "qos": ["normal"],
    }
    assert offered({"reservation": "lab"}, CPU, MEANS) == {
        **usual,
        "account": ["project"],
        "partition": ["fpga"],
        "qos": ["normal"],
    }
    # Where even the usual may not be had, the choice goes down to what is at fault.
    reserved = Means(NOW, (way("gpu", "team", "normal", "course"),))
    assert offered({}, CPU, reserved) == {"reservation": [None, "course"]}
    assert offered({}, OFFER.sizes[2], MEANS)["account"] == ["project", "team"]


# ------------------------------------------------------------------------------------------------ time


def test_the_usual_time_is_cut_to_what_is_left_of_a_reservation() -> None:
    request = check(reservation="lab")
    assert (request.seconds, request.longest.seconds, request.longest.because) == (60, 90, "reservation")
    assert request.longest.until == NOW + 50 + 90
    assert check(reservation="course").seconds == 600
    assert check(reservation="course", minutes=15).seconds == 900
    assert "A session in the reservation course runs for 1 to 15 minutes, not '16'" in refusal(
        reservation="course", minutes=16
    )


def test_slurms_own_limit_is_shorter_than_the_sizes() -> None:
    assert check(qos="long").longest.because == "limits"
    said = refusal(qos="long", minutes=21)
    assert said == "Slurm lets you run a session like this for 1 to 20 minutes, not '21'. Ask for a shorter time."
    assert check(qos="long", minutes=20).seconds == 1200


def test_a_maintenance_ends_it() -> None:
    soon = Means(NOW, (way("gpu", None, None, seconds=30, clipped_by="maintenance", default=True),))
    hour = Means(NOW, (way("gpu", None, None, seconds=3599, clipped_by="maintenance", default=True),))
    said = refusal(hour, minutes=60)
    assert "Until the maintenance of the nodes a session runs for 1 to 59 minutes, not '60'." in said
    assert "A maintenance of the nodes begins within a minute." in refusal(soon)


def test_a_session_that_runs_already_has_what_is_left_beside_what_it_had() -> None:
    running = replace(MEANS, began=NOW - 600)
    assert check(running, reservation="course").longest.seconds == 600 + 900
    assert check(running, qos="long").longest.seconds == 1200, "a length of time counts from the beginning"
    long_ago = replace(MEANS, began=NOW - 3000)
    assert check(long_ago, reservation="course").longest.because == "size"


def test_a_limit_longer_than_the_sizes_changes_nothing() -> None:
    assert check(Means(NOW, (way("gpu", None, None, seconds=90_000, default=True),))).longest.because == "size"


# ------------------------------------------------------------------------------------------------ memory, environment


@pytest.mark.parametrize(
    ("memory", "mib"),
    [
        ("6G", 6144),
        ("6", 6144),
        (6, 6144),
        ("1536M", 1536),
        ("1.5 GB", 1536),
        ("1536 MiB", 1536),
        ("8g", 8192),
        ("0.5", 512),
        ("", 1024),
        (None, 1024),
    ],
)
def test_an_amount_of_memory(memory: Any, mib: int) -> None:
    assert check(size="gpu1", memory=memory).memory_mib == mib


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"memory": "9G"}, "size gpu1 has 0.5 to 8 GB memory, not '9G'"),
        ({"memory": "511M"}, "0.5 to 8 GB memory"),
        ({"memory": "1T"}, "0.5 to 8 GB memory"),
        ({"memory": "0"}, "0.5 to 8 GB memory"),
        ({"memory": "-1"}, "'-1' is not an amount of memory. Write it like 6G or 1536M."),
        ({"memory": "1e3"}, "is not an amount of memory"),
        ({"memory": "٣G"}, "is not an amount of memory"),
        ({"memory": "nan"}, "is not an amount of memory"),
        ({"memory": 10**40}, "is not an amount of memory"),
        ({"memory": "6G", "size": "cpu"}, "The memory of size cpu is 1 GB"),
        ({"environment": "newest"}, "There is no environment 'newest'. Choose one of standard, older."),
    ],
)
def test_an_amount_that_is_none(options: dict[str, Any], says: str) -> None:
    assert says in refusal(**{"size": "gpu1", **options})


def test_the_environment() -> None:
    assert check().environment.name == "standard"
    assert check(environment="older").environment.name == "older"


# ------------------------------------------------------------------------------------------------ what is left


@pytest.mark.parametrize(
    ("options", "left", "out"),
    [
        ({"size": "gpu1", "minutes": 100}, {"size": "gpu1", "minutes": 100}, {}),
        ({"size": "cpu", "minutes": 100}, {"size": "cpu"}, {"minutes": "1 to 60 minutes"}),
        ({"size": "gone", "account": "project"}, {"account": "project"}, {"size": "no session size 'gone'"}),
        ({"reservation": "over", "qos": "long"}, {"qos": "long"}, {"reservation": "'over' is not yours"}),
        (
            {"account": "gone", "partition": "fpga"},
            {},
            {"account": "'gone' is not yours", "partition": "'fpga' does not go with"},
        ),
        ({"cmd": "id", "qos": ""}, {}, {}),
        ({"size": MESSY * 1000, "minutes": 5}, {"minutes": 5}, {"size": "option 'size' is not usable"}),
        ({"size": "cpu", "memory": "8G"}, {"size": "cpu"}, {"memory": "The memory of size cpu is 1 GB"}),
    ],
)
def test_as_much_as_may_still_be_had_is_kept(
    options: dict[str, Any], left: dict[str, Any], out: dict[str, str]
) -> None:
    found, said = settle(options, OFFER, MEANS)
    assert found == left
    assert said.keys() == out.keys()
    assert all(out[key] in sentence for key, sentence in said.items())


def test_who_may_have_nothing_is_told_so() -> None:
    said = {"size": "No partition that you may use has nodes for size cpu."}
    assert settle({"size": "cpu", "minutes": 5}, OFFER, Means(NOW, ())) == ({"minutes": 5}, said)


def test_a_reservation_that_is_about_to_end_is_left() -> None:
    ending = Means(NOW, (*MEANS.ways, way("gpu", "team", "normal", "old", seconds=30, clipped_by="reservation")))
    left, out = settle({"reservation": "old", "minutes": 5}, OFFER, ending)
    assert left == {"minutes": 5}
    assert out == {"reservation": "The reservation old ends within a minute."}
