"""A cursor over parsed JSON that names the place of everything it misses."""

import re
from collections.abc import Collection, Iterator
from typing import Self

from remit.errors import ProviderError
from remit.values.model import FailureKind
from remit.wire.jsontext import Json, Number, mend, parse, write

# A token count or limit beyond 15 digits is nonsense, and int() of a long text is slow.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})", re.ASCII)


class Node:
    """A value at a place in a JSON document.

    Every reading method raises `ProviderError` that says where and what was expected, in the
    wording the providers' own servers use: `messages.0.content: Field required`.
    """

    __slots__ = ("_about", "_key", "_kind", "_parent", "value")

    def __init__(
        self,
        value: Json,
        kind: FailureKind,
        about: str = "",
        parent: "Node | None" = None,
        key: str | int = "",
    ) -> None:
        self.value = value
        self._kind = kind
        self._about = about
        self._parent = parent
        self._key = key

    @classmethod
    def of(cls, text: str | bytes, *, kind: FailureKind, about: str = "") -> Self:
        """The root of a JSON document; `about` begins every message."""
        try:
            return cls(parse(text), kind, about)
        except ProviderError as exc:
            raise ProviderError(f"{about}{exc}", kind=kind) from None

    def fail(self, message: str) -> ProviderError:
        """An error at this place."""
        place = self.place()
        head = f"{place}: " if place else ""
        return ProviderError(f"{self._about}{head}{message}", kind=self._kind)

    def place(self) -> str:
        """Where this is, as `messages.0.content`; empty for the root."""
        # Put together only when asked: a stream makes thousands of nodes that never fail.
        if self._parent is None:
            return ""
        head = self._parent.place()
        return f"{head}.{self._key}" if head else str(self._key)

    def _child(self, key: str | int, value: Json) -> "Node":
        return Node(value, self._kind, self._about, self, key)

    def members(self) -> dict[str, Json]:
        """The object at this place."""
        if not isinstance(self.value, dict):
            raise self.fail("Input should be an object")
        return self.value

    def only(self, known: Collection[str]) -> Self:
        """This object, refused if it has a member that is not known."""
        for key, value in self.members().items():
            if key not in known:
                raise self._child(key, value).fail("Extra inputs are not permitted")
        return self

    def get(self, key: str) -> "Node":
        """A member that must be there."""
        members = self.members()
        if key not in members:
            raise self._child(key, None).fail("Field required")
        return self._child(key, members[key])

    def find(self, key: str) -> "Node | None":
        """A member that may be missing or null."""
        value = self.members().get(key)
        return None if value is None else self._child(key, value)

    def items(self) -> "Iterator[Node]":
        """The elements of the array at this place."""
        if not isinstance(self.value, list):
            raise self.fail("Input should be a valid list")
        return (self._child(index, item) for index, item in enumerate(self.value))

    def text(self) -> str:
        """The string at this place, safe to be encoded."""
        return mend(self.raw_text())

    def raw_text(self) -> str:
        """The string at this place, perhaps with half a surrogate pair at an end."""
        if not isinstance(self.value, str):
            raise self.fail("Input should be a valid string")
        return self.value

    def boolean(self) -> bool:
        """The boolean at this place."""
        if not isinstance(self.value, bool):
            raise self.fail("Input should be a valid boolean")
        return self.value

    def integer(self, minimum: int = 0) -> int:
        """The integer at this place."""
        if not isinstance(self.value, Number) or not _INTEGER.fullmatch(self.value.lexeme):
            raise self.fail("Input should be a valid integer")
        number = int(self.value.lexeme)
        if number < minimum:
            raise self.fail(f"Input should be greater than or equal to {minimum}")
        return number

    def count(self, key: str) -> int:
        """A count among the members, 0 if missing or null."""
        found = self.find(key)
        return 0 if found is None else found.integer()

    def json(self) -> str:
        """The value as compact JSON text."""
        try:
            return write(self.value)
        except ProviderError as exc:
            raise self.fail(str(exc)) from None
