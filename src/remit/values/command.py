"""A program to run confined, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

# Defaults: enough for a test suite of a small project, too little to hurt a 2-core machine.
_CPU_S = 60
_MEMORY_BYTES = 2 * 1024**3
_PROCESSES = 128
_FILE_BYTES = 256 * 1024**2
_OUTPUT_BYTES = 1024**2
_OPEN_FILES = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One program to run confined: no network, a read-only system, limits.

    `read` and `write` are the host paths it sees besides the system, `hide` those it never sees
    even beneath them. `env` is its whole environment besides a minimal PATH, HOME, LANG, TMPDIR.
    `timeout_s` is not for a program that is kept open; there `output_bytes` bounds one line.
    """

    argv: tuple[str, ...]
    cwd: str
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    hide: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """What it reaches through a proxy of ours: `api.example.com`, `*.example.com`, `name:port`."""
    private: bool = False
    """The hosts lie in a private network, or on this machine."""
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    timeout_s: float = 60.0
    cpu_s: int = _CPU_S
    memory_bytes: int = _MEMORY_BYTES
    processes: int = _PROCESSES
    file_bytes: int = _FILE_BYTES
    output_bytes: int = _OUTPUT_BYTES
    open_files: int = _OPEN_FILES


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a confined program ended; `exit_code` is None when the sandbox killed it."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    truncated: bool
    ended: Literal["exited", "signalled", "timeout", "output", "cancelled"]
    confinement: str
    """What confined it, for example `bubblewrap` or `landlock+netns`."""
    refused: tuple[str, ...] = ()
    """Hosts it was kept from reaching, with the reason."""


class Program(Protocol):
    """A program that was started and is spoken to; it ends when whoever opened it lets it go."""

    async def read_line(self) -> bytes:
        """Its next line with the line's end; empty once it writes no more.

        Raises `SandboxFailed` for a line above the bound.
        """
        ...

    async def write(self, content: bytes) -> None:
        """Bytes for its standard input. Raises `SandboxFailed` once it reads no more."""
        ...

    def close_input(self) -> None:
        """The end of its standard input."""
        ...

    def take_refused(self) -> tuple[str, ...]:
        """Hosts it was kept from reaching since this was asked last, with the reason."""
        ...
