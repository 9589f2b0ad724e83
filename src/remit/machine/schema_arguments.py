"""Arguments that a JSON Schema describes: read with exact digits, checked whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from remit.errors import ArgumentError
from remit.machine.json_schema import violations
from remit.machine.lexemes import exact
from remit.machine.schema_check import Schema, check_schema

ARGUMENTS = "arguments"
"""The one argument of a function that takes everything the schema describes, as a mapping."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaArguments:
    """The arguments of a tool that comes from a schema; its function takes them as one mapping."""

    schema: Schema
    call_name: str | None = "call"
    names: tuple[tuple[str, str], ...] = ((ARGUMENTS, ARGUMENTS),)

    def read(self, text: str) -> dict[str, object]:
        """The arguments, fractions as `Decimal`. Raises `ArgumentError` with what to mend."""
        tree = exact(text or "{}")
        if not isinstance(tree, dict):
            raise ArgumentError("the arguments are not valid: they are one JSON object")
        problems = violations(self.schema, tree)
        if problems:
            raise ArgumentError(f"the arguments are not valid: {'; '.join(problems)}")
        return {ARGUMENTS: tree}


def schema_arguments(text: str) -> SchemaArguments:
    """The arguments that a JSON Schema, as JSON text, describes. Raises `SpecError`."""
    return SchemaArguments(schema=check_schema(exact_schema(text)))


def exact_schema(text: str) -> object:
    """A schema whose numbers are `int` and `Decimal`. Raises `ArgumentError`."""
    return exact(text)


def json_text(value: object) -> str:
    """JSON of plain values, each `Decimal` with the digits it came with."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        tree = cast("Mapping[str, object]", value)
        return "{" + ",".join(f"{json.dumps(k)}:{json_text(v)}" for k, v in tree.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value)
