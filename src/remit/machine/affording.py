"""What the accounts of a run afford at this instant, and what is said when it is not enough."""

from collections.abc import Mapping

from remit.journal.events import (
    AccountLimit,
    BudgetRefused,
    Event,
    Hold,
    ModelRequested,
    RunStopping,
    ToolPostponed,
    ToolRequested,
)
from remit.machine.draft import Draft
from remit.policy.budget import open_accounts
from remit.values.account import is_rate, resets_ms, unit_of
from remit.values.clean import Clean

_UNITS = {"nano": "nano-dollars", "tokens": "tokens", "calls": "calls"}


def accounts_now(draft: Draft) -> tuple[AccountLimit, ...]:
    """The accounts a call draws on now, each of the window that is open."""
    return open_accounts(draft.state.accounts, draft.world.now_ms, draft.state.calendar)


def holds_of(event: Event) -> tuple[Hold, ...]:
    """What an intent reserves, or a call that waits for a rate."""
    return event.holds if isinstance(event, ModelRequested | ToolRequested | ToolPostponed) else ()


def rooms(draft: Draft) -> Mapping[str, int]:
    """What the refused accounts still afford, after what this decision reserved already.

    A window that has ended since the store refused says nothing of the one that is open now; of
    rates, windows to come are known too.
    """
    if not draft.world.refused:
        return {}
    drawn_on = {known.account for known in accounts_now(draft)}
    left = {
        name: room
        for name, room in draft.world.refused.items()
        if name in drawn_on or is_rate(name)
    }
    for event in draft.events:
        for hold in holds_of(event):
            if hold.account in left:
                left[hold.account] -= hold.amount
    return left


def short_of(draft: Draft, holds: tuple[Hold, ...], *, last_try: bool | None = None) -> Hold | None:
    """The first of a call's holds that is known not to fit; on the last try none does.

    `last_try`: other than the world says, where the call has something else to give way for.
    """
    left = rooms(draft)
    wanted = [hold for hold in holds if hold.account in left]
    short = [hold for hold in wanted if hold.amount > left[hold.account]]
    if draft.world.last_try if last_try is None else last_try:
        short += (*wanted, *holds)
    return short[0] if short else None


def say_short(draft: Draft, call: str, hold: Hold) -> str:
    """Journal which account is short of a call's hold; the same in words."""
    room = rooms(draft).get(hold.account, 0)  # unknown where its window has just begun
    limit = draft.world.limits.get(hold.account, hold.limit)
    draft.add(
        BudgetRefused(
            call=call,
            account=hold.account,
            needed=hold.amount,
            available=room,
            limit=limit,
            plan=_plan_of(draft, hold.account),
            resets_ms=resets_ms(hold.account, draft.world.now_ms, draft.state.calendar),
        )
    )
    unit = _UNITS[unit_of(hold.account)]
    return f"{hold.account}: {hold.amount} {unit} needed, {room} left of {limit}"


def refuse_budget(draft: Draft, call: str, holds: tuple[Hold, ...]) -> None:
    """The smallest call of use does not fit: say which account is short, and stop."""
    hold = short_of(draft, holds) or holds[0]
    detail = say_short(draft, call, hold)
    reason = "upgrade-required" if _plan_of(draft, hold.account) else "budget"
    draft.add(RunStopping(reason=reason, detail=Clean.vouch(detail)))


def _plan_of(draft: Draft, account: str) -> str:
    return next((known.plan for known in accounts_now(draft) if known.account == account), "")
