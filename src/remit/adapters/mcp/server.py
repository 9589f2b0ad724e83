"""Speaks to one MCP server through the official client: a session per tenant, restarts bounded."""

import asyncio
import json
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import mcp_types
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from remit.adapters.mcp.http import PinnedTransport, Resolve, a_client
from remit.adapters.mcp.pins import Offer
from remit.adapters.mcp.stdio import process_streams
from remit.errors import OutcomeUnknown, OutsideError, RemitError, ToolError
from remit.values.credential import Credential

START_S = 20.0  # npx may have to load a package
MAX_TOOLS, MAX_PAGES = 1_000, 50
MAX_SESSIONS = 32  # of tenants that are busy at once; a process each
# Errors of the client itself: nobody answered. And refusals (JSON-RPC 2.0): nothing was done.
_BROKEN = (mcp_types.CONNECTION_CLOSED, mcp_types.REQUEST_TIMEOUT)
_REFUSED = (mcp_types.INVALID_REQUEST, mcp_types.METHOD_NOT_FOUND, mcp_types.INVALID_PARAMS)
_SAID = 2_000  # characters of an error: what a model needs to mend its call
MAX_STARTS, STARTS_S = 4, 60.0  # a server that breaks more often than that is left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How a server is reached: by a command, or at an address."""

    name: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    credential_variable: str = ""
    """The variable of the environment that holds the credential."""
    url: str = ""
    private: bool = False
    resolve: Resolve | None = None


@dataclass(slots=True)
class _Session:
    task: asyncio.Task[None]
    stop: asyncio.Event
    token: str
    client: ClientSession | None = None
    offers: dict[str, Offer] = field(default_factory=dict)


class McpServer:
    """One server; each tenant has a session of its own. Belongs to one event loop."""

    def __init__(self, reach: Reach) -> None:
        self.name = reach.name
        self._reach = reach
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._starts: deque[float] = deque(maxlen=MAX_STARTS)
        self._locks: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """End all sessions and processes."""
        sessions, self._sessions = list(self._sessions.values()), OrderedDict()
        for each in sessions:
            each.stop.set()
        await asyncio.gather(*(each.task for each in sessions), return_exceptions=True)
        self._locks.clear()

    async def offers(self, tenant: str, credential: Credential | None = None) -> dict[str, Offer]:
        """What the server offers. Raises `OutsideError`."""
        return (await self._session(tenant, credential)).offers

    async def call(
        self,
        tenant: str,
        tool: str,
        arguments: dict[str, object],
        *,
        credential: Credential | None,
        write: bool,
    ) -> str:
        """What a tool returned, as text.

        Raises `ToolError` for what the model should hear, `OutsideError` where nothing was sent,
        `OutcomeUnknown` where a write may have been done.
        """
        session = await self._session(tenant, credential)
        if session.client is None:
            raise OutsideError(f"{self.name}: its session has ended")
        call = asyncio.ensure_future(session.client.call_tool(tool, arguments))
        try:
            await asyncio.wait({call, session.task}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            call.cancel()
            raise
        if not call.done():
            call.cancel()
            raise self._lost("its session broke", write=write)
        try:
            return _text(self.name, call.result())
        except MCPError as exc:
            if exc.error.code in _BROKEN:
                session.stop.set()
            if exc.error.code in _BROKEN or (write and exc.error.code not in _REFUSED):
                raise self._lost(str(exc)[:_SAID], write=write) from None
            raise ToolError(f"{self.name} answered: {str(exc)[:_SAID]}") from None
        except RemitError:
            raise
        except Exception as exc:  # noqa: BLE001  # whatever the client raises, the call was sent
            raise self._lost(type(exc).__name__, write=write) from None

    def _lost(self, what: str, *, write: bool) -> OutsideError:
        if write:
            return OutcomeUnknown(f"{self.name}: {what}; nobody knows whether it was done")
        return OutsideError(f"{self.name}: {what}")

    # ------------------------------------------------------------ sessions

    async def _session(self, tenant: str, credential: Credential | None) -> _Session:
        token = "" if credential is None else credential.reveal()
        async with self._locks.setdefault(tenant, asyncio.Lock()):
            known = self._sessions.get(tenant)
            if known is None:
                return await self._start(tenant, token)
            alive = not (known.task.done() or known.stop.is_set())
            if alive and (known.token == token or not self._reach.command):
                known.token = token  # each request over HTTP takes it anew
                self._sessions.move_to_end(tenant)
                return known
            await self._end(tenant)
            return await self._start(tenant, token)

    async def _end(self, tenant: str) -> None:
        session = self._sessions.pop(tenant)
        session.stop.set()
        await asyncio.gather(session.task, return_exceptions=True)

    async def _start(self, tenant: str, token: str) -> _Session:
        now = time.monotonic()
        if len(self._starts) == MAX_STARTS and now - self._starts[0] < STARTS_S:
            raise OutsideError(
                f"{self.name}: it was started {MAX_STARTS} times within {STARTS_S:g} s and is left "
                "alone for a while"
            )
        self._starts.append(now)
        while len(self._sessions) >= MAX_SESSIONS:
            await self._end(next(iter(self._sessions)))
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        stop = asyncio.Event()
        session = _Session(asyncio.current_task(), stop, token)  # type: ignore[arg-type]  # replaced at once
        # A session is opened and closed in one task, as its scopes of cancellation want.
        session.task = asyncio.create_task(self._serve(session, ready))
        try:
            async with asyncio.timeout(START_S):
                await asyncio.shield(ready)
        except TimeoutError:
            await self._abandon(session)
            raise OutsideError(f"{self.name}: it did not answer within {START_S:g} s") from None
        except BaseException:
            await self._abandon(session)
            raise
        self._sessions[tenant] = session
        return session

    async def _abandon(self, session: _Session) -> None:
        session.task.cancel()
        await asyncio.gather(session.task, return_exceptions=True)

    async def _serve(self, session: _Session, ready: asyncio.Future[None]) -> None:
        try:
            async with self._opened(session) as client:
                await client.initialize()
                session.offers = await _listed(client)
                session.client = client
                ready.set_result(None)
                await session.stop.wait()
        except Exception as exc:  # noqa: BLE001  # whatever breaks a session, whoever waits is told
            if not ready.done():
                told = _reason(exc)
                ready.set_exception(OutsideError(f"{self.name}: it cannot be started: {told}"))
        finally:
            session.client = None
            if not ready.done():
                ready.cancel()

    @asynccontextmanager
    async def _opened(self, session: _Session) -> AsyncIterator[ClientSession]:
        reach = self._reach
        async with AsyncExitStack() as stack:
            if reach.command:
                variable = reach.credential_variable
                own = {variable: session.token} if variable and session.token else {}
                received, sent = await stack.enter_async_context(
                    process_streams(reach.command, {**reach.environment, **own})
                )
                yield await stack.enter_async_context(ClientSession(received, sent))
            else:
                transport = PinnedTransport(
                    reach.url,
                    private=reach.private,
                    token=lambda: f"Bearer {session.token}" if session.token else "",
                    resolve=reach.resolve,
                )
                client = await stack.enter_async_context(asynccontextmanager(a_client)(transport))
                streams = await stack.enter_async_context(
                    streamable_http_client(reach.url, http_client=client)
                )
                yield await stack.enter_async_context(ClientSession(*streams))


def _reason(exc: BaseException) -> str:
    """The innermost cause, in few words: groups of exceptions say nothing themselves."""
    while isinstance(exc, BaseExceptionGroup) and exc.exceptions:
        exc = exc.exceptions[0]
    told = str(exc) if isinstance(exc, RemitError | OSError | MCPError) else ""
    return f"{type(exc).__name__}{': ' if told else ''}{told[:300]}"


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
