"""Who the people are that may be asked: their roles, their other names, their quiet hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from remit.policy.approvers import is_among
from remit.policy.hours import Hours
from remit.values.windows import Calendar

_MINUTE_MS = 60_000
_WEEK_MINUTES = 7 * 24 * 60


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(_Frozen):
    """A human who approves or answers.

    also: other principals that are this human, as `local:ann` at a terminal or `slack:U024BE7LH`.
    quiet: when nothing is told to them.
    """

    roles: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    quiet: tuple[Hours, ...] = ()


class Role(_Frozen):
    """What everyone of a role has in common."""

    quiet: tuple[Hours, ...] = Field(default=(), description="When nothing is told to them.")


@dataclass(frozen=True, slots=True)
class Roster:
    """All people and roles that are declared."""

    people: Mapping[str, Person] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)

    def problem(self) -> str:
        """What is wrong with it; empty where nothing is."""
        seen: dict[str, str] = {}
        for name, person in self.people.items():
            for principal in (name, *person.also):
                if not principal.strip():
                    return f"people.{name}: an empty name is nobody's"
                if seen.setdefault(principal, name) != name:
                    return f"people.{name}: {principal!r} is {seen[principal]!r} already"
        return ""

    def person_of(self, principal: str) -> str:
        """The person that a principal is, else the principal itself."""
        if principal in self.people:
            return principal
        known = (name for name, person in self.people.items() if principal in person.also)
        return next(known, principal)

    def roles_of(self, person: str) -> tuple[str, ...]:
        """The roles of a person; nobody who is not declared has any."""
        known = self.people.get(person)
        return () if known is None else known.roles

    def having(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Everyone who has one of these roles."""
        wanted = set(roles)
        return tuple(name for name, each in self.people.items() if wanted & set(each.roles))

    def meant(self, approvers: Iterable[str]) -> tuple[str, ...]:
        """Everyone whom a list of approvers means, those that are only named there too."""
        entries = tuple(approvers)
        named = tuple(entry for entry in entries if is_among(entries, entry, ()))
        others = (
            name
            for name in self.people
            if name not in named and is_among(entries, name, self.roles_of(name))
        )
        return (*named, *others)

    def quiet_of(self, person: str) -> tuple[Hours, ...]:
        """A person's own quiet hours, and those of all their roles where they have none."""
        known = self.people.get(person)
        if known is None:
            return ()
        shared = (self.roles[role].quiet for role in known.roles if role in self.roles)
        return known.quiet or tuple(hours for each in shared for hours in each)


def quiet_until(quiet: tuple[Hours, ...], calendar: Calendar, now_ms: int) -> int | None:
    """When the quiet hours that hold now are over; None where none hold.

    A week at most is looked at: who is quiet all week is told after one.
    """
    at_ms = now_ms
    for _ in range(_WEEK_MINUTES):
        weekday, minute = calendar.time_of_week(at_ms)
        if not any(hours.holds(weekday, minute) for hours in quiet):
            break
        at_ms = (at_ms // _MINUTE_MS + 1) * _MINUTE_MS
    return None if at_ms == now_ms else at_ms
