"""Compares our ledger of a day with what the provider reports: lines, differences, reasons."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from remit.projections.daily_use import DayUse, Doubt, ModelUse
from remit.projections.model_names import same_names
from remit.values.money import format_usd
from remit.values.statement import (
    DAY,
    OUTPUT,
    READ,
    TOKENS,
    UNCACHED,
    WRITE,
    WRITE_1H,
    WRITE_5M,
    Statement,
    TokenClass,
    day_of,
    start_ms,
)
from remit.values.usage import Usage

LineState = Literal["matched", "missing_here", "missing_there", "differing"]
Unit = Literal["tokens", "nano"]
COST = "cost"
"""The line of a model's money."""

_ORDER: tuple[TokenClass, ...] = (UNCACHED, READ, WRITE, WRITE_5M, WRITE_1H, OUTPUT)
_WRITES: tuple[TokenClass, ...] = (WRITE, WRITE_5M, WRITE_1H)
_INPUTS: tuple[TokenClass, ...] = (UNCACHED, READ, *_WRITES)
PPM = 1_000_000
_NO_TOKENS = Usage()
CLOSED_AFTER = 2 * DAY
"""From the first instant of a day until its rows count as complete: the day after next begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a line may be off; the widest of the limits for its unit holds."""

    tokens: int = 0
    ppm: int = 0
    """Millionths of the larger side, for tokens and money."""
    nano: int = 10_000_000  # a cent: what reports are rounded to, and where our rounding up goes

    def allows(self, here: int, there: int, unit: Unit) -> bool:
        """Whether the difference is none to speak of."""
        off = abs(here - there)
        fixed = self.tokens if unit == "tokens" else self.nano
        return off <= fixed or off * PPM <= self.ppm * max(abs(here), abs(there))


EXACT = Tolerance()
"""Every token counts; money is compared to the cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One model and token class, or its money, on both sides."""

    model: str
    """The provider's name; empty for what belongs to no model."""
    what: str
    """A token class, `COST`, or the provider's words for something else."""
    unit: Unit
    here: int
    there: int
    state: LineState
    why: str = ""
    """What explains the difference, if something does; then it is not beyond tolerance."""

    @property
    def beyond(self) -> bool:
        """Whether somebody must look at it."""
        return self.state != "matched" and not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A call in doubt whose true cost the report shows; for a new entry in the ledger."""

    doubt: Doubt
    billed: int
    """Nano-dollars the provider billed."""
    usage: Usage = _NO_TOKENS
    """The tokens it billed."""

    @property
    def change(self) -> int:
        """What the new entry adds to the ledger; negative where too much was assumed."""
        return self.billed - self.doubt.nano


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """A day compared."""

    provider: str
    source: str
    day: date
    closed: bool
    """False: provisional, rows may still come."""
    lines: tuple[Line, ...]
    corrections: tuple[Correction, ...] = ()
    hints: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """No line is beyond tolerance."""
        return not any(line.beyond for line in self.lines)

    def count(self, state: LineState) -> int:
        """Lines in this state."""
        return sum(line.state == state for line in self.lines)


def closes_ms(day: date) -> int:
    """When a day's rows count as complete (Unix, ms)."""
    return start_ms(day + CLOSED_AFTER)


def last_closed(now_ms: int) -> date:
    """The newest day whose rows count as complete."""
    return day_of(now_ms) - CLOSED_AFTER


def is_closed(statement: Statement, now_ms: int) -> bool:
    """Whether rows for the day can no longer be expected."""
    if statement.refreshed_ms is not None and statement.refreshed_ms < start_ms(
        statement.day + DAY
    ):
        return False  # the report itself says that it does not reach to the day's end
    return now_ms >= closes_ms(statement.day)


def compare(use: DayUse, statement: Statement, tolerance: Tolerance, now_ms: int) -> Reconciliation:
    """Both sides, line by line."""
    theirs = {line.model for line in statement.tokens}
    theirs |= {line.model for line in statement.costs or () if line.item == TOKENS}
    shown = same_names(use.models, theirs)
    ours = _ours(use, shown)
    told = _told(statement, shown)
    lines: list[Line] = []
    corrections: list[Correction] = []
    closed = is_closed(statement, now_ms)
    silent = _Told(nano=None if statement.costs is None else 0)
    for model in sorted(ours.keys() | told.keys()):
        mine, billed = ours.get(model, ModelUse()), told.get(model, silent)
        found = _lines(model, mine, billed, tolerance)
        doubts = [doubt for doubt in use.doubts.values() if shown[doubt.model] == model]
        found, settled = _explain(found, mine, billed, doubts)
        lines.extend(found)
        if closed:  # what is still to come could prove a correction wrong
            corrections.extend(settled)
    lines.extend(_other_costs(statement, tolerance))
    return Reconciliation(
        provider=statement.provider,
        source=statement.source,
        day=statement.day,
        closed=closed,
        lines=tuple(lines),
        corrections=tuple(corrections),
        hints=_hints(use, statement),
    )


# ---------------------------------------------------------------- both sides in one shape


@dataclass(slots=True)
class _Told:
    """What the provider reports of one model."""

    tokens: dict[str, int] | None = None
    nano: int | None = None


def _ours(use: DayUse, shown: Mapping[str, str]) -> dict[str, ModelUse]:
    merged: dict[str, ModelUse] = {}
    for name, model in use.models.items():
        into = merged.setdefault(shown[name], ModelUse())
        into.calls += model.calls
        into.nano += model.nano
        into.assumed_calls += model.assumed_calls
        into.assumed_nano += model.assumed_nano
        into.assumed_input += model.assumed_input
        into.assumed_output += model.assumed_output
        into.midnight_calls += model.midnight_calls
        for token_class, count in model.tokens.items():
            into.tokens[token_class] = into.tokens.get(token_class, 0) + count
    return merged


def _told(statement: Statement, shown: Mapping[str, str]) -> dict[str, _Told]:
    merged: dict[str, _Told] = {}
    for line in statement.tokens:
        told = merged.setdefault(shown[line.model], _Told())
        told.tokens = told.tokens or {}
        told.tokens[line.token_class] = told.tokens.get(line.token_class, 0) + line.tokens
    if statement.costs is None:
        return merged
    for told in merged.values():
        told.nano = 0
    for cost in statement.costs:
        if cost.item == TOKENS:
            told = merged.setdefault(shown[cost.model], _Told())
            told.nano = (told.nano or 0) + cost.nano
    return merged


# ---------------------------------------------------------------- lines


def _lines(model: str, mine: ModelUse, told: _Told, tolerance: Tolerance) -> list[Line]:
    here: dict[str, int] = dict(mine.tokens.items())
    there = dict(told.tokens or {})
    if here.get(WRITE, 0) or there.get(WRITE, 0):
        here, there = _joined(here), _joined(there)  # one side does not tell for how long
    unknown = sorted((here.keys() | there.keys()) - set(_ORDER))
    found = [
        line(model, name, "tokens", here.get(name, 0), there.get(name, 0), tolerance)
        for name in (*_ORDER, *unknown)
        if name in unknown or here.get(name, 0) or there.get(name, 0)
    ]
    if told.nano is not None and (mine.nano or told.nano):
        found.append(line(model, COST, "nano", mine.nano, told.nano, tolerance))
    return found


def _joined(counts: Mapping[str, int]) -> dict[str, int]:
    rest = {name: count for name, count in counts.items() if name not in _WRITES}
    return rest | {WRITE: sum(counts.get(name, 0) for name in _WRITES)}


def line(model: str, what: str, unit: Unit, here: int, there: int, tolerance: Tolerance) -> Line:
    """One line with its state."""
    state: LineState = "differing"
    if tolerance.allows(here, there, unit):
        state = "matched"
    elif not here:
        state = "missing_here"
    elif not there:
        state = "missing_there"
    return Line(model=model, what=what, unit=unit, here=here, there=there, state=state)


def _other_costs(statement: Statement, tolerance: Tolerance) -> list[Line]:
    sums: dict[tuple[str, str], int] = {}
    for cost in statement.costs or ():
        if cost.item != TOKENS:
            key = (cost.model, cost.item)
            sums[key] = sums.get(key, 0) + cost.nano
    return [
        line(model, item, "nano", 0, nano, tolerance)
        for (model, item), nano in sorted(sums.items())
    ]


# ---------------------------------------------------------------- calls in doubt


def _explain(
    lines: list[Line], mine: ModelUse, told: _Told, doubts: list[Doubt]
) -> tuple[list[Line], list[Correction]]:
    """What calls in doubt explain, and what the report says about them."""
    if not mine.assumed_calls:
        return lines, []
    whole = len(doubts) == mine.assumed_calls
    counts = told.tokens or {}
    more_input = sum(counts.get(name, 0) - mine.tokens.get(name, 0) for name in _INPUTS)
    more_output = counts.get(OUTPUT, 0) - mine.tokens.get(OUTPUT, 0)
    if all(each.state == "matched" for each in lines):
        # Without them both sides agree: the provider billed none of them.
        return lines, [Correction(doubt=each, billed=0) for each in doubts] if whole else []
    fits = 0 <= more_input <= mine.assumed_input and 0 <= more_output <= mine.assumed_output
    if not fits or any(each.there < each.here and each.state != "matched" for each in lines):
        return lines, []
    calls = "a call" if mine.assumed_calls == 1 else f"{mine.assumed_calls} calls"
    why = f"{calls} in doubt, posted as assumed, may have been billed"
    if told.nano is not None and told.nano - mine.nano > mine.assumed_nano:
        return lines, []  # more money than the worst case of all of them
    explained = [each if each.state == "matched" else replace(each, why=why) for each in lines]
    if whole and len(doubts) == 1 and told.nano is not None:
        usage = _more(mine.tokens, counts)
        return explained, [Correction(doubt=doubts[0], billed=told.nano - mine.nano, usage=usage)]
    return explained, []


def _more(here: Mapping[TokenClass, int], there: Mapping[str, int]) -> Usage:
    """The tokens that only the provider counts; both maps hold classes that are no less there."""
    more = {name: there.get(name, 0) - here.get(name, 0) for name in _ORDER}
    hour = max(0, more[WRITE_1H])
    written = sum(more[name] for name in _WRITES)
    return Usage(
        input=sum(more[name] for name in _INPUTS),
        output=more[OUTPUT],
        cache_read=max(0, more[READ]),
        cache_write=max(written, hour),
        cache_write_1h=hour,
    )


def _hints(use: DayUse, statement: Statement) -> tuple[str, ...]:
    found = list(statement.notes)
    calls = sum(model.assumed_calls for model in use.models.values())
    if calls:
        nano = sum(model.assumed_nano for model in use.models.values())
        found.append(
            f"{calls} calls in doubt, posted as assumed at {format_usd(nano)}, are not counted here"
        )
    midnight = sum(model.midnight_calls for model in use.models.values())
    if midnight:
        found.append(
            f"{midnight} calls were under way at midnight (UTC): the provider may count them on "
            "the other day"
        )
    if use.unplaced:
        found.append(
            f"{use.unplaced} settled calls are of an unknown model: their requests were not read"
        )
    if use.erased:
        found.append(f"{use.erased} records of these days were erased, and their use with them")
    return tuple(found)
