"""A form of a schema gives back JSON that fits it, or says at which field it does not."""

import json

import pytest

from remit.server.inbox.schema_form import Field, SchemaForm

pytestmark = pytest.mark.requirement("APR-4", "APR-5", "UX-2")
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "order": {"type": "integer", "minimum": 1, "description": "its number"},
            "amount": {"type": "number"},
            "reason": {"$ref": "#/$defs/Reason"},
            "note": {"type": "string", "default": ""},
            "urgent": {"type": "boolean"},
            "lines": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["order", "amount", "reason"],
        "additionalProperties": False,
        "$defs": {"Reason": {"enum": ["broken", "late", 3]}},
    }
)
TEXT = '{"order":17,"amount":1.10,"reason":"late","note":"a\\r\\nb"}'


def named(fields: tuple[Field, ...]) -> dict[str, Field]:
    return {each.name: each for each in fields}


def test_fields_have_the_kind_of_their_schema() -> None:
    fields = named(SchemaForm(SCHEMA).of(TEXT))
    assert {name: each.kind for name, each in fields.items()} == {
        "arg.order": "number",
        "arg.amount": "number",
        "arg.reason": "choice",
        "arg.note": "lines",
        "arg.urgent": "choice",
        "arg.lines": "code",
    }
    assert fields["arg.amount"].value == "1.10", "as it was written"
    assert fields["arg.reason"].choices == (('"broken"', "broken"), ('"late"', "late"), ("3", "3"))
    assert fields["arg.urgent"].choices[0] == ("", "(left out)")
    assert fields["arg.order"].help == "its number"


def test_what_comes_back_is_exact_and_leaves_out_what_is_empty() -> None:
    given = {"arg.order": "17", "arg.amount": "2.50", "arg.reason": '"broken"', "arg.urgent": "",
             "arg.note": "a\r\nb", "arg.lines": "[1, 2]"}  # fmt: skip
    filled = SchemaForm(SCHEMA).read(given, TEXT)
    assert filled.fits
    assert filled.text == (
        '{"order":17,"amount":2.50,"reason":"broken","note":"a\\r\\nb","lines":[1,2]}'
    ), "a text that only the browser changed is as it was"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("arg.order", "0", "at least 1"),
        ("arg.order", "x", "write a number"),
        ("arg.order", "1.5", "integer"),
        ("arg.amount", "", "write a number"),
        ("arg.amount", "1e999999", ""),
        ("arg.amount", "NaN", "write a number"),
        ("arg.reason", '"odd"', "must be one of"),
        ("arg.lines", "[1,", "not JSON"),
        ("arg.lines", '["x"]', "integer"),
    ],
)
def test_a_fault_stands_at_its_field(name: str, value: str, says: str) -> None:
    given = {"arg.order": "17", "arg.amount": "2.50", "arg.reason": '"late"', name: value}
    filled = SchemaForm(SCHEMA).read(given, TEXT)
    field = named(filled.fields)[name]
    if not says:
        assert filled.fits
        return
    assert not filled.fits
    assert says in field.wrong
    assert field.value == value, "nothing is lost"


def test_an_answer_of_one_value() -> None:
    form = SchemaForm('{"type":"integer"}')
    (field,) = form.empty()
    assert (field.kind, field.required) == ("number", True)
    assert form.read({"arg.whole": "3"}).text == "3"
    assert not form.read({"arg.whole": "three"}).fits
    text = SchemaForm('{"type":"string","minLength":2}').read({"arg.whole": "x"})
    assert "at least 2" in text.fields[0].wrong
    choice = SchemaForm('{"enum":["red","green"]}')
    assert choice.read({"arg.whole": '"red"'}).text == '"red"'
    assert not choice.read({"arg.whole": '"blue"'}).fits
    yes = SchemaForm('{"type":"boolean"}').read({"arg.whole": "true"})
    assert (yes.fits, yes.text) == (True, "true")


@pytest.mark.parametrize(
    "schema", ["", "{}", '{"anyOf":[{"type":"integer"},{"type":"null"}]}', '{"contains":{}}', "[]"]
)
def test_what_has_no_fields_is_one_piece_of_json(schema: str) -> None:
    form = SchemaForm(schema)
    (field,) = form.of('{"a":1.0}')
    assert (field.kind, field.name) == ("code", "arg.whole")
    assert '"a": 1.0' in field.value
    assert not form.read({"arg.whole": ""}).fits
    assert not form.read({"arg.whole": "{"}).fits


def test_twins_are_changed_as_json() -> None:
    (field,) = SchemaForm(SCHEMA).of('{"order":1,"order":2}')
    assert field.kind == "code"
    filled = SchemaForm(SCHEMA).read({"arg.whole": '{"order":0,"amount":1,"reason":3}'})
    assert "order" in filled.fields[0].wrong
