"""slurmrestd's answers: of each what is read, in the shapes of every version that Campus knows.

Source: slurmrestd's own description of itself (``/openapi/v3``).
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field


def number(value: Any) -> Any:
    """A number, or since v0.0.39 ``{"set": true, "infinite": false, "number": 60}``; None where it is not set."""
    if not isinstance(value, dict):
        return value
    return value.get("number") if value.get("set") is True and value.get("infinite") is False else None


def _words(value: Any) -> Any:
    """A word, or since v0.0.39 a list of a state and its flags."""
    return [value] if isinstance(value, str) else value


def _text(value: Any) -> Any:
    return "" if value is None else value


A = TypeVar("A", bound="Answer")
Number = Annotated[int | None, BeforeValidator(number)]
Text = Annotated[str, BeforeValidator(_text)]
Words = Annotated[list[str], BeforeValidator(_words), Field(min_length=1)]


class Part(BaseModel):
    """Of what slurmrestd sends, the fields that are read; these are as they should be."""

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class Problem(Part):
    """One of an answer's errors; versions and calls differ in what they call its number (slurm_errno.h)."""

    code: int = Field(default=0, validation_alias=AliasChoices("error_number", "error_code", "errno", "code"))
    error: Text = Field(default="", validation_alias=AliasChoices("error", "message"))
    description: Text = ""

    @property
    def sentence(self) -> str:
        """Slurm's own, without its full stop."""
        return (self.error or self.description).strip().rstrip(".")


class Answer(Part):
    errors: list[Problem] = []

    @property
    def problems(self) -> list[Problem]:
        """All that went wrong."""
        return self.errors


class Submitted(Answer):
    """Slurm took the job, whatever else it says of it."""

    job_id: int = Field(gt=0)


class _Status(Part):
    error: Problem


class Cancelled(Answer):
    """Since v0.0.41 what went wrong with the job stands apart from what went wrong with the request."""

    status: list[_Status] = []

    @property
    def problems(self) -> list[Problem]:
        return [*self.errors, *(status.error for status in self.status if status.error.code)]


class _Statistics(Part):
    req_time: Annotated[int, BeforeValidator(number)]


class Diagnosis(Answer):
    statistics: _Statistics


def parse_answer(kind: type[A], text: str) -> A | Answer | None:
    """The answer in a text; an Answer of no kind where it holds errors alone, None where it is no answer at all."""
    try:
        found = json.loads(text)
        failed = Answer.model_validate(found)
        # Errors beside a job's id: Slurm took the job, and says why it has to wait.
        return failed if failed.errors and not found.get("job_id") else kind.model_validate(found)
    except (ValueError, RecursionError):  # a ValidationError is a ValueError
        return None
