"""The duty of bills looks again and again."""

import asyncio

import pytest

from remit.runtime import watch_bills as module
from remit.runtime.watch_bills import watch_bills


@pytest.mark.requirement("BIL-2")
async def test_it_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_S", 0)
    seen = 0
    enough = asyncio.Event()

    async def once() -> None:
        nonlocal seen
        seen += 1
        if seen == 3:
            enough.set()

    duty = asyncio.create_task(watch_bills(once))
    await enough.wait()
    duty.cancel()
    with pytest.raises(asyncio.CancelledError):
        await duty
