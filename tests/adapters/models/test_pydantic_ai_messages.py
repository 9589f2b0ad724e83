"""Every part of a conversation and of an answer has its place in pydantic-ai's messages."""

import json

import pytest
from pydantic_ai import messages as theirs

from remit.adapters.models.pydantic_ai_messages import (
    Details,
    answered_parts,
    details_of,
    sent_messages,
)
from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.media import PDF, digest_of, document, image
from remit.values.message import (
    CallPart,
    Message,
    Origin,
    Part,
    ResultPart,
    TextPart,
    ThinkingPart,
)
from remit.values.model import ModelRequest, RawCall, RawPart, RawText, RawThinking

USER, MODEL, TOOL = Origin(kind="user"), Origin(kind="model"), Origin(kind="tool", name="find")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
PAGES = b"%PDF-1.4\n1 0 obj\n<< /Type /Page >>\nendobj\n"
clean = Clean.vouch


def asked(*messages: Message, system: str = "", **media: bytes) -> ModelRequest:
    return ModelRequest(
        model="m",
        system=system,
        messages=messages,
        max_output_tokens=100,
        media={digest_of(each): each for each in media.values()},
    )


def user(*parts: Part) -> Message:
    return Message(role="user", parts=parts)


def words(text: str) -> TextPart:
    return TextPart(text=clean(text), origin=USER)


def test_a_question_with_a_picture_and_documents() -> None:
    note = document(b"a note", "text/plain", USER)
    parts = (
        words("look"),
        image(PNG, "image/png", USER),
        document(PAGES, PDF, USER),
        note,
        words(" "),
    )
    request = asked(user(*parts), system="Be kind.", a=PNG, b=PAGES, c=b"a note")
    (sent,) = sent_messages(request, "bedrock")
    assert isinstance(sent, theirs.ModelRequest)
    assert sent.instructions == "Be kind."
    (prompt,) = sent.parts
    assert isinstance(prompt, theirs.UserPromptPart)
    assert not isinstance(prompt.content, str)
    text, picture, pages, written = prompt.content
    assert (text, written) == ("look", "a note")
    assert isinstance(picture, theirs.BinaryContent)
    assert isinstance(pages, theirs.BinaryContent)
    assert (picture.data, picture.media_type) == (PNG, "image/png")
    assert (pages.data, pages.media_type) == (PAGES, PDF)


def test_results_stand_first_and_keep_their_names() -> None:
    call = CallPart(
        call="c1", provider_id="p1", tool="find", arguments=clean('{"n":1.10}'), origin=MODEL
    )
    good = ResultPart(call="c1", provider_id="p1", tool="find", text=clean("7"), origin=TOOL)
    bad = good.model_copy(update={"call": "c2", "provider_id": "", "is_error": True})
    request = asked(
        user(words("go")), Message(role="assistant", parts=(call,)), user(words("hurry"), good, bad)
    )
    _, said, back = sent_messages(request, "bedrock")
    assert isinstance(said, theirs.ModelResponse)
    (made,) = said.parts
    assert isinstance(made, theirs.ToolCallPart)
    assert (made.tool_call_id, made.args) == ("p1", '{"n":1.10}')
    assert isinstance(back, theirs.ModelRequest)
    # The order in a turn is kept for results; what else is said comes behind them.
    first, second, prompt = back.parts
    assert isinstance(first, theirs.ToolReturnPart)
    assert isinstance(second, theirs.ToolReturnPart)
    assert isinstance(prompt, theirs.UserPromptPart)
    assert (first.tool_call_id, first.outcome) == ("p1", "success")
    assert (second.tool_call_id, second.outcome) == ("c2", "failed")
    assert prompt.content == "hurry"


def test_a_conversation_that_ends_with_an_answer_gets_an_empty_request() -> None:
    answer = Message(role="assistant", parts=(words("half"), words("")))
    sent = sent_messages(asked(user(words("go")), answer, system="S"), "bedrock")
    assert [type(each).__name__ for each in sent] == [
        "ModelRequest",
        "ModelResponse",
        "ModelRequest",
    ]
    assert isinstance(sent[-1], theirs.ModelRequest)
    assert sent[-1].instructions == "S"


def test_nothing_is_refused() -> None:
    empty = Message(role="assistant", parts=(words(" "),))
    with pytest.raises(ProviderError, match="nothing to send") as caught:
        sent_messages(asked(user(words(" ")), empty), "bedrock")
    assert caught.value.kind == "bad_request"


ANSWERS: list[list[theirs.ModelResponsePart]] = [
    [theirs.TextPart("hello")],
    [theirs.ThinkingPart("hm", signature="sig", provider_name="bedrock"), theirs.TextPart("x")],
    [theirs.ThinkingPart("", id="redacted_content", signature="blob", provider_name="bedrock")],
    [
        theirs.ThinkingPart(
            "why", id="rs_1", provider_name="bedrock", provider_details={"raw": ["a"]}
        ),
        theirs.TextPart("b", id="msg_1", provider_name="bedrock"),
        theirs.ToolCallPart(
            "find",
            '{"n": 1.10}',
            "call_1",
            id="fc_1",
            provider_name="bedrock",
            provider_details={"thought_signature": "…"},
        ),
        theirs.ToolCallPart("find", "{}", "call_2"),
    ],
]


@pytest.mark.requirement("PROV-1")
@pytest.mark.parametrize("parts", ANSWERS)
def test_an_answer_goes_back_as_it_came(parts: list[theirs.ModelResponsePart]) -> None:
    """Through our parts, as the journal keeps them, and back into theirs."""
    left_out: list[str] = []
    raw = list(answered_parts(theirs.ModelResponse(parts=parts), left_out))
    assert left_out == []
    said = Message(role="assistant", parts=tuple(map(kept, raw)))
    _, back, _ = sent_messages(asked(user(words("go")), said), "bedrock")
    assert isinstance(back, theirs.ModelResponse)
    assert list(back.parts) == parts
    assert back.provider_name == "bedrock"


def kept(part: RawPart) -> Part:
    match part:
        case RawText(text):
            return TextPart(text=clean(text), origin=MODEL)
        case RawThinking(text, signature, redacted, item):
            return ThinkingPart(
                text=clean(text), signature=signature, redacted=redacted, item=item, origin=MODEL
            )
        case RawCall(provider_id, tool, arguments):
            return CallPart(
                call="c",
                provider_id=provider_id,
                tool=tool,
                arguments=clean(arguments),
                origin=MODEL,
            )


def test_what_has_no_place_is_named() -> None:
    left_out: list[str] = []
    odd = {"when": object()}
    parts: list[theirs.ModelResponsePart] = [
        theirs.TextPart(""),
        theirs.TextPart("a", provider_name="x", provider_details=odd),
        theirs.FilePart(content=theirs.BinaryContent(data=PNG, media_type="image/png")),
        theirs.ToolCallPart("find", {"n": "ä"}, "c1"),
        theirs.ToolCallPart("find", None, "c2"),
        theirs.ToolCallPart("find", "", "c3"),
    ]
    raw = list(answered_parts(theirs.ModelResponse(parts=parts), left_out))
    assert raw == [
        RawText("a"),
        RawCall("c1", "find", '{"n": "ä"}'),
        RawCall("c2", "find", "{}"),
        RawCall("c3", "find", "{}"),
    ]
    assert left_out == ["details of a part 'text', which are no JSON", "part 'file'"]


@pytest.mark.parametrize(
    "text", ["", "opaque", '{"remit.pydantic-ai":', '{"remit.pydantic-ai":{"x":1}}']
)
def test_other_opaque_texts_are_no_details(text: str) -> None:
    assert details_of(text) == Details()


def test_details_are_plain_json() -> None:
    known = Details("id", "bedrock", {"a": [1]})
    assert details_of(known.text()) == known
    assert list(json.loads(known.text())) == ["remit.pydantic-ai"]
    assert Details(None, "bedrock", {}).text() == ""
