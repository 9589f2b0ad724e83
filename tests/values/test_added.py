"""A field that was added later is written only where it says something."""

import pytest
from pydantic import BaseModel, ValidationError

from remit.values.added import added


class Old(BaseModel):
    name: str


class New(Old):
    count: int = added(3, ge=0)
    flag: bool = added(default=False)


def test_a_text_from_before_the_field_is_written_as_it_was() -> None:
    old = Old(name="x").model_dump_json()
    new = New.model_validate_json(old)
    assert (new.count, new.flag) == (3, False)
    assert new.model_dump_json() == old


def test_what_says_something_is_written_and_checked() -> None:
    new = New(name="x", count=4, flag=True)
    assert New.model_validate_json(new.model_dump_json()) == new
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        New(name="x", count=-1)
