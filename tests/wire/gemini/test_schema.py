"""Schemas: nothing that the service does not read, and nothing lost that it does."""

import json

import pytest

from remit.errors import ProviderError
from remit.wire.gemini.schema import json_schema, schema_text
from remit.wire.jsontext import Json

GIVEN = {
    "type": "object",
    "properties": {
        "const": {"const": "x", "title": "A property of that name"},
        "kind": {"anyOf": [{"const": 1}, {"const": None, "enum": [None]}]},
        "free": {"default": {"const": 1}, "enum": [{"const": 2}]},
    },
    "$defs": {"const": {"type": "string"}},
    "required": ["const"],
}
SENT = {
    "type": "object",
    "properties": {
        "const": {"title": "A property of that name", "enum": ["x"]},
        "kind": {"anyOf": [{"enum": [1]}, {"enum": [None]}]},
        "free": {"default": {"const": 1}, "enum": [{"const": 2}]},
    },
    "$defs": {"const": {"type": "string"}},
    "required": ["const"],
}


def test_a_constant_is_an_enumeration_of_one() -> None:
    assert json.loads(schema_text(json.dumps(GIVEN), "it")) == SENT


@pytest.mark.parametrize("text", ['{"type" : "object","minimum":1.10}', "{}"])
def test_other_schemas_go_as_they_are(text: str) -> None:
    assert schema_text(text, "it") == text


def test_odd_schemas_go_as_they_are() -> None:
    odd = {"properties": ["const"], "const": 1}
    assert json.loads(schema_text(json.dumps(odd), "it")) == {"properties": ["const"], "enum": [1]}


@pytest.mark.parametrize("text", ["", "[]", "5", '{"a":'])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ProviderError, match="the schema is not a JSON object") as caught:
        schema_text(text, "the schema")
    assert caught.value.kind == "bad_request"


def test_what_is_nested_too_deep_is_refused_not_walked() -> None:
    text = '{"not":' * 150 + '{"const":1}' + "}" * 150
    with pytest.raises(ProviderError, match="it: JSON nested deeper than 100") as caught:
        schema_text(text, "it")
    assert caught.value.kind == "bad_request"


def test_the_older_kind_has_names_in_capitals() -> None:
    older: Json = {"type": "ARRAY", "items": {"type": "STRING", "nullable": True, "enum": ["A"]}}
    newer = {"type": "array", "items": {"type": ["string", "null"], "enum": ["A"]}}
    assert json_schema(older) == newer
