"""Fields that a declaration gained later: left out of its text at their default."""

from typing import TypeVar

from pydantic import Field

T = TypeVar("T")


def added(default: T, *, ge: int | None = None) -> T:
    """A field whose default is not written.

    So a declaration that was stored before the field existed keeps its text, and its digest.
    """

    def is_default(value: object) -> bool:
        return value == default

    field: T = Field(default=default, ge=ge, exclude_if=is_default)
    return field
