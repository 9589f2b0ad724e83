"""What the shapes of the API share: frozen models, instants, money, names and pages."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from remit.server.asked import NO_NUL
from remit.values.money import format_usd

MAX_PAGE = 200  # rows of one answer; a cursor gives the next
MAX_ID = 700  # a sub-run's id holds its ancestors' calls: `values.ids.MAX_DEPTH_CHARS` and more
_FREE = 2_000  # a reason, a comment: a page of text
# What neither a database nor a terminal can hold: NUL, and what is no character.
_UNFIT = re.compile("[\x00\ud800-\udfff]")


class Shape(BaseModel):
    """Frozen; an unknown field is an error, so that a slip is not silently nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)


def _fit(text: str) -> str:
    if _UNFIT.search(text):
        raise ValueError("NUL and lone surrogates cannot be stored")
    return text


Name = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$", max_length=128)
]
"""Of a tenant, user, session, agent, label."""
_TOLD = Field(json_schema_extra={"pattern": NO_NUL})
Id = Annotated[str, StringConstraints(max_length=MAX_ID), AfterValidator(_fit), _TOLD]
Words = Annotated[str, StringConstraints(max_length=_FREE), AfterValidator(_fit), _TOLD]
"""A reason or a comment."""
Text = Annotated[str, AfterValidator(_fit), _TOLD]


def _iso_day(text: str) -> str:
    try:
        same = date.fromisoformat(text).isoformat() == text
    except ValueError:
        same = False
    if not same:
        raise ValueError("a day is written as 2026-11-21")
    return text


Day = Annotated[str, AfterValidator(_iso_day), Field(json_schema_extra={"format": "date"})]
"""Of UTC."""
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="Rows of one answer.")]


def instant(ms: int) -> datetime:
    """Unix milliseconds as an instant, which JSON shows as RFC 3339 in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def instant_or_none(ms: int | None) -> datetime | None:
    """The same, where there is one."""
    return None if ms is None else instant(ms)


def usd(nano: int) -> str:
    """Dollars, exact, as a decimal number in text: `0.0123`."""
    return format_usd(nano, 2).replace("$", "")
