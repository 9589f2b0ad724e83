"""Runs a repository's tests confined, on a copy of its tree that is thrown away afterwards."""

import importlib.util
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from lomu.repository import Entry, Repository
from remit import Call, Command, ToolError
from remit.errors import ConfigError

_TIMEOUT_S = 300.0
_CPU_S = 300
_OUTPUT_BYTES = 1024**2
_SHOWN_CHARS = 8_000  # the end of what the tests print: where runners tell what failed


@dataclass(frozen=True, slots=True)
class Trial:
    """How the tests of one tree ended."""

    passed: bool
    tree: str
    command: str
    ended: str
    output: str
    confinement: str


class TestBench:
    """How tests are run: words of a command, never a shell's line, fixed by the developer."""

    __test__ = False  # its name is not one of a test

    def __init__(self, repository: Repository, command: str, python: str) -> None:
        self._repository = repository
        self._python = _interpreter(python)
        self._words = _words(command, self._python)

    @property
    def command(self) -> str:
        """The command as people write it."""
        return shlex.join("python" if word == self._python else word for word in self._words)

    async def run(self, call: Call) -> Trial:
        """Run the tests. Raises `SandboxUnavailable` with the remedy where nothing confines."""
        tree = await self._repository.tree()
        async with self._repository.copy(tree, self._may_be_seen) as folder:
            done = await call.run_confined(
                Command(
                    argv=self._words,
                    cwd=str(folder),
                    read=_beside(self._python),
                    write=(str(folder),),
                    env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"},
                    timeout_s=_TIMEOUT_S,
                    cpu_s=_CPU_S,
                    output_bytes=_OUTPUT_BYTES,
                )
            )
        text = (done.stdout + done.stderr).decode(errors="replace").strip()
        ended = done.ended if done.exit_code is None else f"exit status {done.exit_code}"
        return Trial(
            passed=done.exit_code == 0,
            tree=tree,
            command=self.command,
            ended=ended,
            output=text[-_SHOWN_CHARS:].replace(str(folder), "."),
            confinement=done.confinement,
        )

    def _may_be_seen(self, entry: Entry) -> bool:
        """What the agent may not read, a test that the agent wrote may not read either."""
        return not self._repository.denies(entry.path)


def _interpreter(python: str) -> str:
    if not python:
        return sys.executable
    path = Path(python).expanduser().absolute()
    if not path.is_file():
        raise ConfigError(f"python={python!r}: no such file; give the interpreter for the tests")
    return str(path)


def _words(command: str, python: str) -> tuple[str, ...]:
    if not command:
        runner = "pytest" if importlib.util.find_spec("pytest") else "unittest"
        command = "python -m pytest -q" if runner == "pytest" else "python -m unittest -v"
    try:
        words = shlex.split(command)
    except ValueError as exc:
        raise ConfigError(f"tests={command!r}: {exc}; write it as for a terminal") from exc
    if not words:
        raise ConfigError("tests is empty; leave it out or name a command")
    return tuple(python if word in ("python", "python3") else word for word in words[:1]) + tuple(
        words[1:]
    )


def _beside(python: str) -> tuple[str, ...]:
    """The environment of an interpreter that is not Remit's own, to be seen inside."""
    if python == sys.executable:
        return ()
    folder = Path(python).parent.parent
    if folder == Path(folder.anchor) or not (folder / "bin").is_dir():
        raise ToolError(f"{python!r} lies in no environment of its own")
    return (str(folder),)
