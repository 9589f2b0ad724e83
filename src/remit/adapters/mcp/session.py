"""One session with an MCP server, in a task of its own: opened, listed, spoken to, ended."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import mcp_types
from mcp import ClientSession
from mcp.shared.exceptions import MCPError

from remit.adapters.mcp.http import EXPIRED, NOT_SENT, TURNED_AWAY, UNREADABLE
from remit.adapters.mcp.pins import Offer
from remit.adapters.mcp.stdio import Streams
from remit.errors import OutcomeUnknown, OutsideError, RemitError, ToolError
from remit.values.command import Program

START_S = 20.0  # a server that loads a model or an index takes some seconds
MAX_TOOLS, MAX_PAGES = 1_000, 50
LOOK_AGAIN_S = 60.0
"""What a server offers is asked for again after this; its tools may change while it runs."""
# Errors of the client itself: nobody answered. And refusals (JSON-RPC 2.0): nothing was done.
_BROKEN = (mcp_types.CONNECTION_CLOSED, mcp_types.REQUEST_TIMEOUT)
_REFUSED = (
    mcp_types.INVALID_REQUEST,
    mcp_types.METHOD_NOT_FOUND,
    mcp_types.INVALID_PARAMS,
)
_LOST = (*_BROKEN, UNREADABLE, mcp_types.PARSE_ERROR)
_SAID = 2_000  # characters of an error: what a model needs to mend its call
_WHY = 300


class Session:
    """One session. Belongs to one event loop."""

    def __init__(
        self, name: str, connect: Callable[[], AbstractAsyncContextManager[Streams]], hint: str
    ) -> None:
        """`name` is the server's; `connect` reaches it, as long as the block lasts.

        `hint`: what to look at where it does not start.
        """
        self._name = name
        self._hint = hint
        self._connect = connect
        self._client: ClientSession | None = None
        self._stop = asyncio.Event()
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._offers: dict[str, Offer] = {}
        self._listed_s = 0.0
        self._changed = False
        self.busy = 0
        """Calls under way."""
        self.used_s = time.monotonic()
        # Opened and closed in one task, as its scopes of cancellation want.
        self.program: Program | None = None
        """The process behind it, where there is one."""
        self.task = asyncio.create_task(self._serve())

    @property
    def over(self) -> bool:
        """It takes no more calls."""
        return self._stop.is_set() or self.task.done()

    def take_refused(self) -> tuple[str, ...]:
        """Hosts that the process was kept from reaching since this was asked last."""
        return () if self.program is None else self.program.take_refused()

    def end(self) -> None:
        """Let it end; `task` is done when it has."""
        self._stop.set()

    async def offers(self) -> dict[str, Offer]:
        """What the server offers, as of a minute ago at most. Raises `OutsideError`."""
        client = await self._started()
        if self._changed or time.monotonic() - self._listed_s > LOOK_AGAIN_S:
            # Set first: another change while it is being listed counts again.
            self._changed = False
            try:
                async with asyncio.timeout(START_S):
                    await self._list(client)
            except (MCPError, TimeoutError, ValueError) as exc:
                self._changed = True
                raise OutsideError(f"{self._name}: it does not say what it offers") from exc
        return self._offers

    async def call(self, tool: str, arguments: dict[str, object], *, write: bool) -> str | None:
        """What a tool returned, as text; None where the session was over and nothing was done.

        Raises `ToolError` for what the model should hear, `OutsideError` where nothing was sent,
        `OutcomeUnknown` where a write may have been done.
        """
        client = await self._started()
        call = asyncio.ensure_future(client.call_tool(tool, arguments))
        try:
            await asyncio.wait({call, self.task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not call.done():
                call.cancel()
        if not call.done():
            raise self._lost("its session broke", write=write)
        try:
            return _text(self._name, call.result())
        except MCPError as exc:
            self._refused(exc, write=write)
            return None
        except RemitError:
            raise
        except Exception as exc:  # noqa: BLE001  # whatever the client raises, the call was sent
            raise self._lost(type(exc).__name__, write=write) from None

    def _refused(self, error: MCPError, *, write: bool) -> None:
        """Raise what an error means; only an expired session raises nothing, but ends."""
        code, said = error.error.code, str(error)[:_SAID]
        if code == EXPIRED:
            self._stop.set()
            return
        if code in (NOT_SENT, TURNED_AWAY):
            raise OutsideError(f"{self._name}: {said}") from None
        if code in _BROKEN:
            self._stop.set()
        if code in _LOST or (write and code not in _REFUSED):
            raise self._lost(said, write=write) from None
        raise ToolError(f"{self._name} answered: {said}") from None

    def _lost(self, what: str, *, write: bool) -> OutsideError:
        if write:
            return OutcomeUnknown(f"{self._name}: {what}; nobody knows whether it was done")
        return OutsideError(f"{self._name}: {what}")

    # ------------------------------------------------------------ its life

    async def _started(self) -> ClientSession:
        # Many may wait for it, and one that is cut must not take it from the others.
        await asyncio.shield(self._ready)
        if self._client is None:
            raise OutsideError(f"{self._name}: its session has ended")
        return self._client

    async def _serve(self) -> None:
        try:
            limit = asyncio.timeout(START_S)
            async with (
                limit,
                self._connect() as streams,
                ClientSession(*streams, message_handler=self._heard) as client,
            ):
                await client.initialize()
                await self._list(client)
                self._client = client
                self._ready.set_result(None)
                limit.reschedule(None)
                await self._stop.wait()
        except TimeoutError:
            self._fail(f"it did not answer within {START_S:g} s{self._hint}")
        except Exception as exc:  # noqa: BLE001  # whatever breaks a session, whoever waits is told
            self._fail(f"it cannot be started: {_reason(exc)}{self._hint}")
        finally:
            self._client = None
            self._fail("its session was ended")

    def _fail(self, why: str) -> None:
        if not self._ready.done():
            self._ready.set_exception(OutsideError(f"{self._name}: {why}"))
            self._ready.exception()  # nobody may wait for it

    async def _heard(self, message: object) -> None:
        self._changed |= isinstance(message, mcp_types.ToolListChangedNotification)

    async def _list(self, client: ClientSession) -> None:
        self._offers = await _listed(client)
        self._listed_s = time.monotonic()


def _reason(exc: BaseException) -> str:
    """The innermost cause, in few words: groups of exceptions say nothing themselves."""
    while isinstance(exc, BaseExceptionGroup) and exc.exceptions:
        exc = exc.exceptions[0]
    told = str(exc) if isinstance(exc, RemitError | OSError | MCPError) else ""
    return f"{type(exc).__name__}{': ' if told else ''}{told[:_WHY]}"


async def _listed(client: ClientSession) -> dict[str, Offer]:
    found: dict[str, Offer] = {}
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        params = None if cursor is None else mcp_types.PaginatedRequestParams(cursor=cursor)
        page = await client.list_tools(params=params)
        for each in page.tools:
            if each.name in found or len(found) >= MAX_TOOLS:
                raise OutsideError(f"it offers {each.name!r} twice, or more than {MAX_TOOLS} tools")
            schema = json.dumps(each.input_schema, sort_keys=True)
            text = each.description or each.title or each.name
            found[each.name] = Offer(name=each.name, description=text, schema=schema)
        cursor = page.next_cursor
        if not cursor:
            return found
    raise OutsideError(f"its list of tools has more than {MAX_PAGES} pages")


def _text(server: str, result: object) -> str:
    """A result as the model reads it; pictures and files are named, not shown."""
    if not isinstance(result, mcp_types.CallToolResult):
        raise ToolError(f"{server} asks for more before it answers, which is not supported")
    pieces = []
    for part in result.content:
        if isinstance(part, mcp_types.TextContent):
            pieces.append(part.text)
        else:
            pieces.append(f"[{part.type}, which is not shown]")
    if not pieces and result.structured_content is not None:
        pieces.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = "\n".join(pieces)
    if result.is_error:
        raise ToolError(text[:4_000] or f"{server} says that it failed")
    return text or "done"
