"""Programs of calls: confined or not at all, journal and keys hidden, refused hosts journalled."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from remit import Command, Finished
from remit.journal.events import ToolCompleted, ToolFailed
from remit.runtime.confining import hiding
from remit.values.command import Program
from tests.runtime.gated import Bench


class Sandbox:
    """Writes down what it is to run."""

    name = "fake"

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def run(self, command: Command) -> Finished:
        self.commands.append(command)
        return Finished(
            exit_code=0,
            stdout=b"",
            stderr=b"",
            truncated=False,
            ended="exited",
            confinement="fake",
        )

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        raise AssertionError(f"nothing is kept open: {command}")


@pytest.mark.requirement("TOOL-17")
async def test_journal_and_keys_are_hidden_from_programs(tmp_path: Path) -> None:
    bench, sandbox = Bench(), Sandbox()
    there, not_yet = tmp_path / "journal.db", tmp_path / "journal.db-wal"
    there.touch()
    bench.services = replace(bench.services, sandbox=sandbox, hidden=(str(there), str(not_yet)))
    assert isinstance(await bench.call("run_program", "{}"), ToolCompleted)
    assert sandbox.commands[0].hide == ("/own", str(there))


@pytest.mark.requirement("TOOL-17", "SEC-5")
def test_what_a_program_could_make_itself_is_made_and_hidden(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "below")
    journal, other = tmp_path / "link/journal.db-journal", tmp_path / "no/such/key"
    write = replace(Command(argv=("true",), cwd="/"), write=(str(tmp_path),))
    assert hiding(write, (str(journal), str(other))).hide == (str(journal),)
    assert journal.read_bytes() == b""
    assert journal.stat().st_mode & 0o777 == 0o600
    assert hiding(write, (str(journal),)).hide == (str(journal),)
    apart = tmp_path / "apart"
    read = replace(write, read=(str(tmp_path),), write=(str(tmp_path / "below"),))
    assert hiding(read, (str(apart),)).hide == ()
    assert not apart.exists()


@pytest.mark.requirement("TOOL-17")
async def test_without_a_sandbox_no_program_runs() -> None:
    fact = await Bench().call("run_program", "{}")
    assert isinstance(fact, ToolFailed)
    assert "install bubblewrap" in fact.text


@pytest.mark.requirement("TOOL-17")
async def test_what_a_confined_program_was_refused_is_journalled() -> None:
    finished = Finished(
        exit_code=0,
        stdout=b"",
        stderr=b"",
        truncated=False,
        ended="exited",
        confinement="fake",
        refused=("evil.example:443: it is not declared",),
    )

    class Box:
        name = "box"

        async def run(self, command: Command) -> Finished:
            return finished

        def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
            raise AssertionError(f"nothing is kept open: {command}")

    bench = Bench()
    bench.services = replace(bench.services, sandbox=Box())
    fact = await bench.call("run_program", "{}")
    assert isinstance(fact, ToolCompleted)
    assert fact.refused_hosts == finished.refused
