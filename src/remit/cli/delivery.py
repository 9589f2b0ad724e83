"""Hands a person's word to a run, and tells whether the run has taken it."""

import asyncio
from collections.abc import Awaitable

from remit.cli.journal import Journal
from remit.cli.person import principal
from remit.errors import NotAllowed
from remit.journal.codec import open_record
from remit.journal.events import InboxIgnored
from remit.journal.rows import RunRow

# A driver that lives takes a letter within its quarter of a second; after this nobody drives.
_WAIT_S = 2.0
_LOOK_S = 0.05


async def deliver(
    journal: Journal, row: RunRow, ref: str, sending: Awaitable[object] | None = None
) -> bool:
    """Send, then wait shortly; True when the run has taken it.

    False means that nobody drives the run now: the word is kept and taken when it is resumed.
    Raises `NotAllowed` when the run took it and ignored it, with the run's reason.
    """
    if sending is not None:  # else it was sent already
        await sending
    loop = asyncio.get_running_loop()
    until = loop.time() + _WAIT_S
    while await journal.store.inbox(row.tenant, row.run):
        if loop.time() >= until:
            return False
        await asyncio.sleep(_LOOK_S)
    mine = journal.desk.person_of(principal())
    for record in await journal.store.records(row.tenant, row.run, row.version):
        body = open_record(record)
        for event in () if body is None else body.events:
            if isinstance(event, InboxIgnored) and (event.ref, event.principal) == (ref, mine):
                raise NotAllowed(f"{ref}: the run did not take it: {event.reason}")
    return True


def fate(row: RunRow, *, taken: bool) -> str:
    """What happens next, in a sentence."""
    if taken:
        return "the run goes on"
    return f"kept; nobody drives the run now: remit resume MODULE:AGENT {row.root}"
