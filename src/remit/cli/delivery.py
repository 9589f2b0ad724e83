"""Hands a person's word to a run, and tells whether the run has taken it."""

from collections.abc import Awaitable

from remit.app.uptake import taken
from remit.cli.journal import Journal
from remit.cli.person import principal
from remit.errors import NotAllowed
from remit.journal.rows import RunRow


async def deliver(
    journal: Journal, row: RunRow, ref: str, sending: Awaitable[object] | None = None
) -> bool:
    """Send, then wait shortly; True when the run has taken it.

    False means that nobody drives the run now: the word is kept and taken when it is resumed.
    Raises `NotAllowed` when the run took it and ignored it, with the run's reason.
    """
    if sending is not None:  # else it was sent already
        await sending
    try:
        return await taken(journal.store, row, ref, journal.desk.person_of(principal()))
    except NotAllowed as exc:
        raise NotAllowed(f"{ref}: {exc}") from None


def fate(row: RunRow, *, taken: bool) -> str:
    """What happens next, in a sentence."""
    if taken:
        return "the run goes on"
    return f"kept; nobody drives the run now: remit resume MODULE:AGENT {row.root}"
