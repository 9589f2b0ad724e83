"""A discriminator is stored although it is at its default."""

from typing import Literal

from pydantic import BaseModel

from remit.values.tag import tag


class Tagged(BaseModel):
    kind: Literal["a"] = tag("a")
    count: int = 1


def test_the_tag_is_stored_and_other_defaults_are_not() -> None:
    assert Tagged().model_dump_json(exclude_defaults=True) == '{"kind":"a"}'
    assert Tagged(count=2).model_dump_json(exclude_defaults=True) == '{"kind":"a","count":2}'
