"""Requests as they come in: short forms, mistakes with their place, and no body that breaks it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.message import DocumentPart, ImagePart, ResultPart
from remit.values.model import ModelRequest, ToolSchema
from remit.wire.anthropic.request import encode_request
from remit.wire.anthropic.request_decode import decode_request
from tests.wire.anthropic.turns import answered, called, request, said
from tests.wire.strategies import json_objects

clean = Clean.vouch


def decoded(**members: object) -> ModelRequest:
    body = {"model": "m", "max_tokens": 9, "messages": [], **members}
    return decode_request(json.dumps(body).encode(), clean)


def test_short_forms_are_understood() -> None:
    found = decoded(
        messages=[
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": "ho"},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "x"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "y",
                        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                    },
                ],
            },
        ],
        system=[{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
        tools=[{"name": "t", "input_schema": {"type": "object"}, "type": "custom"}],
        thinking={"type": "disabled"},
    )
    assert found.system == "one\ntwo"
    assert found.messages[0] == said("hi")
    assert found.messages[1] == said("ho", "assistant")
    results = [part for part in found.messages[2].parts if isinstance(part, ResultPart)]
    assert [(part.call, part.text, part.tool) for part in results] == [
        ("x", "", ""),
        ("y", "a\nb", ""),
    ]
    assert found.tools == (ToolSchema("t", "", '{"type":"object"}'),)
    assert found.thinking_tokens == 0
    assert not found.stream
    assert decoded(system="one").system == "one"


def test_what_a_tool_shows_stands_after_its_result() -> None:
    source = {"type": "base64", "data": "cG5n", "media_type": "image/png"}
    note = {"type": "text", "data": "hi", "media_type": "text/plain"}
    content = [
        {"type": "text", "text": "see"},
        {"type": "image", "source": source},
        {"type": "document", "source": note, "title": "n"},
    ]
    found = decoded(
        messages=[
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "x", "content": content}],
            }
        ]
    )
    result, picture, document = found.messages[0].parts
    assert isinstance(result, ResultPart)
    assert isinstance(picture, ImagePart)
    assert isinstance(document, DocumentPart)
    assert result.text == "see"
    assert (document.name, document.origin.kind) == ("n", "tool")
    assert found.media == {picture.digest: b"png", document.digest: b"hi"}


def test_text_is_cleaned_on_its_way_in() -> None:
    body = encode_request(
        request(said("secret"), called('{"a":"secret"}'), answered("secret"), system="secret")
    )
    found = decode_request(body, lambda text: clean(text.replace("secret", "[gone]")))
    assert "secret" not in repr(found.messages)
    assert found.system == "secret"  # a plain text, cleaned by whoever makes a message of it


def shown(kind: str, source: dict[str, object]) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": [{"type": kind, "source": source}]}]}


WRONG: list[tuple[dict[str, object], str]] = [
    ({"max_tokens": None}, "max_tokens: Input should be a valid integer"),
    ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
    ({"foo": 1}, "foo: Extra inputs are not permitted"),
    ({"messages": {}}, "messages: Input should be a valid list"),
    ({"messages": [{"content": "x"}]}, "messages.0.role: Field required"),
    (
        {"messages": [{"role": "system", "content": "x"}]},
        "messages.0.role: Input should be 'user' or 'assistant'",
    ),
    ({"system": 1}, "system: Input should be a valid list"),
    ({"system": [{"type": "image"}]}, "system.0.type: Input should be 'text'"),
    ({"tools": [{"name": "x"}]}, "tools.0.input_schema: Field required"),
    ({"tools": [{"name": "x", "input_schema": 1}]}, "tools.0.input_schema: Input should be an"),
    (
        {"tools": [{"type": "web_search_20250305", "name": "w"}]},
        "server tool 'web_search_20250305'",
    ),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens: Field required"),
    (
        {"thinking": {"type": "enabled", "budget_tokens": 5}},
        "thinking.budget_tokens: Input should be greater than or equal to 1024",
    ),
    ({"thinking": {"type": "odd"}}, "thinking: Input tag 'odd' found using 'type'"),
    ({"stream": "yes"}, "stream: Input should be a valid boolean"),
    (
        {"messages": [{"role": "user", "content": [{"type": "audio"}]}]},
        "0: Input tag 'audio' found using 'type' does not match any of the expected tags: 'text', ",
    ),
    ({"output_config": {"effort": "some"}}, "output_config.effort: Input should be 'low', 'medi"),
    ({"output_config": {"format": {"type": "xml"}}}, "format.type: Input should be 'json_schema'"),
    (
        {"output_config": {"format": {"type": "json_schema", "schema": []}}},
        "output_config.format.schema: Input should be an object",
    ),
    (
        shown("image", {"type": "url", "url": "https://example.com/x.png"}),
        "messages.0.content.0.source: sources of type 'url' are not supported here, send 'base64'",
    ),
    (
        shown("image", {"type": "text", "data": "x", "media_type": "image/png"}),
        "messages.0.content.0.source: sources of type 'text' are not supported here",
    ),
    (
        shown("image", {"type": "base64", "data": "x", "media_type": "image/png"}),
        "messages.0.content.0.source: Invalid base64 data",
    ),
    (
        shown("image", {"type": "base64", "data": "", "media_type": "image/tiff"}),
        "media type 'image/tiff' is not taken; images are png, jpeg, gif or webp",
    ),
    (
        shown("document", {"type": "base64", "data": "", "media_type": "application/zip"}),
        "media type 'application/zip' is not taken; documents are application/pdf or text",
    ),
    (
        {"messages": [{"role": "assistant", "content": [{"type": "odd"}]}]},
        "messages.0.content.0: Input tag 'odd' found using 'type'",
    ),
    (
        {
            "messages": [
                {
                    "role": "assistant",
                    "content": [{"type": "tool_use", "id": "a", "name": "b", "input": "c"}],
                }
            ]
        },
        "messages.0.content.0.input: Input should be an object",
    ),
]


@pytest.mark.parametrize(("members", "words"), WRONG)
def test_a_wrong_request_is_refused_with_its_place(members: dict[str, object], words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        decoded(**members)
    assert words in str(caught.value)
    assert caught.value.kind == "bad_request"


def test_adaptive_thinking_reads_as_the_whole_limit() -> None:
    assert decoded(thinking={"type": "adaptive"}).thinking_tokens == 9
    assert decoded(thinking={"type": "between_tools"}).thinking_tokens == 9


@given(st.binary(max_size=100) | json_objects.map(str.encode))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_request(body, clean)
    assert caught.value.kind == "bad_request"
