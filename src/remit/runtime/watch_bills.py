"""The daily duty of bills, looked at every hour: a day closes once, but a report may be late."""

import asyncio
from collections.abc import Awaitable, Callable

# Reports are asked once a day; an hour is how long one that could not be had is let alone.
EVERY_S = 3600.0


async def watch_bills(once: Callable[[], Awaitable[None]]) -> None:
    """Do what is due, again and again. `once` raises nothing that should end the duty."""
    while True:
        await once()
        await asyncio.sleep(EVERY_S)
