"""What both protocols of the simulated OpenAI service have in common."""

import json

import pytest

from remit.errors import ProviderError
from remit.simulator.openai import (
    REQUESTS_PER_MINUTE,
    check_format,
    check_function,
    is_own,
    key_of,
    limit_headers,
    model_list,
    segments_of,
)
from remit.wire.jsontext import Json


@pytest.mark.parametrize(
    ("found", "key"),
    [
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "bearer  k "}, "k"),
        ({"api-key": " k "}, "k"),
    ],
)
def test_keys_come_in_two_headers(found: dict[str, str], key: str) -> None:
    assert key_of(found) == key


@pytest.mark.parametrize("found", [{}, {"authorization": "Basic k"}, {"api-key": ""}])
def test_a_missing_key(found: dict[str, str]) -> None:
    with pytest.raises(ProviderError, match="You didn't provide an API key") as caught:
        key_of(found)
    assert caught.value.kind == "auth"


def test_limits_never_fall_below_zero() -> None:
    found = limit_headers(REQUESTS_PER_MINUTE + 5, 0, window_left_ms=1500)
    assert found["x-ratelimit-remaining-requests"] == "0"
    assert found["x-ratelimit-reset-requests"] == "1.5s"
    assert found["x-ratelimit-limit-requests"] == str(REQUESTS_PER_MINUTE)


def test_models_are_listed() -> None:
    assert [row["id"] for row in json.loads(model_list(["a", "b"]))["data"]] == ["a", "b"]
    assert json.loads(model_list([]))["data"] == []


def test_segments_are_what_the_model_reads_in_order() -> None:
    found = segments_of(("a", None), ("b", "text"), ("c", ["x", {"y": True}]))
    assert [segment.content for segment in found] == [b'b\n"text"', b'c\n"x"', b'c\n{"y":true}']
    assert all(segment.is_breakpoint for segment in found)


@pytest.mark.parametrize(
    ("model", "own"), [("gpt-6-sol", True), ("o3", True), ("gpt-oss-120b", False), ("llama", False)]
)
def test_whose_models_they_are(model: str, *, own: bool) -> None:
    assert is_own(model) is own


def test_functions() -> None:
    loose: dict[str, Json] = {"name": "find", "parameters": {"type": "object"}}
    assert check_function("tools[0]", loose, strict_by_default=False) == "find"
    assert check_function("tools[0]", {**loose, "strict": False}, strict_by_default=True) == "find"
    strict: dict[str, Json] = {**loose, "strict": True}
    for demanding in (strict, loose):
        with pytest.raises(ProviderError, match="Invalid schema for function 'find'"):
            check_function("tools[0]", demanding, strict_by_default=True)
    odd: tuple[Json, ...] = (None, {"name": "a b"}, {"name": None})
    for nameless in odd:
        with pytest.raises(ProviderError, match=r"Invalid 'tools\[3\].name'"):
            check_function("tools[3]", nameless, strict_by_default=False)


def test_formats() -> None:
    form: dict[str, Json] = {"type": "json_schema"}
    check_format(None, None)
    check_format({"type": "text"}, None)
    check_format(form, {"name": "x", "schema": {}})
    with pytest.raises(ProviderError, match="Invalid name of the response format"):
        check_format(form, None)
    with pytest.raises(ProviderError, match="Invalid schema for response_format 'x'"):
        check_format(form, {"name": "x", "strict": True, "schema": {"type": "object"}})
