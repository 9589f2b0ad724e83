"""Hours of the week in which a rule holds, in the tenant's local time."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


class Hours(BaseModel):
    """From `start` until before `end` on these days; an end before the start is on the next day.

    `Hours(days=("fri",), start="22:00", end="02:00")` ends on Saturday.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: tuple[Day, ...] = Field(default=WEEK, min_length=1)
    start: str = "00:00"
    end: str = "24:00"

    @field_validator("start", "end")
    @classmethod
    def _time(cls, text: str) -> str:
        if _TIME.fullmatch(text) is None:
            raise ValueError(f"{text!r} is no time of day: write it as 08:30")
        return text

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.start in (self.end, "24:00"):
            raise ValueError(f"from {self.start} until {self.end} is no time at all")
        return self

    def holds(self, weekday: int, minute: int) -> bool:
        """Whether a minute of a day (0 is Monday) lies in these hours."""
        start, end = _minutes(self.start), _minutes(self.end)
        if start < end:
            return WEEK[weekday] in self.days and start <= minute < end
        late = WEEK[weekday] in self.days and minute >= start
        return late or (WEEK[weekday - 1] in self.days and minute < end)
