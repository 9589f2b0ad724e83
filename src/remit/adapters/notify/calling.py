"""A channel that is a function of the program: it is called with each notice."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from typing_extensions import override

from remit.errors import NotDelivered
from remit.ports import Notifier
from remit.values.notice import Notice

OnApproval = Callable[[Notice], Awaitable[None] | None]


class CallingNotifier(Notifier):
    """Calls a function, which may be a coroutine; one that raises is called again."""

    def __init__(self, function: OnApproval) -> None:
        self._function = function

    @override
    async def tell(self, notice: Notice, *, deadline_s: float) -> None:
        """See `remit.ports.Notifier.tell`."""
        try:
            async with asyncio.timeout(deadline_s):
                result = self._function(notice)
                if inspect.isawaitable(result):
                    await result
        except Exception as exc:  # the function is the program's: its fault is told
            text = f"on_approval raised {type(exc).__name__}: {exc}"
            raise NotDelivered(text, again=True) from exc

    @override
    async def close(self) -> None:
        """There is nothing to release."""
