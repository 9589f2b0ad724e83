"""JSON is compared by its canonical text, in which numbers keep the digits they came with."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ArgumentError
from remit.machine.lexemes import brief_of, compact, exact, unwrap

TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.mark.parametrize("lexeme", ["1", "1.0", "1.10", "1e2", "1E+2", "-0", "-0.0", "9" * 5000])
def test_a_number_keeps_its_digits(lexeme: str) -> None:
    assert compact(f' {{"b" : [ {lexeme} ] , "a":{lexeme}}} ') == f'{{"a":{lexeme},"b":[{lexeme}]}}'


@given(tree=TREES)
def test_spelling_does_not_matter_and_nothing_is_lost(tree: object) -> None:
    text = compact(json.dumps(tree))
    assert text == compact(json.dumps(tree, indent=3, ensure_ascii=False))
    assert text == compact(text)
    assert json.loads(text) == tree


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", '{"a":-Infinity}', "01", "[" * 100_000, "{'a':1}"]
)
def test_what_is_not_json_is_refused(text: str) -> None:
    for read in (compact, exact, unwrap, brief_of):
        with pytest.raises(ArgumentError):
            read(text)


def test_what_nests_too_deep_to_be_written_is_refused() -> None:
    with pytest.raises(ArgumentError):
        compact("[" * 900 + "]" * 900)


def test_fractions_are_read_as_decimals_and_whole_numbers_as_integers() -> None:
    value = exact('{"a":1.10,"b":7,"c":"1.5"}')
    assert repr(value) == "{'a': Decimal('1.10'), 'b': 7, 'c': '1.5'}"


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [('{"answer": 1.10}', "1.10"), ('{"answer":{"b":1,"a":"x"}}', '{"a":"x","b":1}')],
)
def test_the_answer_is_taken_out_of_its_wrapping_as_it_was_written(
    arguments: str, answer: str
) -> None:
    assert unwrap(arguments) == answer


@pytest.mark.parametrize("text", ["{}", "[1]", "7", '{"answer":1,"more":2}', '{"Answer":1}'])
def test_other_wrappings_are_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="one object with the key 'answer'"):
        unwrap(text)


def test_a_brief_is_one_text() -> None:
    assert brief_of('{"brief": "Write."}') == "Write."
    for text in ("{}", "[]", '{"brief":7}', '{"brief":"x","history":"y"}'):
        with pytest.raises(ArgumentError, match="the text 'brief'"):
            brief_of(text)
