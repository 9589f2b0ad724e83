"""The check of arguments says what the reference implementation says, keyword for keyword."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from remit.errors import ArgumentError
from remit.machine.json_schema import MAX_PROBLEMS, violations
from remit.machine.lexemes import exact
from remit.machine.schema_check import Schema, check_schema

SCHEMAS = [
    {"type": "integer"},
    {"type": ["string", "null"]},
    {"type": "number", "minimum": 1, "maximum": 3},
    {"exclusiveMinimum": 1, "exclusiveMaximum": 3},
    {"multipleOf": 2},
    {"multipleOf": 0.5},
    {"enum": [1, "a", None, [1, 2], {"a": 1}, True]},
    {"const": 1},
    {"const": [True]},
    {"minLength": 1, "maxLength": 2},
    {"pattern": "^a"},
    {"minItems": 1, "maxItems": 2},
    {"uniqueItems": True},
    {"uniqueItems": False},
    {"items": {"type": "integer"}},
    {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}},
    {"prefixItems": [{"type": "integer"}], "items": False},
    {"minProperties": 1, "maxProperties": 1},
    {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
    {"properties": {"a": True, "b": False}, "additionalProperties": False},
    {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
    {"propertyNames": {"maxLength": 1}},
    {"dependentRequired": {"a": ["b"]}},
    {"allOf": [{"minimum": 1}, {"maximum": 2}]},
    {"anyOf": [{"type": "string"}, {"minimum": 2}]},
    {"oneOf": [{"type": "integer"}, {"minimum": 2}]},
    {"not": {"type": "integer"}},
    {"if": {"type": "integer"}, "then": {"minimum": 1}, "else": {"type": "string"}},
    {"if": {"type": "integer"}, "then": {"minimum": 1}},
    {"if": {"type": "integer"}, "else": {"type": "string"}},
    {"$defs": {"n": {"type": "integer"}}, "items": {"$ref": "#/$defs/n"}},
    {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False},
    {"format": "email", "title": "told, not checked"},
]
NAMES = st.sampled_from(["a", "b", "ab", "next"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 4) | st.sampled_from([0.5, 1.0, 2.5]) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=6,
)


@pytest.mark.requirement("TOOL-12")
@given(schema=st.sampled_from(SCHEMAS), value=VALUES)
def test_the_verdict_is_that_of_the_reference(schema: dict[str, object], value: object) -> None:
    read = check_schema(exact(json.dumps(schema)))
    found = violations(read, exact(json.dumps(value)))
    assert (not found) == Draft202012Validator(schema).is_valid(value), found


EACH: tuple[object, ...] = (
    *(None, True, False, 0, 1, 2, 3, 2.5, 1.0, "", "a", "b", "ab", "abc"),
    *([], [1], [1, 1], [1, 1.0], ["a"], [1, "a"], [1, 2], [1, 2, 3], [True], [[1], [1]], [[1], 1]),
    *({}, {"a": 1}, {"a": 1.0}, {"a": "x"}, {"b": "x"}, {"a": 1, "b": 2}, {"c": 1}, {"ab": 1}),
    *([{"a": 1}, {"a": 1}], [{"a": 1}, {"b": 1}], {"next": {"next": {}}}, {"next": {"a": 1}}),
)


@pytest.mark.requirement("TOOL-12")
@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_each_keyword_means_what_it_means_to_the_reference(schema: dict[str, object]) -> None:
    made = check_schema(exact(json.dumps(schema)))
    reference = Draft202012Validator(schema)
    for value in EACH:
        found = violations(made, exact(json.dumps(value)))
        assert (not found) == reference.is_valid(value), (value, found)


def read(schema: object) -> Schema:
    return check_schema(exact(json.dumps(schema)))


@pytest.mark.parametrize(
    ("schema", "value", "says"),
    [
        ({"type": "object"}, "[]", "arguments: must be object"),
        ({"properties": {"a": {"type": "string"}}}, '{"a": 1}', "a: must be string"),
        ({"properties": {"a": {"items": False}}}, '{"a": [1]}', "a.0: nothing may stand here"),
        ({"required": ["a"]}, "{}", "a: is missing"),
        ({"additionalProperties": False}, '{"x": 1}', "x: there is no such argument"),
        ({"minLength": 2}, '"a"', "arguments: its size must be at least 2"),
        ({"maximum": 2}, "3", "arguments: its value must be at most 2"),
        ({"exclusiveMinimum": 2}, "2", "arguments: its value must be more than 2"),
        ({"exclusiveMaximum": 2}, "2", "arguments: its value must be less than 2"),
        ({"multipleOf": 0.01}, "1.005", "arguments: must be a multiple of 0.01"),
        ({"multipleOf": 7}, "1e999999", "arguments: must be a multiple of 7"),
        ({"enum": ["a", 1]}, '"b"', "arguments: must be one of a, 1"),
        ({"const": "a"}, '"b"', "arguments: must be a"),
        ({"pattern": "^a$"}, '"b"', "arguments: must match the pattern ^a$"),
        ({"uniqueItems": True}, "[1, 1.0]", "arguments: must not repeat an item"),
        ({"dependentRequired": {"a": ["b"]}}, '{"a": 1}', "arguments: a needs b too"),
        ({"anyOf": [False, False]}, "1", "arguments: fits none of its 2 forms"),
        ({"oneOf": [True, True]}, "1", "must fit one of its 2 forms, and fits 2"),
        ({"not": True}, "1", "arguments: has a form that is ruled out"),
    ],
)
def test_it_says_what_to_mend(schema: object, value: str, says: str) -> None:
    assert says in "; ".join(violations(read(schema), exact(value)))


def test_digits_are_compared_exactly() -> None:
    schema = read({"multipleOf": 0.1, "maximum": 0.3})
    assert violations(schema, Decimal("0.3")) == ()
    assert violations(schema, Decimal("0.30000000000000000001"))


def test_a_model_is_told_a_few_problems_at_a_time() -> None:
    assert len(violations(read({"items": {"type": "string"}}), [1] * 100)) == MAX_PROBLEMS


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"items": {"anyOf": [*[{"const": 1}] * 20, True]}}, [2] * 10_000),
        ({"uniqueItems": True}, list(range(10_000))),
        ({"$ref": "#"}, 1),
        ({"items": {"$ref": "#"}}, [[]] * 100_001),
    ],
)
def test_no_schema_and_no_value_takes_long(schema: object, value: object) -> None:
    with pytest.raises(ArgumentError, match=r"too (large|deep)"):
        violations(read(schema), value)
