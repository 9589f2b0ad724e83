"""Runs the programs of calls: confined, journal and keys hidden, refused hosts noted."""

import os
from collections.abc import Iterable
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
    finished = await services.sandbox.run(hiding(command, services.hidden))
    for each in finished.refused:
        marks.refuse(each)
    return finished


def hiding(command: Command, paths: Iterable[str]) -> Command:
    """The command with these host paths hidden too.

    One that does not exist is left out, unless the program could make it: then it is made, empty.
    SQLite plays back whatever it finds in `journal.db-journal`.
    """
    return replace(command, hide=(*command.hide, *(each for each in paths if _is(each, command))))


def _is(path: str, command: Command) -> bool:
    """Whether the path exists, now if the program could make it."""
    if Path(path).exists():
        return True
    folder = Path(path).parent.resolve()
    if not any(folder.is_relative_to(Path(each).resolve()) for each in command.write):
        return False
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return True  # made meanwhile
    except OSError:
        return False  # nor can the program
    return True
