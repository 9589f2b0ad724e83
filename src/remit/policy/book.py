"""Names of books, and what the facts in them come to."""

from collections.abc import Iterable

from remit.journal.events import BudgetSet, Event
from remit.journal.rows import LimitLine

_PREFIX = "book_"


def book_of(holder: str) -> str:
    """The id of the book of a holder, such as `user:ann`; no two have the same.

    A dot would make it look like a sub-run's.
    """
    scope, _, name = holder.partition(":")
    return f"{_PREFIX}{scope}-{name.replace('.', '~')}"


def is_book(run: str) -> bool:
    """The id is that of a book, not of a run."""
    return run.startswith(_PREFIX)


def limits_of(events: Iterable[Event]) -> tuple[LimitLine, ...]:
    """The limits that these facts leave in force."""
    lines: dict[str, int] = {}
    for event in events:
        if not isinstance(event, BudgetSet):
            continue
        lines.pop(event.account, None)
        if event.limit is not None:
            lines[event.account] = event.limit
    return tuple(LimitLine(account, limit) for account, limit in lines.items())
