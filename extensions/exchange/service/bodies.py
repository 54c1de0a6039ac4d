"""What comes in as JSON, checked once: unknown keys, wrong types and odd numbers are refused."""

from __future__ import annotations

import datetime
import json
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from extensions.exchange.names import PERSON
from extensions.exchange.refusals import Refused
from extensions.exchange.service.clock import text

_CARD_BYTES = 16 * 1024
_CELLS_BYTES = 256 * 1024
_TOLD = 100  # mistakes: to tell of one, pydantic makes objects of all


def _small(limit: int) -> AfterValidator:
    def check(value: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(value)) > limit:
            raise ValueError(f"must be {limit // 1024} KiB or less")
        return value

    return AfterValidator(check)


Title = Annotated[str, Field(min_length=1, max_length=200)]
Person = Annotated[str, Field(pattern=f"^{PERSON}$")]
Name = Annotated[str, Field(max_length=200)]
Points = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Minutes = Annotated[int, Field(ge=1, le=525_600)]
Attempts = Annotated[int, Field(ge=0, le=10_000)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, ser_json_inf_nan="constants")


class Course(Body):
    title: Title
    enrolment: Literal["listed", "open"] = "listed"
    card: Annotated[dict[str, Any], _small(_CARD_BYTES)] = {}


class LatePolicy(Body):
    accept_days: Annotated[float, Field(ge=0, le=366, allow_inf_nan=False)] | None = None
    penalty_per_day: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0


class Policy(Body):
    title: Title
    opens: AwareDatetime | None = None
    due: AwareDatetime | None = None
    minutes: Minutes | None = None
    attempts: Annotated[int, Field(ge=1, le=10_000)] | None = None
    late_policy: LatePolicy = LatePolicy()
    points: Points | None = None
    grade_on_submit: bool = False
    session_size: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")] | None = None
    weight: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 1.0

    @model_validator(mode="after")
    def _in_order(self) -> Policy:
        if self.opens and self.due and self.opens >= self.due:
            raise ValueError("must open before it is due")
        return self

    def shown(self) -> dict[str, Any]:
        """As it is answered: times as texts of one kind."""
        return self.model_dump() | {"opens": self.opens and text(self.opens), "due": self.due and text(self.due)}


class Extension(Body):
    due: AwareDatetime | None = None
    minutes: Minutes | None = None
    attempts: Attempts | None = None
    note: Annotated[str, Field(max_length=2000)] = ""


class Grade(Body):
    score: Points
    max_score: Points
    cells: Annotated[dict[str, Any], _small(_CELLS_BYTES)] = {}
    causes: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=100)] = []
    released: bool = False

    @model_validator(mode="after")
    def _within(self) -> Grade:
        if self.score > self.max_score:
            raise ValueError("must have a score of max_score or less")
        return self


class Names(Body):
    first_name: Name = ""
    last_name: Name = ""
    email: Name = ""


class Listed(Names):
    id: Person


T = TypeVar("T", bound=Body)


def first_mistake(error: ValidationError) -> str:
    if error.error_count() > _TOLD:
        return f"it has {error.error_count()} mistakes"
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def malformed(says: str) -> Refused:
    return Refused("bad-request", f"The request is not as the API wants it: {says}.", "See the API's description.")


def parse(kind: type[T], body: bytes) -> T:
    """The body as this kind. Raises Refused (400) naming the first key that is wrong."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise malformed(first_mistake(error)) from None


def as_utc(at: datetime.datetime | None) -> str | None:
    return text(at) if at else None
