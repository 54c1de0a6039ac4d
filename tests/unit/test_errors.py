"""The one error for people."""

from __future__ import annotations

import pytest

from campus_base.errors import CampusError


def test_an_error_says_what_is_wrong_and_what_to_do() -> None:
    error = CampusError("port-in-use", "Port 8000 is taken.", "Stop that program.", detail="pid 4711")
    assert str(error) == "Port 8000 is taken. Stop that program."
    assert (error.code, error.message, error.remedy) == (
        "port-in-use",
        "Port 8000 is taken.",
        "Stop that program.",
    )


def test_the_detail_is_for_the_log_only() -> None:
    error = CampusError("port-in-use", "Port 8000 is taken.", "Stop that program.", detail="pid 4711")
    assert error.detail == "pid 4711"
    assert error.as_dict() == {
        "code": "port-in-use",
        "message": "Port 8000 is taken.",
        "remedy": "Stop that program.",
    }
    assert "4711" not in f"{error} {error!r} {error.as_dict()}"


def test_an_error_is_an_exception_with_its_message() -> None:
    with pytest.raises(CampusError, match="Port 8000 is taken") as caught:
        raise CampusError("port-in-use", "Port 8000 is taken.", "Stop that program.")
    assert caught.value.args == ("Port 8000 is taken.",)
    assert caught.value.detail == ""
