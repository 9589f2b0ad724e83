"""Discriminator fields are always stored, although other fields at their default are not."""

from typing import TypeVar

from pydantic import Field

T = TypeVar("T", bound=str)


def tag(value: T) -> T:
    """The default of a discriminator field.

    A default made by a factory that takes the data is not dropped by `exclude_defaults`, so a
    stored union can be read.
    """
    return Field(default_factory=lambda _data: value)
