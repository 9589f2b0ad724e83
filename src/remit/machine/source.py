"""What lies behind tools that are not functions of the program: an API, a server."""

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from remit.errors import SpecError
from remit.values.command import Command, Program
from remit.values.ids import check_name

_TOOL_CHARS = 64  # what every provider takes as a tool's name
_DIGEST_CHARS = 8
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+", re.ASCII)


class ToolSource(Protocol):
    """Something that several tools share, and that is let go of when the app closes."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def close(self) -> None:
        """End connections and processes; the source may be used again after."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What a process offers to a source that starts programs: a sandbox, and folders by name."""

    open: Callable[[Command], AbstractAsyncContextManager[Program]]
    """Start a program in the sandbox; journal and keys are out of its sight."""
    place: Callable[[str, str, str], str]
    """The folder that a path with `{tenant}` or `{user}` means for a tenant and user."""
    environment: str = "dev"
    stopped: Callable[[str, str, str, str], None] = lambda _server, _tool, _accepted, _offered: None
    """Tell operators of a tool that is not what was accepted: digests of both, or empty."""


@runtime_checkable
class Housed(Protocol):
    """A source that starts programs."""

    def settle(self, house: House) -> None:
        """Start them there from now on. Raises `SpecError` where that environment forbids it."""
        ...


def snake(text: str) -> str:
    """A name of elsewhere in the letters that every provider takes: `getTicket` is `get_ticket`."""
    return "_".join(word.lower() for word in _WORDS.findall(text))


def check_source(kind: str, name: str) -> str:
    """The name of a source. Raises `SpecError`."""
    check_name(kind, name)
    if snake(name) != name:
        raise SpecError(f"{kind} {name!r}: write it with a-z, 0-9 and '_', as {snake(name)!r}")
    return name


def tool_name(source: str, name: str) -> str:
    """`source_name`, as providers take it. Raises `SpecError` for one without a letter or digit."""
    made = f"{source}_{snake(name)}"
    if not snake(name) or len(made) > _TOOL_CHARS:
        raise SpecError(
            f"{source}/{name}: as a tool's name it is empty or longer than {_TOOL_CHARS}; give it "
            "another in `names`"
        )
    return made
