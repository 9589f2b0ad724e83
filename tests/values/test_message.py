"""Messages are made of parts that say where they came from."""

import pytest
from pydantic import ValidationError

from remit.values.clean import Clean
from remit.values.message import (
    CallPart,
    Message,
    Origin,
    ResultPart,
    TextPart,
    ThinkingPart,
)

clean = Clean.vouch
MODEL = Origin(kind="model", name="anthropic:x")
CALL = CallPart(call="c1-1", tool="find", arguments=clean('{"a":1.10}'), origin=MODEL)
MESSAGE = Message(
    role="assistant",
    parts=(
        ThinkingPart(text=clean("hm"), signature="sig", origin=MODEL),
        TextPart(text=clean("I "), origin=MODEL),
        CALL,
        TextPart(text=clean("look"), origin=MODEL),
        ResultPart(call="c1-1", tool="find", text=clean("7"), origin=Origin(kind="tool")),
    ),
)


def test_text_and_calls_of_a_message() -> None:
    assert MESSAGE.text == "I look"
    assert MESSAGE.calls == (CALL,)
    assert Message(role="user", parts=()).text == ""


@pytest.mark.requirement("PERM-9")
def test_a_message_comes_back_with_its_origins() -> None:
    text = MESSAGE.model_dump_json(exclude_defaults=True)
    assert Message.model_validate_json(text) == MESSAGE
    assert '"arguments":"{\\"a\\":1.10}"' in text  # the number as it was written


def test_a_part_without_origin_or_of_unknown_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="origin"):
        Message.model_validate_json('{"role":"user","parts":[{"kind":"text","text":"a"}]}')
    with pytest.raises(ValidationError, match="does not match any of the expected tags"):
        Message.model_validate_json('{"role":"user","parts":[{"kind":"image"}]}')
    with pytest.raises(ValidationError, match="role"):
        Message.model_validate_json('{"role":"system","parts":[]}')
