"""JSON keeps its digits, its order and names that stand twice; what cannot be seen is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ArgumentError
from remit.server.inbox.exact_json import Members, dump, indented, parse

TEXT = '{"b":1.10,"a":[1e3,-0,{"x":null}],"a":"\\u202eé"}'


def test_what_is_read_is_written_as_it_was() -> None:
    tree = parse(TEXT)
    assert isinstance(tree, Members)
    assert tree.twice
    assert dump(tree) == '{"b":1.10,"a":[1e3,-0,{"x":null}],"a":"\u202eé"}'
    assert indented(parse('{"a":[],"b":{},"c":[1,2]}')) == (
        '{\n  "a": [],\n  "b": {},\n  "c": [\n    1,\n    2\n  ]\n}'
    )


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_both_forms_mean_the_same(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(dump(parse(text))) == value
    assert json.loads(indented(parse(text))) == value


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", "[" * 5_000, "nul"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError):
        dump(parse(text))


def test_what_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(ArgumentError, match="nested deeper"):
        dump(parse("[" * 100 + "]" * 100))
