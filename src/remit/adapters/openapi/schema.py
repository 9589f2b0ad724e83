"""Schemas of an OpenAPI document as JSON Schema with everything they refer to beside them."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import cast

from remit.adapters.openapi.document import Document, Tree
from remit.errors import SpecError
from remit.machine.schema_arguments import json_text
from remit.machine.schema_check import resolved

MAX_DEFINITIONS = 256  # what one operation of a large API refers to is below 100
_COMPONENTS = "#/components/schemas/"
# What says nothing of the arguments and costs tokens in every request.
_DROPPED = frozenset(
    {"example", "examples", "xml", "externalDocs", "discriminator", "nullable", "$schema", "$id"}
)
_NAMED = ("properties", "patternProperties", "$defs", "definitions")


class Schemas:
    """Rewrites the schemas of one operation; `definitions` is what they came to refer to."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._names: dict[str, str] = {}
        self.definitions: dict[str, object] = {}

    def read(self, schema: object) -> object:
        """The schema as JSON Schema 2020-12. Raises `SpecError` for references that lead out."""
        if not isinstance(schema, Mapping):
            return [self.read(each) for each in schema] if isinstance(schema, list) else schema
        tree = cast("Tree", schema)
        made: dict[str, object] = {}
        for key, value in tree.items():
            if key in _DROPPED or key.startswith("x-"):
                continue
            if key == "$ref":
                made[key] = self._defined(str(value))
            elif key in _NAMED and isinstance(value, Mapping):
                made[key] = {name: self.read(inner) for name, inner in value.items()}
            elif key in ("enum", "const", "default", "required", "dependentRequired"):
                made[key] = value
            else:
                made[key] = self.read(value)
        return self._modern(tree, made) if self._document.is_old else made

    def _modern(self, tree: Tree, made: dict[str, object]) -> dict[str, object]:
        """What OpenAPI 3.0 says otherwise than JSON Schema: null, and bounds that are exclusive."""
        for word in ("Minimum", "Maximum"):
            exclusive = made.pop(f"exclusive{word}", False)
            if exclusive is True and word.lower() in made:
                made[f"exclusive{word}"] = made.pop(word.lower())
        if tree.get("nullable") is not True:
            return made
        if isinstance(made.get("type"), str):
            made["type"] = [made["type"], "null"]
            if isinstance(made.get("enum"), list) and None not in cast(
                "list[object]", made["enum"]
            ):
                made["enum"] = [*cast("list[object]", made["enum"]), None]
            return made
        return {"anyOf": [made, {"type": "null"}]}

    def _defined(self, reference: str) -> str:
        """The reference to the same schema among the definitions."""
        if reference not in self._names:
            if len(self._names) >= MAX_DEFINITIONS:
                raise SpecError(f"it refers to more than {MAX_DEFINITIONS} schemas")
            name = reference.removeprefix(_COMPONENTS).replace("#", "root").replace("/", ".")
            self._names[reference] = name  # before it is read: it may refer to itself
            self.definitions[name] = self.read(resolved(self._document.root, reference))
        return f"#/$defs/{self._names[reference].replace('~', '~0')}"


def text_of(schema: Mapping[str, object], definitions: Mapping[str, object]) -> str:
    """The schema and its definitions as JSON text."""
    whole = {**schema, "$defs": definitions} if definitions else schema
    return json_text(whole)


def scalar(value: object) -> str:
    """One value as it stands in an address or a header: digits as they came, true, null empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return str(value) if isinstance(value, int | Decimal) else json.dumps(value)
