"""One MCP server as tools see it: sessions by tenant, folder and credential; restarts bounded."""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from mcp.client.streamable_http import streamable_http_client

from remit.adapters.mcp.http import MAX_ANSWER_BYTES, PinnedTransport, Resolve, a_client
from remit.adapters.mcp.pins import Offer
from remit.adapters.mcp.session import Session
from remit.adapters.mcp.stdio import MAX_LINE, Streams, program_streams, unconfined
from remit.errors import OutsideError, SpecError
from remit.machine.source import House
from remit.values.command import Command, Program
from remit.values.credential import Credential

MAX_SESSIONS = 32  # that are busy at once; a process each
IDLE_S = 600.0  # a process that nobody uses is ended
MAX_BREAKS, BREAKS_S = 4, 60.0  # a server that breaks more often than that is left alone
_PARTIES = 1_024  # whose breaks are remembered
_HINT = "; in its sandbox it sees the system, and what read, write and hosts name"
_USER, _TENANT = "{user}", "{tenant}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How a server is reached: by a command, or at an address."""

    name: str
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    credential_variable: str = ""
    """The variable of the environment that holds the credential."""
    confined: Command | None = None
    """What its sandbox lets it have; None: it runs in none."""
    url: str = ""
    private: bool = False
    resolve: Resolve | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Where placeholders may stand."""
        own = self.confined
        folders = () if own is None else own.read + own.write
        return self.command + tuple(self.environment.values()) + folders


@dataclass(frozen=True, slots=True)
class Party:
    """For whom a call is made."""

    tenant: str
    user: str = ""


EVERYBODY = Party("*", "*")
"""Whoever looks at what a server offers, for no tenant; no tenant can have that name."""
_Key = tuple[Party, str]
Check = Callable[[Mapping[str, Offer]], None]


class McpServer:
    """One server; each tenant has a session of its own. Belongs to one event loop."""

    def __init__(self, reach: Reach, house: House) -> None:
        self.name = reach.name
        self._reach = reach
        self._house = house
        self._by_user = any(_USER in each for each in reach.words)
        self._sessions: OrderedDict[_Key, Session] = OrderedDict()
        self._ending: set[asyncio.Task[None]] = set()
        self._breaks: OrderedDict[Party, deque[float]] = OrderedDict()

    def settle(self, house: House) -> None:
        """See `remit.machine.source.Housed`."""
        free = self._reach.command and self._reach.confined is None
        if free and house.environment == "production":
            raise SpecError(
                f"the server {self.name!r} runs outside any sandbox, which production refuses: "
                "take `unconfined` away and declare what it needs (read, write, hosts), or reach "
                "it by url"
            )
        self._house = house

    def stopped(self, tool: str, accepted: str, offered: str) -> None:
        """Tell operators of a tool that is not what was accepted."""
        self._house.stopped(self.name, tool, accepted, offered)

    async def close(self) -> None:
        """End all sessions and processes."""
        for key in list(self._sessions):
            self._end(key)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def offers(
        self, party: Party = EVERYBODY, credential: Credential | None = None
    ) -> dict[str, Offer]:
        """What the server offers. Raises `OutsideError`."""
        with_token = "" if credential is None else credential.reveal()
        return await self._session(self._seat(party), with_token).offers()

    async def call(
        self,
        party: Party,
        tool: str,
        arguments: dict[str, object],
        *,
        credential: Credential | None,
        write: bool,
        check: Check,
        tell_refused: Callable[[str], None],
    ) -> str:
        """What a tool returned, as text; `check` sees what is offered just before, and may raise.

        `tell_refused` hears of hosts that the process was kept from reaching meanwhile.
        Raises `ToolError` for what the model should hear, `OutsideError` where nothing was sent,
        `OutcomeUnknown` where a write may have been done.
        """
        token = "" if credential is None else credential.reveal()
        for _ in range(2):  # a session that has expired is opened once more
            session = self._session(self._seat(party), token)
            session.busy += 1
            try:
                check(await session.offers())
                text = await session.call(tool, arguments, write=write)
            finally:
                session.busy -= 1
                for host in session.take_refused():
                    tell_refused(host)
                session.used_s = time.monotonic()
            if text is not None:
                return text
        raise OutsideError(f"{self.name}: each of its sessions ends at once")

    # ------------------------------------------------------------ sessions

    def _seat(self, party: Party) -> Party:
        return party if self._by_user else replace(party, user="")

    def _session(self, party: Party, token: str) -> Session:
        """The session of a party and a credential: nobody speaks with another's."""
        self._tidy()
        key = (party, token)
        session = self._sessions.get(key)
        if session is not None and session.over:
            self._end(key)
            self._note_break(party)
            session = None
        if session is None:

            def greet(program: Program) -> None:
                self._sessions[key].program = program

            self._check_breaks(party)
            self._make_room()
            hint = _HINT if self._reach.confined is not None else ""
            session = Session(self.name, lambda: self._opened(party, token, greet), hint)
            self._sessions[key] = session
        self._sessions.move_to_end(key)
        session.used_s = time.monotonic()
        return session

    def _end(self, key: _Key) -> None:
        session = self._sessions.pop(key)
        session.end()
        if not session.task.done():
            self._ending.add(session.task)
            session.task.add_done_callback(self._ending.discard)

    def _tidy(self) -> None:
        now_s = time.monotonic()
        for key, session in list(self._sessions.items()):
            if not session.busy and now_s - session.used_s > IDLE_S:
                self._end(key)

    def _make_room(self) -> None:
        while len(self._sessions) >= MAX_SESSIONS:
            idle = next((key for key, each in self._sessions.items() if not each.busy), None)
            if idle is None:
                raise OutsideError(
                    f"{self.name}: {MAX_SESSIONS} sessions are busy; try again later"
                )
            self._end(idle)

    def _note_break(self, party: Party) -> None:
        breaks = self._breaks.setdefault(party, deque(maxlen=MAX_BREAKS))
        breaks.append(time.monotonic())
        self._breaks.move_to_end(party)
        while len(self._breaks) > _PARTIES:
            self._breaks.popitem(last=False)

    def _check_breaks(self, party: Party) -> None:
        breaks = self._breaks.get(party)
        if breaks and len(breaks) == MAX_BREAKS and time.monotonic() - breaks[0] < BREAKS_S:
            raise OutsideError(
                f"{self.name}: it broke {MAX_BREAKS} times within {BREAKS_S:g} s and is left alone "
                "for a while"
            )

    # ------------------------------------------------------------ connections

    @asynccontextmanager
    async def _opened(
        self, party: Party, token: str, greet: Callable[[Program], None]
    ) -> AsyncIterator[Streams]:
        reach = self._reach
        async with AsyncExitStack() as stack:
            if reach.command:
                yield await stack.enter_async_context(
                    program_streams(self._program(party, token), greet)
                )
                return
            transport = PinnedTransport(
                reach.url, private=reach.private, token=token, resolve=reach.resolve
            )
            client = await stack.enter_async_context(asynccontextmanager(a_client)(transport))
            streams = await stack.enter_async_context(
                streamable_http_client(
                    reach.url, http_client=client, max_sse_event_size=MAX_ANSWER_BYTES
                )
            )
            yield cast("Streams", streams)

    def _program(self, party: Party, token: str) -> AbstractAsyncContextManager[Program]:
        reach = self._reach
        command = tuple(self._placed(each, party) for each in reach.command)
        environment = {key: self._placed(each, party) for key, each in reach.environment.items()}
        if reach.credential_variable and token:
            environment[reach.credential_variable] = token
        if reach.confined is None:
            return unconfined(command, environment)
        write = tuple(self._placed(each, party) for each in reach.confined.write)
        read = tuple(self._placed(each, party) for each in reach.confined.read)
        # Where a program that asks for no folder starts: it is there, and may not be written.
        cwd = (write + read + ("/usr",))[0]
        return self._house.open(
            replace(
                reach.confined,
                argv=command,
                cwd=cwd,
                env=environment,
                read=read,
                write=write,
                output_bytes=MAX_LINE,
            )
        )

    def _placed(self, word: str, party: Party) -> str:
        if _USER not in word and _TENANT not in word:
            return word
        return self._house.place(word, party.tenant, party.user)
