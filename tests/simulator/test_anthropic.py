"""The simulated service refuses what the real one refuses, and counts what it caches."""

import json

import pytest
from hypothesis import given

from remit.errors import ProviderError
from remit.simulator.anthropic import AnthropicEndpoint
from remit.simulator.compose import redacted, signature, tokens
from remit.values.bound import input_bound
from remit.values.clean import Clean
from remit.values.model import ModelRequest
from remit.wire.anthropic.request import encode_request, headers
from remit.wire.anthropic.request_decode import decode_request
from remit.wire.jsontext import Json, parse
from tests.wire.strategies import requests

ENDPOINT = AnthropicEndpoint()
Block = dict[str, object]


def body(*messages: object, **members: object) -> dict[str, object]:
    return {
        "model": "claude-haiku-4-5-20251001",
        "max_tokens": 5000,
        "messages": list(messages) or [said("user", "hi")],
        **members,
    }


def said(role: str, *content: str | Block) -> Block:
    return {"role": role, "content": content[0] if isinstance(content[0], str) else list(content)}


def use(call: str = "toolu_1") -> Block:
    return {"type": "tool_use", "id": call, "name": "find", "input": {}}


def result(call: str = "toolu_1", **more: object) -> Block:
    return {"type": "tool_result", "tool_use_id": call, "content": "x", **more}


def text(words: str, **more: object) -> Block:
    return {"type": "text", "text": words, **more}


def tree(given: dict[str, object]) -> dict[str, Json]:
    found = parse(json.dumps(given))
    assert isinstance(found, dict)
    return found


def check(given: dict[str, object], version: str = "2026-10-21") -> None:
    request = decode_request(json.dumps(given).encode(), Clean.vouch)
    ENDPOINT.check(headers("k", version), tree(given), request)


CALL = said("assistant", use())
GOOD: dict[str, dict[str, object]] = {
    "a question": body(),
    "a loop": body(said("user", "a"), CALL, said("user", result())),
    "results, then text": body(said("user", "a"), CALL, said("user", result(), text("go on"))),
    "neighbours of one role": body(
        said("user", "a"), said("user", "b"), CALL, said("user", result()), said("user", "c")
    ),
    "two results in two messages": body(
        said("user", "a"),
        said("assistant", use("a"), use("b")),
        said("user", result("a")),
        said("user", result("b")),
    ),
    "a prefill on an older model": body(said("user", "a"), said("assistant", "It is")),
    "signed thinking": body(
        said("user", "a"),
        said(
            "assistant",
            {"type": "thinking", "thinking": "hm", "signature": signature("hm")},
            {"type": "redacted_thinking", "data": redacted("x")},
            text("b"),
        ),
        said("user", "c"),
    ),
    "a budget": body(thinking={"type": "enabled", "budget_tokens": 2000}),
    "both ways to think on 4.6": body(
        model="claude-opus-4-6", thinking={"type": "enabled", "budget_tokens": 2000}
    ),
    "adaptive thinking": body(model="claude-sonnet-5", thinking={"type": "adaptive"}),
    "four breakpoints": body(
        said("user", *(text("x", cache_control={"type": "ephemeral"}) for _ in range(4)))
    ),
    "an empty last answer": body(said("user", "a"), {"role": "assistant", "content": []}),
}


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("case", GOOD)
def test_what_the_service_takes(case: str) -> None:
    check(GOOD[case])


FEW = "all messages must have non-empty content except for the optional final assistant message"
UNANSWERED = "messages.1: `tool_use` ids were found without `tool_result` blocks"
WRONG: dict[str, dict[str, object]] = {
    "messages: at least one message is required": body() | {"messages": []},
    'messages: first message must use the "user" role': body(said("assistant", "a")),
    f"messages.0: {FEW}": body({"role": "user", "content": []}),
    f"messages.1: {FEW}": body(
        said("user", "a"), {"role": "assistant", "content": []}, said("user", "b")
    ),
    "messages: text content blocks must be non-empty": body(said("user", text(""))),
    "messages: text content blocks must contain non-whitespace text": body(
        said("user", text(" \n"))
    ),
    f"{UNANSWERED} immediately after: toolu_1": body(said("user", "a"), CALL, said("user", "b")),
    f"{UNANSWERED} immediately after: toolu_1. Each": body(
        said("user", "a"), CALL, said("user", text("b"), result())
    ),
    UNANSWERED: body(said("user", "a"), CALL),
    "messages.0.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_1": body(
        said("user", result())
    ),
    "messages.2.content.1: each tool_use must have a single result": body(
        said("user", "a"), CALL, said("user", result(), result())
    ),
    "messages.1: `tool_use` ids must be unique": body(
        said("user", "a"), said("assistant", use(), use()), said("user", result())
    ),
    "messages.1.content.tool_use.id: String should match": body(
        said("user", "a"), said("assistant", use("a b")), said("user", result("a b"))
    ),
    "messages.1.content.0: Invalid `signature` in `thinking` block": body(
        said("user", "a"),
        said(
            "assistant",
            {"type": "thinking", "thinking": "changed", "signature": signature("hm")},
            text("b"),
        ),
        said("user", "c"),
    ),
    "messages.1.content.0: Invalid `data` in `redacted_thinking` block": body(
        said("user", "a"),
        said("assistant", {"type": "redacted_thinking", "data": "eHh4"}, text("b")),
        said("user", "c"),
    ),
    "tools.0.custom.name: String should match pattern": body(
        tools=[{"name": "a b", "input_schema": {}}]
    ),
    "tools: Tool names must be unique.": body(tools=[{"name": "a", "input_schema": {}}] * 2),
    "`max_tokens` must be greater than `thinking.budget_tokens`": body(
        thinking={"type": "enabled", "budget_tokens": 5000}
    ),
    '"thinking.type.enabled" is not supported for this model': body(
        model="claude-sonnet-5", thinking={"type": "enabled", "budget_tokens": 2000}
    ),
    "adaptive thinking is not supported on this model": body(thinking={"type": "adaptive"}),
    "This model does not support assistant message prefill": body(
        said("user", "a"), said("assistant", "It is"), model="claude-sonnet-5"
    ),
    "A maximum of 4 blocks with cache_control may be provided. Found 5.": body(
        said("user", *(text("x", cache_control={"type": "ephemeral"}) for _ in range(5)))
    ),
    "temperature: Extra inputs are not permitted": body(temperature=1),
}


@pytest.mark.requirement("TST-3")
@pytest.mark.parametrize("words", WRONG)
def test_what_the_service_refuses(words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        check(WRONG[words])
    assert str(caught.value).startswith(words)
    assert caught.value.kind == "bad_request"


def test_versions_differ() -> None:
    check(body(temperature=1), version="2023-06-01")
    with pytest.raises(ProviderError, match="anthropic-version: header is required"):
        check(body(), version="")
    with pytest.raises(ProviderError, match='"2024-01-01" is not a valid version'):
        check(body(), version="2024-01-01")


@pytest.mark.parametrize(
    ("found", "key"),
    [
        ({"x-api-key": " k "}, "k"),
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer k", "x-api-key": "first"}, "first"),
    ],
)
def test_keys_come_in_two_headers(found: dict[str, str], key: str) -> None:
    assert ENDPOINT.key_of(found) == key


@pytest.mark.parametrize("found", [{}, {"x-api-key": ""}, {"authorization": "Basic k"}])
def test_a_missing_key(found: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match="x-api-key header is required") as caught:
        ENDPOINT.key_of(found)
    assert caught.value.kind == "auth"


def test_segments_are_what_the_model_reads_in_order() -> None:
    mark = {"cache_control": {"type": "ephemeral"}}
    tool = {"name": "t", "input_schema": {}}
    marked = body(
        said("user", "a"),
        said("assistant", text("b", **mark)),
        tools=[tool | mark],
        system="Be kind.",
    )
    found = ENDPOINT.segments(tree(marked))
    assert [segment.is_breakpoint for segment in found] == [True, False, False, True]
    assert [segment.content.split(b"\n")[0] for segment in found] == [
        b"tool",
        b"system",
        b"message:user",
        b"message:assistant",
    ]
    # A mark does not change what is cached.
    bare = body(said("user", "a"), said("assistant", text("b")), tools=[tool], system="Be kind.")
    assert [segment.content for segment in ENDPOINT.segments(tree(bare))] == [
        segment.content for segment in found
    ]


def test_automatic_caching_marks_the_last_block() -> None:
    found = ENDPOINT.segments(tree(body(cache_control={"type": "ephemeral"})))
    assert [segment.is_breakpoint for segment in found] == [True]


def test_limits_never_fall_below_zero() -> None:
    found = ENDPOINT.limit_headers(10**6, 0, window_left_ms=5)
    assert found["anthropic-ratelimit-requests-remaining"] == "0"
    assert found["anthropic-ratelimit-requests-reset"] == "1970-01-01T00:00:00.005000Z"


def test_models_are_listed() -> None:
    listed = json.loads(ENDPOINT.model_list(["a", "b"]))
    assert [row["id"] for row in listed["data"]] == ["a", "b"]
    assert (listed["first_id"], listed["last_id"]) == ("a", "b")
    assert json.loads(ENDPOINT.model_list([]))["first_id"] is None


@pytest.mark.requirement("BUD-7")
@given(requests())
def test_no_request_counts_more_than_its_bound(given: ModelRequest) -> None:
    root = parse(encode_request(given))
    assert isinstance(root, dict)
    segments = ENDPOINT.segments(root)
    assert tokens(sum(len(segment.content) for segment in segments)) <= input_bound(given)
