"""A credential for one call: shown to nobody but whoever asks for it by name."""

import base64
from dataclasses import dataclass
from typing import NoReturn

from typing_extensions import override

from remit.errors import ConfigError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """For whom and for what a credential is asked for."""

    name: str
    """What the tool calls it: `@tool(credential="crm")`."""
    tenant: str
    tool: str
    user: str = ""
    """The user whom the run serves, for those that act in a user's name."""


class Credential:
    """A secret with its end. It is in no repr, no JSON and no pickle; `reveal` gives it away."""

    __slots__ = ("_text", "expires_ms", "name")

    def __init__(self, text: str, *, name: str = "", expires_ms: int | None = None) -> None:
        """`expires_ms`: when it ends (Unix, ms); None: it does not say.

        Raises `ConfigError` for what cannot stand in a header.
        """
        text = text.strip()  # a file often ends with a newline
        if not text or not text.isascii() or not text.isprintable():
            raise ConfigError(
                f"the credential {name!r} is empty or has characters that no header takes; was it "
                "copied whole and alone?"
            )
        self._text = text
        self.name = name
        self.expires_ms = expires_ms

    def reveal(self) -> str:
        """The secret itself: for the system it is for, and for nothing else."""
        return self._text

    def header(self, scheme: str = "Bearer") -> str:
        """The value of a header `Authorization`: `Bearer …`, or `Basic …` of `user:password`."""
        if scheme.lower() == "basic":
            return f"Basic {base64.b64encode(self._text.encode()).decode()}"
        return f"{scheme} {self._text}" if scheme else self._text

    @override
    def __repr__(self) -> str:
        return f"Credential({self.name!r}, …)"

    @override
    def __reduce__(self) -> NoReturn:
        raise UsageError("a credential is not pickled; ask for it where it is used")
