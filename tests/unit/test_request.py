from __future__ import annotations

from typing import Any

import pytest

from spawners.request import RequestRefused, SessionSize, check_request


def size(name: str, max_seconds: int = 3600) -> SessionSize:
    return SessionSize(name, name, "", "gpu", 0, None, 1, 1024, 600, max_seconds, None)


SIZES = (size("cpu"), size("gpu1", 7200))


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
def test_what_may_be_asked_for(options: dict[str, Any], name: str, seconds: int) -> None:
    request = check_request(options, SIZES)
    assert (request.size.name, request.seconds) == (name, seconds)


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
        ({"partition": "gpu"}, "no option 'partition'. The options are size and minutes"),
        ({"cmd": "id"}, "no option 'cmd'"),
        ({"a\nb": 1}, "no option 'a?b'"),
        ({"k" * 500: 1}, "no option '" + "k" * 40 + "'"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_may_not_is_refused_in_words(options: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        check_request(options, SIZES)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 250
    assert str(refused.value).isprintable()
