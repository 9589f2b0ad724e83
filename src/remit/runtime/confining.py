"""Runs the programs of calls: confined, journal and keys hidden, refused hosts noted."""

from dataclasses import replace
from pathlib import Path

from remit.errors import SandboxUnavailable
from remit.runtime.marking import Marks
from remit.runtime.services import Services
from remit.values.command import Command, Finished


async def run_confined(services: Services, marks: Marks, command: Command) -> Finished:
    """Run a program of a call. Raises `SandboxUnavailable` where nothing confines it."""
    if services.sandbox is None:
        raise SandboxUnavailable(
            "no sandbox works on this machine, so programs are not run: "
            "install bubblewrap or use a kernel with Landlock"
        )
    hidden = (*command.hide, *_that_exist(services.hidden))
    finished = await services.sandbox.run(replace(command, hide=hidden))
    for each in finished.refused:
        marks.refuse(each)
    return finished


def _that_exist(paths: tuple[str, ...]) -> tuple[str, ...]:
    """A path that does not exist cannot be hidden, and need not be."""
    return tuple(path for path in paths if Path(path).exists())
