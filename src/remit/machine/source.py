"""What lies behind tools that are not functions of the program: an API, a server."""

import re
from typing import Protocol

from remit.errors import SpecError
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
