"""Starts the duties that a process does beside its runs."""

import asyncio
from collections.abc import Callable

from remit.app.assemble import Parts
from remit.runtime.watch import watch_due, watch_ledger, watch_switches
from remit.runtime.watch_bills import watch_bills


def start_duties(
    parts: Parts, may_drive: Callable[[str, str], bool], *, worker: bool
) -> list[asyncio.Task[None]]:
    """Tasks that whoever opened the process must cancel."""
    duties = [watch_switches(parts.engine), watch_due(parts.engine, may_drive)]
    if worker:
        duties.append(watch_ledger(parts.ledger))
    if parts.bills.is_daily:
        duties.append(watch_bills(parts.bills.once))
    return [*(asyncio.create_task(duty) for duty in duties), *parts.channels.start()]
