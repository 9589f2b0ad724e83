"""Calls the command line in this process, and at a terminal in a process of its own."""

import asyncio
import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from click.testing import CliRunner, Result

from remit.cli.main import remit as commands
from remit.cli.plain import printable

# Waiting for a slow machine; what is waited for usually takes a second.
_PATIENCE_S = 60.0


class Remit:
    """The command line in this process."""

    def __call__(self, *args: object, input_text: str | None = None) -> Result:
        return CliRunner().invoke(commands, [str(arg) for arg in args], input=input_text)

    async def elsewhere(self, *args: object) -> Result:
        """The same while this thread's event loop goes on."""
        return await asyncio.to_thread(self, *args)

    async def rows_elsewhere(self, *args: object) -> list[dict[str, object]]:
        """The list that a command prints while this thread's event loop goes on."""
        return cast("list[dict[str, object]]", await asyncio.to_thread(self.json, *args))

    async def tree_elsewhere(self, *args: object) -> dict[str, object]:
        """The object that a command prints while this thread's event loop goes on."""
        return cast("dict[str, object]", await asyncio.to_thread(self.json, *args))

    def good(self, *args: object) -> str:
        """The output of a command that must succeed."""
        result = self(*args)
        assert result.exit_code == 0, (result.stdout, result.stderr)
        return result.stdout

    def json(self, *args: object) -> object:
        """The document that a command prints."""
        return json.loads(self.good(*args, "--json"))

    def rows(self, *args: object) -> list[dict[str, object]]:
        """The list of objects that a command prints."""
        return cast("list[dict[str, object]]", self.json(*args))

    def tree(self, *args: object) -> dict[str, object]:
        """The object that a command prints."""
        return cast("dict[str, object]", self.json(*args))


class Terminal:
    """A process whose input and error output are a terminal; its standard output is a pipe."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.seen = ""
        self._screen = screen

    def until(self, text: str) -> str:
        """Everything shown so far, once it contains `text`."""
        end = time.monotonic() + _PATIENCE_S
        while text not in self.seen:
            ready, _, _ = select.select([self._screen], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not appear in {self.seen!r}"
            try:
                piece = os.read(self._screen, 65536)
            except OSError:  # the other side of the terminal was closed
                piece = b""
            assert piece, f"{text!r} did not appear in {self.seen!r}"
            self.seen += piece.decode(errors="replace")
        return self.seen

    @property
    def plain(self) -> str:
        """What a person reads of it."""
        return printable(self.seen)

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def finish(self) -> tuple[int, str]:
        """The exit status and the standard output."""
        assert self.process.stdout is not None
        output = self.process.stdout.read().decode()
        return self.process.wait(_PATIENCE_S), output


@contextmanager
def at_terminal(*args: object, variables: Mapping[str, str] | None = None) -> Iterator[Terminal]:
    """`python -m remit …` at a dumb terminal, which shows lines."""
    screen, other = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", **(variables or {})}
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "remit", *map(str, args)],
            stdin=other,
            stdout=subprocess.PIPE,
            stderr=other,
            env=environment,
            start_new_session=True,
        ) as process:
            os.close(other)
            try:
                yield Terminal(process, screen)
            finally:
                process.kill()
    finally:
        os.close(screen)
