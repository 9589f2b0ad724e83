"""Whether a run took what a person said: waited for shortly, and told with the run's own reason."""

import asyncio

from remit.errors import NotAllowed
from remit.journal.codec import open_record
from remit.journal.events import InboxIgnored
from remit.journal.rows import RunRow
from remit.ports import Store

# A driver that lives takes a letter within its quarter of a second; after this nobody drives.
_WAIT_S = 2.0
_LOOK_S = 0.05


async def taken(store: Store, row: RunRow, ref: str, person: str) -> bool:
    """True when the run has taken the word; False: nobody drives it now, and the word is kept.

    `row` is the run's as it stood before the word was sent, `ref` what the word is about. Raises
    `NotAllowed` when the run took it and ignored it, with the run's reason.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + _WAIT_S
    while await store.inbox(row.tenant, row.run):
        if loop.time() >= until:
            return False
        await asyncio.sleep(_LOOK_S)
    for record in await store.records(row.tenant, row.run, row.version):
        body = open_record(record)
        for event in () if body is None else body.events:
            if isinstance(event, InboxIgnored) and (event.ref, event.principal) == (ref, person):
                raise NotAllowed(f"the run did not take it: {event.reason}")
    return True
