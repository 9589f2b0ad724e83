"""JSON as rules read it: escapes undone, with the way back to where each piece stood."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.policy.json_text import hides, read_json
from remit.policy.secret_scan import Region

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize(
    ("text", "yes"), [('"\\u0041"', True), ('"http:\\/\\/"', True), ('"\\n\\""', False)]
)
def test_some_escapes_can_hide_a_keyword(text: str, yes: bool) -> None:
    assert hides(text.encode()) is yes


@pytest.mark.parametrize("text", ["", "{", "abc", '{"a": 1', "[" * 100_000, '"\x01"', "'a'"])
def test_other_text_is_not_json(text: str) -> None:
    assert read_json(text, text.encode()) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('{"a": 1.10}', '{"a": 1.10}'),
        ('"\\u0041\\/\\t"', '"A/\t"'),
        ('"\\"\\\\u0041"', '"\\"\\\\u0041"'),
        ('"\\ud83d\\ude00\\ud83d"', '"\U0001f600\ud83d"'),
        ('"é\\u00e9"', '"éé"'),
        ('"\\u0022\\u005C\\""', '"\\"\\\\\\""'),
        ("[" + "9" * 5000 + ", NaN]", "[" + "9" * 5000 + ", NaN]"),
    ],
)
def test_escapes_are_undone_but_for_quotes_and_backslashes(text: str, plain: str) -> None:
    document = read_json(text, encoded(text))
    assert document is not None
    assert document.plain == encoded(plain)


def test_pieces_lie_within_strings_and_give_their_values() -> None:
    text = '{"k\\u0065y": "\\u0041b\\n\\"c", "": 12345, "z": "", "end": "q"}'
    document = read_json(text, encoded(text))
    assert document is not None
    plain = document.plain
    whole = Region(0, len(plain), len(plain), "all")
    values = [value for _, _, _, value in document.pieces([whole])]
    assert values == ["key", 'Ab\n"c', "z", "end", "q"]
    start = plain.index(b"b\n")
    pieces = list(document.pieces([Region(start, start + 2, start + 2, "x")]))
    assert [(kind, text[left:right], value) for kind, left, right, value in pieces] == [
        ("x", "b\\n", "b\n")
    ]
    number = plain.index(b"12345")
    assert list(document.pieces([Region(number, number + 5, number + 5, "x")])) == []


@pytest.mark.parametrize(("start", "end"), [(0, 2), (1, 2), (0, 1)])
def test_a_piece_that_cuts_an_escape_takes_it_whole(start: int, end: int) -> None:
    text = '"a\\u005cb"'
    document = read_json(text, encoded(text))
    assert document is not None
    at = document.plain.index(b"\\")
    [piece] = document.pieces([Region(at + start, at + end, at + end, "x")])
    assert piece == ("x", 2, 8, "\\")


@given(JSON, st.booleans(), st.data())
def test_every_part_of_every_string_is_found_again(
    value: object, ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    document = read_json(text, encoded(text))
    assert document is not None
    end = len(document.plain)
    region = Region(0, end, end, "all")
    raw = encoded(text)
    rebuilt = b""
    at = 0
    for _, start, stop, part in document.pieces([region]):
        rebuilt += raw[at:start] + encoded(json.dumps(part, ensure_ascii=ascii_only)[1:-1])
        at = stop
    assert rebuilt + raw[at:] == raw
