"""Bubblewrap: confine by the namespaces and mounts the `bwrap` program makes."""

import shutil
from contextlib import AbstractAsyncContextManager

from remit.adapters.sandbox import supervised
from remit.adapters.sandbox.opened import opened
from remit.adapters.sandbox.plan import BUBBLEWRAP, Plan
from remit.adapters.sandbox.prepare import make_plan
from remit.errors import SandboxUnavailable
from remit.values.command import Command, Finished, Program


class Bubblewrap:
    """Runs programs under `bwrap`; use `find_sandbox`, which also tries whether it works here."""

    name = BUBBLEWRAP

    def __init__(self, program: str | None = None) -> None:
        found = program or shutil.which("bwrap")
        if found is None:
            raise SandboxUnavailable(
                "bubblewrap is not installed; install the package `bubblewrap`"
            )
        self._program = found

    async def run(self, command: Command) -> Finished:
        """Run to the end or to a limit; everything it started is dead when this returns.

        Raises `CommandRefused` for a wrong field, `SandboxFailed` when it could not be started.
        """
        return await supervised.run(self.plan(command), command)

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        """Start and keep; everything it started is dead when the block is left. Raises as `run`."""
        return opened(self.plan(command), command)

    def plan(self, command: Command) -> Plan:
        """What the launcher is told for this command."""
        plan = make_plan(command, BUBBLEWRAP)
        plan.bwrap = self._program
        return plan
