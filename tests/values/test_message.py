"""Messages are made of parts that say where they came from."""

import pytest
from pydantic import ValidationError

from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import (
    CallPart,
    DocumentPart,
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
        Message.model_validate_json('{"role":"user","parts":[{"kind":"audio"}]}')
    with pytest.raises(ValidationError, match="role"):
        Message.model_validate_json('{"role":"system","parts":[]}')


def test_images_and_documents_are_kept_by_their_digest() -> None:
    user = Origin(kind="user")
    picture = image(b"png", "image/png", user)
    letter = document(b"%PDF /Type /Page", PDF, user, clean("letter"))
    told = Message(role="user", parts=(picture, letter))
    assert told.media == (picture, letter)
    assert (told.text, told.calls) == ("", ())
    assert Message.model_validate_json(told.model_dump_json(exclude_defaults=True)) == told


def test_a_pdf_has_pages_or_its_tokens_had_no_bound() -> None:
    letter = document(b"%PDF /Type /Page", PDF, Origin(kind="user"))
    with pytest.raises(ValidationError, match="a PDF without pages"):
        DocumentPart.model_validate(letter.model_dump() | {"pages": 0})


def test_an_item_that_is_not_there_changes_no_digest_of_older_journals() -> None:
    plain = ThinkingPart(text=clean("hm"), signature="sig", origin=MODEL)
    assert '"item"' not in plain.model_dump_json()
    named = ThinkingPart(text=clean("hm"), item="rs_1", origin=MODEL)
    assert ThinkingPart.model_validate_json(named.model_dump_json()) == named
