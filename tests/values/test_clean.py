"""Only text that passed redaction is `Clean`; JSON of the journal was clean when it was written."""

import pytest
from pydantic import BaseModel, ValidationError

from remit.values.clean import Clean


class Holder(BaseModel):
    text: Clean


@pytest.mark.requirement("SEC-1", "SEC-3")
def test_raw_text_is_refused_and_clean_text_taken() -> None:
    assert Holder(text=Clean.vouch("fine")).text == "fine"
    with pytest.raises(ValidationError, match="instance of Clean"):
        Holder(text="raw")  # type: ignore[arg-type] # what the test shows
    with pytest.raises(ValidationError, match="instance of Clean"):
        Holder.model_validate({"text": "raw"})


def test_json_comes_back_as_clean_text() -> None:
    holder = Holder(text=Clean.vouch("ä\u2028"))
    again = Holder.model_validate_json(holder.model_dump_json())
    assert again == holder
    assert isinstance(again.text, Clean)
    with pytest.raises(ValidationError, match="valid string"):
        Holder.model_validate_json('{"text":7}')


def test_clean_is_text_without_more() -> None:
    clean = Clean.vouch("a")
    assert clean == "a"
    assert not hasattr(clean, "__dict__")
    assert type(clean + "b") is str  # what is put together has to be looked at again
