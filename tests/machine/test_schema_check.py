"""A schema that demands what is not checked is refused when the tool is declared."""

import json
import re

import pytest

from remit.errors import SpecError
from remit.machine.lexemes import exact
from remit.machine.schema_check import MAX_DEPTH, check_schema, resolved

DEEP: dict[str, object] = {}
for _ in range(MAX_DEPTH + 1):
    DEEP = {"items": DEEP}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ([], "is an object"),
        ({"unevaluatedProperties": False}, "'unevaluatedProperties' is not checked"),
        ({"properties": {"a": {"contains": {}}}}, "'contains' is not checked"),
        ({"properties": []}, "'properties' is an object of schemas"),
        ({"allOf": {}}, "'allOf' is a list of schemas"),
        ({"items": [{}]}, "a schema is an object"),
        (DEEP, "no deeper than"),
        ({"type": "text"}, "type 'text' is none of JSON's"),
        ({"pattern": "(?=a)"}, "is not valid RE2"),
        ({"patternProperties": {"(?=a)": {}}}, "is not valid RE2"),
        ({"patternProperties": 1}, "'patternProperties' is an object"),
        ({"minimum": "1"}, "'minimum' is a number"),
        ({"maxLength": True}, "'maxLength' is a number"),
        ({"multipleOf": 0}, "'multipleOf' is above nought"),
        ({"enum": "a"}, "'enum' is a list"),
        ({"required": "a"}, "'required' is a list"),
        ({"dependentRequired": {"a": "b"}}, "is an object of lists"),
        ({"dependentRequired": []}, "is an object of lists"),
        ({"$ref": "other.json#/a"}, "leads out of the document"),
        ({"$ref": "https://example.com/a"}, "leads out of the document"),
        ({"$ref": "#/$defs/no"}, "leads nowhere"),
        ({"$ref": "#/allOf/1", "allOf": [{}]}, "leads nowhere"),
        ({"$ref": "#/elsewhere/a", "elsewhere": {"a": {"type": "text"}}}, "none of JSON's"),
    ],
)
@pytest.mark.requirement("TOOL-12")
def test_what_cannot_be_checked_is_refused(schema: object, says: str) -> None:
    with pytest.raises(SpecError, match=re.escape(says)):
        check_schema(exact(json.dumps(schema)))


def test_a_schema_may_refer_to_itself() -> None:
    tree = {"$defs": {"n": {"items": {"$ref": "#/$defs/n"}}}, "$ref": "#/$defs/n"}
    assert check_schema(tree) is tree


def test_references_are_json_pointers() -> None:
    root = {"a/b": [{"c~d": 1}], "e f": 2}
    assert resolved(root, "#/a~1b/0/c~0d") == 1
    assert resolved(root, "#/e%20f") == 2
    assert resolved(root, "#") is root
