"""Landlock: confine by the kernel alone, with namespaces or, where those are refused, seccomp."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Literal

from remit.adapters.sandbox import supervised
from remit.adapters.sandbox.opened import opened
from remit.adapters.sandbox.plan import SECCOMP, Plan
from remit.adapters.sandbox.prepare import make_plan
from remit.values.command import Command, Finished, Program

Mode = Literal["landlock+netns", "landlock+seccomp"]


class Landlock:
    """Runs programs without any installed package; use `find_sandbox`, which tries it first.

    `abi` holds the Landlock version down and `gate=False` does without the launcher's answers, for
    tests of older kernels and of containers that allow less.
    """

    def __init__(self, mode: Mode = "landlock+netns", *, abi: int = 0, gate: bool = True) -> None:
        self.name: str = mode
        self._abi = abi
        self._gate = gate

    async def run(self, command: Command) -> Finished:
        """Run to the end or to a limit; everything it started is dead when this returns.

        Raises `CommandRefused` for a wrong field, `SandboxFailed` when it could not be started.
        """
        with self.scratch() as folder:
            return await supervised.run(self.plan(command, folder), command)

    @asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator[Program]:
        """Start and keep; everything it started is dead when the block is left. Raises as `run`."""
        with self.scratch() as folder:
            async with opened(self.plan(command, folder), command) as program:
                yield program

    def plan(self, command: Command, scratch: str) -> Plan:
        """What the launcher is told for this command."""
        plan = make_plan(command, self.name, scratch)
        plan.abi = self._abi
        plan.ungated = int(not self._gate)
        return plan

    @contextmanager
    def scratch(self) -> Iterator[str]:
        """A private folder for temporary files, where there is no private /tmp; else empty."""
        if self.name != SECCOMP:
            yield ""
            return
        folder = os.path.realpath(tempfile.mkdtemp(prefix="remit-sandbox-"))
        try:
            yield folder
        finally:
            # The launcher has emptied it, if it ever ran and was not killed over it: only then can
            # folders lie deeper in it than this can go.
            with suppress(RecursionError):
                shutil.rmtree(folder, ignore_errors=True)
