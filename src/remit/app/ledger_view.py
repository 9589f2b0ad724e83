"""What people ask of the ledger: who used how much of what, on which days, in which session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypedDict, cast, get_args

from typing_extensions import Unpack

from remit.errors import UsageError
from remit.runtime.ledger import Ledger
from remit.values.ledger import (
    FIELDS,
    NOTHING,
    Amounts,
    LedgerField,
    LedgerFilter,
)

By = LedgerField | Literal["session"]
BY: tuple[By, ...] = (*FIELDS, *get_args(Literal["session"]))
# Rows of one answer; what has more is asked by fewer fields or fewer days.
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """What was used under these names, such as `{"tenant": "acme", "day": "2026-11-21"}`."""

    names: Mapping[str, str]
    amounts: Amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """Rows, and what all of them come to, those that were left out too."""

    by: tuple[str, ...]
    rows: tuple[LedgerRow, ...]
    total: Amounts
    more: bool
    """There are more rows than were asked for."""


class Wanted(TypedDict, total=False):
    """What an answer is limited to; days are of UTC, as 2026-11-21, since and until inclusive."""

    user: str | None
    agent: str | None
    model: str | None
    day: str | None
    since: str | None
    until: str | None


def ledger_filter(tenant: str | None = None, **wanted: Unpack[Wanted]) -> LedgerFilter:
    """Which entries are meant. Raises `UsageError` for what is no day."""
    day, since, until = wanted.get("day"), wanted.get("since"), wanted.get("until")
    if day is not None and (since is not None or until is not None):
        raise UsageError("say either one day, or since and until")
    for name, text in (("day", day), ("since", since), ("until", until)):
        if text is not None:
            _check_day(name, text)
    return LedgerFilter(
        tenant=tenant,
        user=wanted.get("user"),
        agent=wanted.get("agent"),
        model=wanted.get("model"),
        since=since if day is None else day,
        until=until if day is None else day,
    )


def _check_day(name: str, text: str) -> None:
    try:
        same = date.fromisoformat(text).isoformat() == text
    except ValueError:
        same = False
    if not same:
        raise UsageError(f"{name} {text!r}: a day is written as 2026-11-21")


async def view_ledger(
    ledger: Ledger, by: Sequence[str], where: LedgerFilter, limit: int
) -> LedgerView:
    """The view of all that was settled until now. Raises `UsageError`, `StoreError`.

    By session the runs of that time are read one by one; everything else is summed already.
    """
    fields = _fields(by)
    if not 1 <= limit <= MOST_ROWS:
        raise UsageError(f"limit {limit}: it is between 1 and {MOST_ROWS}")
    if "session" in fields:
        return await _by_session(ledger, fields, where, limit)
    known = cast("tuple[LedgerField, ...]", fields)
    found = await ledger.read(known, where, limit + 1)
    rows = [
        LedgerRow(names={name: getattr(each.key, name) for name in fields}, amounts=each.amounts)
        for each in found
    ]
    total = await ledger.total(where)
    return LedgerView(by=fields, rows=tuple(rows[:limit]), total=total, more=len(rows) > limit)


def _fields(by: Sequence[str]) -> tuple[By, ...]:
    unknown = [name for name in by if name not in BY]
    if unknown or len(set(by)) != len(by):
        raise UsageError(f"by {', '.join(by)}: say different ones of {', '.join(BY)}")
    return cast("tuple[By, ...]", tuple(by))


async def _by_session(
    ledger: Ledger, fields: tuple[By, ...], where: LedgerFilter, limit: int
) -> LedgerView:
    # Names of sessions are the tenant's own: the same one of two tenants is two.
    named = fields if "tenant" in fields else ("tenant", *fields)
    found: dict[tuple[str, ...], Amounts] = {}
    total = NOTHING
    async for charge in ledger.charges(where):
        if charge.kind == "correction" and not charge.who.session:
            continue
        names = tuple(
            charge.who.session if name == "session" else str(getattr(charge.key, name))
            for name in named
        )
        found[names] = found.get(names, NOTHING) + charge.amounts
        total += charge.amounts
    rows = [
        LedgerRow(names=dict(zip(named, names, strict=True)), amounts=found[names])
        for names in sorted(found)
    ]
    return LedgerView(by=named, rows=tuple(rows[:limit]), total=total, more=len(rows) > limit)
