"""Number lexemes survive, broken text is refused in clear words, and no surrogate gets through."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.wire.jsontext import (
    MAX_DEPTH,
    Joiner,
    Json,
    Number,
    embed_object,
    mend,
    parse,
    quote,
    write,
)
from tests.wire.strategies import json_values, lexemes

any_text = st.text(st.characters(exclude_categories=()))


@given(json_values)
def test_what_was_written_reads_the_same(value: Json) -> None:
    assert parse(write(value)) == value
    assert parse(write(value).encode()) == value
    json.loads(write(value), parse_int=str)  # the reader of the standard library agrees


@given(lexemes)
def test_numbers_keep_every_digit(lexeme: str) -> None:
    assert parse(lexeme) == Number(lexeme)
    assert write(Number(lexeme)) == lexeme


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a":', "not JSON"),
        ("NaN", "NaN is not JSON"),
        ("[Infinity]", "Infinity is not JSON"),
        ("", "not JSON"),
        (b"\xff", "not UTF-8 at byte 0"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_not_json_is_malformed(text: str | bytes, words: str) -> None:
    with pytest.raises(ProviderError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert caught.value.kind == "malformed"


def test_deep_nesting_is_refused_when_written() -> None:
    deepest = parse("[" * MAX_DEPTH + "1" + "]" * MAX_DEPTH)
    assert write(deepest).startswith("[[")
    with pytest.raises(ProviderError, match="nested deeper than 100"):
        write([deepest])


@pytest.mark.parametrize("text", ['{"a": 1.10}', "{}", ' {"a":1e400} ', '{"n":' + "9" * 5000 + "}"])
def test_an_object_is_spliced_as_it_stands(text: str) -> None:
    assert embed_object(text) == text


@pytest.mark.parametrize("text", ["", "[]", "1", '{"a":', '{"a":NaN}', "[" * 100_000])
def test_what_is_no_object_is_not_spliced(text: str) -> None:
    assert embed_object(text) is None


@given(any_text)
def test_mended_text_can_be_encoded(text: str) -> None:
    mended = mend(text)
    assert mended.encode().decode() == mended
    assert json.loads(quote(text)) == mended
    assert mend(mended) == mended


def test_mending() -> None:
    assert mend("ä😀") == "ä😀"
    assert mend("a\ud83d") == "a�"
    assert mend("\ude00a") == "�a"
    assert mend("\ud83d\ude00") == "😀"


@given(any_text, st.lists(st.integers(0, 100)))
def test_pieces_join_to_the_mended_whole(text: str, places: list[int]) -> None:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    joiner = Joiner()
    joined = "".join(joiner.push(text[start:end]) for start, end in pairwise(edges))
    assert joined + joiner.flush() == mend(text)


def test_half_a_character_waits_for_the_other() -> None:
    joiner = Joiner()
    assert joiner.push("a\ud83d") == "a"
    assert joiner.push("\ude00") == "😀"
    assert joiner.flush() == ""
    assert joiner.push("\ud83d") == ""
    assert joiner.push("b") == "�b"
