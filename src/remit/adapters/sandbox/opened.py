"""Keep a confined program running and speak to it line by line; it ends with the `with` block."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from remit.adapters.sandbox.egress import Egress
from remit.adapters.sandbox.launch import (
    GRACE_S,
    SHOWN_BYTES,
    Launch,
    end,
    failure,
    to_the_end,
)
from remit.adapters.sandbox.plan import Plan
from remit.adapters.sandbox.prepare import reachable
from remit.errors import SandboxFailed
from remit.values.command import Command

_CHUNK = 64 * 1024
# To end by itself once its input has ended, as servers over standard streams should.
_FAREWELL_S = 2.0


class _Opened:
    """See `remit.values.command.Program`."""

    def __init__(
        self, launcher: asyncio.subprocess.Process, line_bytes: int, egress: Egress
    ) -> None:
        self.launcher = launcher
        self.take_refused = egress.take_refused
        self.last_words = b""
        self._line_bytes = line_bytes

    async def read_line(self) -> bytes:
        if self.launcher.stdout is None:
            return b""
        try:
            return await self.launcher.stdout.readline()
        except ValueError:
            raise SandboxFailed(
                f"sandbox: the program wrote a line of more than {self._line_bytes} bytes"
            ) from None

    async def write(self, content: bytes) -> None:
        if self.launcher.stdin is None:
            return
        try:
            self.launcher.stdin.write(content)
            await self.launcher.stdin.drain()
        except OSError:
            raise SandboxFailed("sandbox: the program reads no more") from None

    def close_input(self) -> None:
        if self.launcher.stdin is not None:
            self.launcher.stdin.close()

    async def drain_errors(self) -> None:
        """Read its standard error to the end, so that it never blocks; the last bytes are kept."""
        stream = self.launcher.stderr
        while stream is not None and (chunk := await stream.read(_CHUNK)):
            self.last_words = (self.last_words + chunk)[-SHOWN_BYTES:]


@asynccontextmanager
async def opened(plan: Plan, command: Command) -> AsyncIterator[_Opened]:
    """Run a plan until the block is left; then everything it started is dead.

    Raises `SandboxFailed` when the program could not be started, whatever the block raised.
    """
    launch = Launch(plan)
    egress = Egress(reachable(command))
    try:
        launcher = await launch.start(command.output_bytes)
        program = _Opened(launcher, command.output_bytes, egress)
        errors = asyncio.ensure_future(program.drain_errors())
        if command.stdin:
            await program.write(command.stdin)
        try:
            async with egress.serving(launch.listener):
                yield program
        except asyncio.CancelledError:
            await to_the_end(_let_go(program, launch, errors, farewell_s=0))
            raise
        except BaseException:
            await to_the_end(_let_go(program, launch, errors, farewell_s=_FAREWELL_S))
            failed = failure(plan.mode, launch.read_report(), program.last_words)
            if failed is not None:
                raise failed from None
            raise
        await to_the_end(_let_go(program, launch, errors, farewell_s=_FAREWELL_S))
    finally:
        launch.close()


async def _let_go(
    program: _Opened, launch: Launch, errors: "asyncio.Future[None]", *, farewell_s: float
) -> None:
    program.close_input()
    # What it still has to say is read away, or neither it nor its pipes would ever end.
    rest = asyncio.ensure_future(_read_away(program))
    with suppress(TimeoutError):
        async with asyncio.timeout(farewell_s):
            await program.launcher.wait()
    await end(program.launcher, launch)
    # Everyone who could write is dead, so both streams end.
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(errors, rest), GRACE_S)


async def _read_away(program: _Opened) -> None:
    stream = program.launcher.stdout
    while stream is not None and await stream.read(_CHUNK):
        pass
