"""Arguments read by a schema keep their digits and are refused whole."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ArgumentError, SpecError
from remit.machine.lexemes import exact
from remit.machine.schema_arguments import json_text, schema_arguments

SCHEMA = '{"type":"object","properties":{"n":{"type":"number"}},"additionalProperties":false}'


@pytest.mark.requirement("TOOL-12")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[]", "they are one JSON object"),
        ('"free text"', "they are one JSON object"),
        ("{", "not JSON"),
        ('{"n": "1"}', "n: must be number"),
        ('{"x": 1}', "x: there is no such argument"),
    ],
)
def test_what_does_not_fit_is_refused(text: str, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        schema_arguments(SCHEMA).read(text)


def test_they_come_as_one_mapping() -> None:
    assert schema_arguments(SCHEMA).read('{"n": 1.10}') == {"arguments": {"n": Decimal("1.10")}}
    assert schema_arguments(SCHEMA).read("") == {"arguments": {}}


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(SpecError, match="is an object"):
        schema_arguments("[]")


def test_digits_survive() -> None:
    assert json_text({"a": [Decimal("1.10"), 2, None, True, "é\n"]}) == (
        '{"a":[1.10,2,null,true,"\\u00e9\\n"]}'
    )


NUMBERS = st.decimals(allow_nan=False, allow_infinity=False)


@given(
    tree=st.recursive(
        st.none() | st.booleans() | st.text() | st.integers() | NUMBERS,
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_what_is_written_is_read_back(tree: object) -> None:
    assert exact(json_text(tree)) == tree
