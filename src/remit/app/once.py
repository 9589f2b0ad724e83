"""Starts one run for one key of a caller: the same request again, also at once, is the same run."""

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from remit.errors import RemitError, RequestRefused
from remit.journal.events import RequestAccepted
from remit.ports import Dice, Store
from remit.runtime.books import NOTHING, Books, Entry, Page
from remit.values.ids import ENTROPY_BYTES, made_ms, make_id, root_of

KEPT_MS = 24 * 3_600_000
"""How long a key stands for its run: callers try again for minutes, queues for a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks for under a key of its own."""

    tenant: str
    principal: str
    key: str
    body: bytes
    """All that makes the run another one."""
    session: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """The run of a request; `again`: the request had come before."""

    run: str
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """Reserves the id of a run in a book before the run begins, so no second one can.

    Of two processes that start it at once the journal takes one first record; in one process they
    come after each other. What broke before the run was durable is begun again under the same id.
    """

    store: Store
    books: Books
    dice: Dice
    secret: bytes
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def begin(self, request: Request, start: Callable[[str], Awaitable[None]]) -> Begun:
        """The run of this request, which `start` begins under the id it is given where need be.

        Raises `RequestRefused` where the key stands for another request, and what `start` raises.
        """
        book = self._digest(b"key", request, request.key.encode())
        async with self._locks.setdefault(f"{request.tenant}/{book}", asyncio.Lock()):
            taken, again = await self._reserve(request, book)
            if again and await self.store.run(request.tenant, taken.run) is not None:
                return Begun(run=taken.run, again=True)
            try:
                await start(taken.run)
            except RemitError:
                # Another process may have begun it meanwhile: then its session is active, or it has
                # ended already and a second first record fits nowhere.
                if await self.store.run(request.tenant, taken.run) is None:
                    raise
                return Begun(run=taken.run, again=True)
            return Begun(run=taken.run, again=again)

    async def _reserve(self, request: Request, book: str) -> tuple[RequestAccepted, bool]:
        """What the key stands for, and whether it did before."""
        body = self._digest(b"body", request, request.body)
        after_ms = await self._after_ms(request)
        found: list[tuple[RequestAccepted, bool]] = []

        def decide(pages: Sequence[Page], now_ms: int) -> Entry:
            last = pages[-1].event if pages else None
            if isinstance(last, RequestAccepted) and now_ms < last.until_ms:
                found.append((last, True))
                return NOTHING
            at_ms = max(now_ms, after_ms)
            fact = RequestAccepted(
                body=body,
                run=make_id("run", at_ms, self.dice.entropy(ENTROPY_BYTES)),
                principal=request.principal,
                until_ms=now_ms + KEPT_MS,
            )
            found.append((fact, False))
            return Entry(events=(fact,))

        await self.books.enter(request.tenant, f"request:{book}", decide)
        taken, again = found[-1]
        if not hmac.compare_digest(taken.body, body):
            raise RequestRefused(
                f"this Idempotency-Key stands for another request, whose run is {taken.run}",
                status=409,
                remedy="send another key with another request; a key is kept for a day",
            )
        return taken, again

    async def _after_ms(self, request: Request) -> int:
        """The ids of a session's runs tell their order: not before this instant."""
        if request.session is None:
            return 0
        newest = await self.store.runs(request.tenant, session=request.session, limit=1)
        return made_ms(root_of(newest[0].run)) + 1 if newest else 0

    def _digest(self, what: bytes, request: Request, content: bytes) -> str:
        """Nobody who reads the journal can try whether a word they guess was in it."""
        mac = hmac.new(self.secret, b"remit-request-1\0" + what, hashlib.sha256)
        for part in (request.principal.encode(), content):
            mac.update(len(part).to_bytes(8, "big") + part)
        return mac.hexdigest()
