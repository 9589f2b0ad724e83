"""Entries of books that set a limit, for tests."""

from collections.abc import Callable, Sequence

from remit.journal.events import BudgetSet
from remit.journal.rows import LimitLine
from remit.runtime.books import Entry, Page


def limit_entry(
    account: str, amount: int | None = 10**12
) -> Callable[[Sequence[Page], int], Entry]:
    """Set the limit of an account, whatever the book says."""
    event = BudgetSet(account=account, limit=amount, principal="ann")
    entry = Entry(events=(event,), limits=(LimitLine(account, amount),))
    return lambda _pages, _now_ms: entry
