"""Every sandbox that works on this machine, as a fixture, and ways to run and see programs."""

import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from remit.adapters.sandbox.bubblewrap import Bubblewrap
from remit.adapters.sandbox.find import probe
from remit.adapters.sandbox.landlock import Landlock
from remit.errors import SandboxUnavailable
from remit.ports import Sandbox
from remit.values.command import Command, Finished

Maker = Callable[[], Bubblewrap | Landlock]

MAKERS: dict[str, Maker] = {
    "bubblewrap": Bubblewrap,
    "netns": lambda: Landlock("landlock+netns"),
    "seccomp": lambda: Landlock("landlock+seccomp"),
    # As inside a container that listens itself, and as on Linux 5.13.
    "seccomp_no_gate": lambda: Landlock("landlock+seccomp", gate=False),
    "seccomp_first_abi": lambda: Landlock("landlock+seccomp", abi=1),
}
_WORKING: dict[str, Sandbox | str] = {}


def working(name: str) -> Sandbox:
    """The sandbox of that name, tried once; skips the test where it does not work."""
    if name not in _WORKING:
        try:
            sandbox = MAKERS[name]()
            probe(sandbox)
        except SandboxUnavailable as error:
            _WORKING[name] = str(error)
        else:
            _WORKING[name] = sandbox
    found = _WORKING[name]
    if isinstance(found, str):
        pytest.skip(f"{name}: {found}")
    return found


@pytest.fixture(params=list(MAKERS))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    name: str = request.param
    return working(name)


@pytest.fixture(params=["bubblewrap", "netns", "seccomp"])
def usual_sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Only those that `find_sandbox` gives."""
    name: str = request.param
    return working(name)


Run = Callable[..., Awaitable[Finished]]
# Until something that was killed can no longer be seen.
_PATIENCE_S = 20.0


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(argv=("true",), cwd=str(tmp_path), write=(str(tmp_path),), timeout_s=60)


@pytest.fixture
def run(usual_sandbox: Sandbox, command: Command) -> Run:
    async def run(*argv: str, **changes: object) -> Finished:
        return await usual_sandbox.run(replace(command, argv=argv, **changes))  # type: ignore[arg-type]  # fields are checked by name at run time

    return run


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", code)


def mark() -> str:
    """A duration for `sleep` that names one process on the whole machine."""
    return f"600.{uuid.uuid4().int % 10**12}"


def alive(name: str) -> bool:
    """Whether a process with this word in its command line runs on the machine."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue
        if name.encode() in words:
            return True
    return False


def eventually(condition: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True
