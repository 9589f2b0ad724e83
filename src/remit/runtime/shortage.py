"""What the accounts afford that refused an append, and the windows to come of rates among them."""

from dataclasses import dataclass, field

from remit.journal.rows import Append, Exceeded
from remit.machine.rating import WINDOWS_AHEAD
from remit.ports import Store
from remit.values.account import is_rate, keeper, own_name


@dataclass(frozen=True, slots=True)
class Shortage:
    """By the names that the run's events use."""

    rooms: dict[str, int] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    """Limits that are others than the run was started with."""


def shortage_of(answer: Exceeded, append: Append, run: str) -> Shortage:
    """What the store said when it refused."""
    declared = {line.account: line.limit for line in append.holds}
    short = Shortage()
    for each in answer.balances:
        name = own_name(each.account, run)
        short.rooms[name] = each.available
        if each.limit != declared.get(each.account):
            short.limits[name] = each.limit
    return short


async def look_ahead(store: Store, tenant: str, short: Shortage, before: Shortage) -> Shortage:
    """With the windows to come of the rates that are used up, and what was known of rates before.

    A window that nobody has touched yet is not known, and has room for all.
    """
    rooms = {name: room for name, room in before.rooms.items() if is_rate(name)}
    for name, room in short.rooms.items():
        if is_rate(name) and room < 1:
            rooms |= await _windows_after(store, tenant, name)
    return Shortage({**rooms, **short.rooms}, short.limits)


async def _windows_after(store: Store, tenant: str, name: str) -> dict[str, int]:
    """The room of the later windows of a rate: `rate:send_mail|minute:` begins them all."""
    holder, window, _ = name.split("|")
    prefix = f"{holder}|{window.partition(':')[0]}:"
    found = await store.balances(keeper(tenant, name), prefix, after=name, limit=WINDOWS_AHEAD)
    return {each.account: each.available for each in found}
