"""Rates of tools: a call that finds its rate used up waits for its turn, or is refused.

The store counts, in the transaction of the append: a call that leaves takes a place in the window
that is open, one that waits books a place in the next window that has one. So nobody overtakes, and
all that wait for a rate do not come back at the same instant.
"""

from collections.abc import Mapping

from remit.journal.events import Hold, ToolPostponed
from remit.machine.affording import rooms
from remit.machine.draft import Draft
from remit.machine.judging import refuse
from remit.machine.state import CallState
from remit.policy.limits import JITTER_SCALE
from remit.policy.permission import Verdict
from remit.policy.rate import RateLimit
from remit.values.account import dated, resets_ms
from remit.values.duration import spoken
from remit.values.windows import UTC

RULE = "limits.rate"
# Windows looked through for room: as many as a driver asks the store for.
WINDOWS_AHEAD = 1_000
# Whoever waits for a window comes within a tenth of it, and a minute, from its beginning.
_SPREAD_PART = 10
_SPREAD_MS = 60_000


def rates_of(draft: Draft, call: CallState) -> tuple[RateLimit, ...]:
    """The rates that a call must find room in; none once it counts on them."""
    if call.spec is None or call.rated or call.unsure:
        return ()
    return draft.state.spec.rates_of(call.spec, draft.state.tenant, draft.state.user)


def places(draft: Draft, rates: tuple[RateLimit, ...], at_ms: int) -> tuple[Hold, ...]:
    """One place in the window of each rate that is open at an instant."""
    calendar = draft.state.calendar
    return tuple(
        Hold(account=dated(rate.account, at_ms, calendar), amount=1, limit=rate.limit)
        for rate in rates
    )


def waits_for_rate(draft: Draft, call: CallState, rates: tuple[RateLimit, ...]) -> bool:
    """Postpone or refuse a call whose rates have no room now; False where it may go."""
    now_ms, known = draft.world.now_ms, rooms(draft)
    full = [rate for rate in rates if _is_full(draft, rate, now_ms, known)]
    if not full:
        return False
    opens_ms = _opening(draft, rates, known)
    if any(rate.when == "refuse" for rate in full):
        _refuse(draft, call, full[0], opens_ms)
    elif opens_ms is None:
        _refuse(draft, call, full[0], None)
    else:
        _postpone(draft, call, rates, full[0], opens_ms)
    return True


def _postpone(
    draft: Draft, call: CallState, rates: tuple[RateLimit, ...], full: RateLimit, opens_ms: int
) -> None:
    until_ms = opens_ms + _spread_ms(draft, rates, opens_ms)
    if until_ms >= draft.state.soft_ms:
        _refuse(draft, call, full, opens_ms)
        return
    # Others were faster each time: the place was not to be had, so it only tries again then.
    holds = () if draft.world.last_try else places(draft, rates, opens_ms)
    account = dated(full.account, draft.world.now_ms, draft.state.calendar)
    draft.add(ToolPostponed(call=call.call, until_ms=until_ms, account=account, holds=holds))


def _is_full(draft: Draft, rate: RateLimit, at_ms: int, known: Mapping[str, int]) -> bool:
    if draft.world.last_try and at_ms == draft.world.now_ms:
        return True
    name = dated(rate.account, at_ms, draft.state.calendar)
    return known.get(name, rate.limit) < 1


def _opening(draft: Draft, rates: tuple[RateLimit, ...], known: Mapping[str, int]) -> int | None:
    """The first instant from which on all these rates have room; None where it is far away."""
    at_ms = draft.world.now_ms
    for _ in range(WINDOWS_AHEAD):
        full = [rate for rate in rates if _is_full(draft, rate, at_ms, known)]
        if not full:
            return at_ms
        at_ms = max(_ends_ms(draft, rate, at_ms) for rate in full)
    return None


def _ends_ms(draft: Draft, rate: RateLimit, at_ms: int) -> int:
    return resets_ms(rate.account, at_ms, draft.state.calendar) or at_ms


def _spread_ms(draft: Draft, rates: tuple[RateLimit, ...], opens_ms: int) -> int:
    """How long after its beginning a call comes: all would come at once otherwise."""
    shortest = min(_ends_ms(draft, rate, opens_ms) for rate in rates) - opens_ms
    return min(shortest // _SPREAD_PART, _SPREAD_MS) * draft.world.jitter // JITTER_SCALE


def _refuse(draft: Draft, call: CallState, full: RateLimit, opens_ms: int | None) -> None:
    """The model is told when it may try again."""
    if opens_ms is None:
        when = "and so are the windows to come"
    else:
        instant = UTC.window("second", opens_ms)
        wait = spoken(opens_ms - draft.world.now_ms)
        when = f"it may be called again at {instant}Z, in {wait}"
    said = f"its rate of {full.rate} is used up; {when}"
    refuse(draft, call.call, Verdict("deny", RULE, said), "limit")
