"""The book of switches: who switched what off and on, who reverted what, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from remit.journal.facts_of_switches import TargetSwitched
from remit.policy.revert import revert_of
from remit.runtime.books import Books, Entry, Page
from remit.values.account import OPERATOR

HOLDER = "switches:all"
"""The holder of the one book of switches that a tenant has; `*` has that of what is everybody's."""
_TENANT = "tenant:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """One time that somebody switched something."""

    time_ms: int
    fact: TargetSwitched

    @property
    def became(self) -> str:
        """What it came to: off or on, reverted or lifted."""
        reverted = revert_of(self.fact.target) is not None
        if self.fact.off:
            return "reverted" if reverted else "off"
        return "lifted" if reverted else "on"


def tenant_of(target: str) -> str:
    """The tenant whose book tells of a target; `*` for what is not one tenant's alone."""
    if not target.startswith(_TENANT):
        return OPERATOR
    return target.removeprefix(_TENANT).partition("/")[0]


async def note(books: Books, fact: TargetSwitched) -> None:
    """Enter it in the book of its tenant. Raises `StoreError`."""

    def decide(_pages: Sequence[Page], _now_ms: int) -> Entry:
        return Entry(events=(fact,))

    await books.enter(tenant_of(fact.target), HOLDER, decide)


async def switchings(books: Books, tenant: str) -> list[Switching]:
    """What was switched in a tenant, the newest first; in `*` what is everybody's."""
    pages = await books.read(tenant, HOLDER)
    return [
        Switching(time_ms=page.time_ms, fact=page.event)
        for page in reversed(pages)
        if isinstance(page.event, TargetSwitched)
    ]
