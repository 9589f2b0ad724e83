"""A function of the program as a channel: it may be a coroutine, raise, or hang."""

import asyncio

import pytest

from remit.adapters.notify.calling import CallingNotifier
from remit.errors import NotDelivered
from remit.values.notice import Notice
from tests.wire.notices.specimens import APPROVAL

pytestmark = pytest.mark.requirement("APR-2")


async def test_functions_and_coroutines_are_called() -> None:
    seen: list[Notice] = []

    async def later(notice: Notice) -> None:
        await asyncio.sleep(0)
        seen.append(notice)

    for function in (seen.append, later):
        notifier = CallingNotifier(function)
        await notifier.tell(APPROVAL, deadline_s=9)
        await notifier.close()
    assert seen == [APPROVAL, APPROVAL]


async def test_one_that_raises_or_hangs_is_called_again() -> None:
    async def hangs(_: Notice) -> None:
        await asyncio.Event().wait()

    def raises(_: Notice) -> None:
        raise KeyError("x")

    for function, why in ((hangs, "TimeoutError"), (raises, "KeyError")):
        with pytest.raises(NotDelivered, match=why) as caught:
            await CallingNotifier(function).tell(APPROVAL, deadline_s=0.01)
        assert caught.value.again
