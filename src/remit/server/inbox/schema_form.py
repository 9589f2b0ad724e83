"""A form for JSON of a schema: fields for people, JSON with their exact digits, faults by field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from remit.errors import ArgumentError, SpecError
from remit.machine.json_schema import violations
from remit.machine.lexemes import exact
from remit.machine.schema_check import Schema, check_schema, resolved
from remit.server.inbox.exact_json import Lexeme, Members, dump, indented, parse

Kind = Literal["text", "lines", "number", "choice", "code"]
PREFIX = "arg."
"""Before the names of fields, so that none is taken for one of the form around them."""
WHOLE = "whole"
"""The field of a value that is one piece of JSON."""
_MAX_FIELDS = 40  # of one form; more is a piece of JSON
_MAX_CHOICES = 200
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_YES_NO = (("true", "yes"), ("false", "no"))
_LONG = 80  # characters of a text that gets more than one line


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `value` is what stands in it: text, or JSON for numbers, choices and code."""

    name: str
    label: str
    kind: Kind
    value: str = ""
    required: bool = False
    help: str = ""
    wrong: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    rows: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that came back: JSON text, or the fields with what is wrong."""

    text: str
    fields: tuple[Field, ...]
    wrong: str = ""
    """What is wrong with the whole."""

    @property
    def fits(self) -> bool:
        """Nothing is wrong."""
        return not self.wrong and not any(each.wrong for each in self.fields)


class SchemaForm:
    """The form of one schema, given as JSON text; what it cannot show is one field of JSON."""

    def __init__(self, schema: str, label: str = "Answer") -> None:
        self._label = label
        try:
            self._root: Schema | None = check_schema(exact(schema or "{}"))
        except (SpecError, ArgumentError):
            self._root = None  # it is judged by whoever asked, not here
        properties = self._resolve({} if self._root is None else self._root).get("properties")
        fits = isinstance(properties, Mapping) and 0 < len(properties) <= _MAX_FIELDS
        self._properties = cast("Schema", properties) if fits else None

    def empty(self) -> tuple[Field, ...]:
        """The fields of a value that there is not yet."""
        return self._fields(None)

    def of(self, text: str) -> tuple[Field, ...]:
        """The fields with the values of JSON text."""
        return self._fields(parse(text or "{}"))

    def read(self, given: Mapping[str, str], text: str = "{}") -> Filled:
        """What somebody sent: `given` by the names of fields, `text` the value as it was before."""
        before = _named(text)
        if self._properties is None or f"{PREFIX}{WHOLE}" in given:
            return self._read_whole(given.get(f"{PREFIX}{WHOLE}", ""))
        pairs: list[tuple[str, object]] = []
        faults: dict[str, str] = {}
        for field in self._fields(Members(tuple(before.items()))):
            name = field.name.removeprefix(PREFIX)
            sent = given.get(field.name, "")
            if not sent and not self._must(name) and before.get(name) != "":
                continue  # an optional field that is empty is left out
            try:
                pairs.append((name, _kept(_value(field.kind, sent), before.get(name))))
            except ArgumentError as exc:
                faults[name] = str(exc)
        value = Members(tuple(pairs))
        if not faults:
            faults = self._faults(value)
        return Filled(
            text=dump(value),
            fields=tuple(
                _with(
                    each, given.get(each.name, ""), faults.get(each.name.removeprefix(PREFIX), "")
                )
                for each in self._fields(value)
            ),
            wrong=faults.get("", ""),
        )

    # ------------------------------------------------------------ fields

    def _fields(self, value: object) -> tuple[Field, ...]:
        if self._properties is None or not (value is None or _flat(value)):
            return (self._whole(value),)
        known = value.named if isinstance(value, Members) else {}
        names = [*known, *(name for name in self._properties if name not in known)]
        return tuple(self._field(name, known.get(name), given=name in known) for name in names)

    def _whole(self, value: object) -> Field:
        schema = self._resolve({} if self._root is None else self._root)
        kind, choices = self._kind(schema, value)
        return Field(
            name=f"{PREFIX}{WHOLE}",
            label=str(schema.get("title", self._label)),
            kind=kind,
            value="" if value is None else _text(kind, value),
            required=True,
            help=str(schema.get("description", "")) or ("JSON" if kind == "code" else ""),
            choices=choices,
            rows=12 if kind == "code" else 4,
        )

    def _field(self, name: str, value: object, *, given: bool) -> Field:
        schema = self._resolve((self._properties or {}).get(name, {}))
        kind, choices = self._kind(schema, value)
        must = self._must(name)
        if kind == "choice" and not must:
            choices = (("", "(left out)"), *choices)
        shown = _text(kind, value) if given else ""
        if not given and "default" in schema and not must:
            shown = ""
        return Field(
            name=f"{PREFIX}{name}",
            label=name,
            kind=kind,
            value=shown,
            required=must and kind != "text" and kind != "lines",  # noqa: PLR1714  # an empty text is one
            help=str(schema.get("description", ""))[:400],
            choices=choices,
            rows=min(24, max(4, shown.count("\n") + 2)),
        )

    def _must(self, name: str) -> bool:
        root = self._resolve({} if self._root is None else self._root)
        return name in cast("list[object]", root.get("required", []))

    def _kind(self, schema: Schema, value: object) -> tuple[Kind, tuple[tuple[str, str], ...]]:
        options = schema.get("enum")
        if isinstance(options, list) and 0 < len(options) <= _MAX_CHOICES:
            return "choice", tuple((_json(each), _name(each)) for each in options)
        kind = schema.get("type")
        if kind == "boolean":
            return "choice", _YES_NO
        if kind in ("integer", "number") and (value is None or isinstance(value, Lexeme)):
            return "number", ()
        if kind == "string" and (value is None or isinstance(value, str)):
            long = isinstance(value, str) and ("\n" in value or len(value) > _LONG)
            return ("lines" if long else "text"), ()
        return "code", ()

    def _resolve(self, schema: object) -> Schema:
        """The schema itself, where it is a reference what that leads to."""
        found = schema if isinstance(schema, Mapping) else {}
        if self._root is not None and isinstance(found.get("$ref"), str):
            target = resolved(self._root, str(found["$ref"]))
            found = target if isinstance(target, Mapping) else {}
        return cast("Schema", found)

    # ------------------------------------------------------------ reading

    def _read_whole(self, sent: str) -> Filled:
        field = self._whole(None)
        if self._properties is not None:
            field = _code(field)
        try:
            value = _value(field.kind, sent)
        except ArgumentError as exc:
            return Filled(text=sent, fields=(_with(field, sent, str(exc)),))
        faults = self._faults(value)
        wrong = "; ".join(f"{name}: {text}" if name else text for name, text in faults.items())
        return Filled(text=dump(value), fields=(_with(field, sent, wrong),))

    def _faults(self, value: object) -> dict[str, str]:
        """What does not fit, by top-level name; empty for the whole."""
        if self._root is None:
            return {}
        try:
            problems = violations(self._root, exact(dump(value)))
        except ArgumentError as exc:
            return {"": str(exc)}
        found: dict[str, str] = {}
        for problem in problems:
            path, _, text = problem.partition(": ")
            name = re.split(r"[.\[]", path)[0]
            known = self._properties is not None and name in self._properties
            key, said = (name, text) if known else ("", problem.removeprefix("arguments: "))
            found.setdefault(key, said)
        return found


def _named(text: str) -> dict[str, object]:
    """The members of a JSON object; none of anything else."""
    try:
        tree = parse(text)
    except ArgumentError:
        return {}
    return tree.named if isinstance(tree, Members) else {}


def _kept(value: object, before: object) -> object:
    """The text as it was where only the browser's line ends differ from it."""
    if isinstance(value, str) and isinstance(before, str) and value == _lines(before):
        return before
    return value


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _flat(value: object) -> bool:
    return isinstance(value, Members) and not value.twice


def _code(field: Field) -> Field:
    return Field(
        name=field.name, label=field.label, kind="code", required=True, help="JSON", rows=12
    )


def _with(field: Field, sent: str, wrong: str) -> Field:
    return Field(
        name=field.name,
        label=field.label,
        kind=field.kind,
        value=sent,
        required=field.required,
        help=field.help,
        wrong=wrong,
        choices=field.choices,
        rows=field.rows,
    )


def _value(kind: Kind, sent: str) -> object:
    """What somebody wrote into a field. Raises `ArgumentError`."""
    if kind in ("text", "lines"):
        return _lines(sent)  # a browser ends lines with both, whatever came
    if kind == "number":
        if not _NUMBER.fullmatch(sent.strip()):
            raise ArgumentError(f"write a number such as 12 or 0.50, not {sent[:40]!r}")
        return Lexeme(sent.strip())
    if not sent.strip():
        raise ArgumentError("something must stand here")
    return parse(sent)


def _text(kind: Kind, value: object) -> str:
    if kind in ("text", "lines"):
        return str(value)
    return indented(value) if kind == "code" else dump(value)


def _json(value: object) -> str:
    return dump(value) if isinstance(value, str | bool) or value is None else str(value)


def _name(value: object) -> str:
    return value if isinstance(value, str) else _json(value)
