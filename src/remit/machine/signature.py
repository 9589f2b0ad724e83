"""A function's signature and docstring as the contract of a tool's arguments."""

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo

from remit.errors import SpecError
from remit.machine.call import Call

# A tool that dispatches on an argument is many tools under one permission.
_DISPATCH = frozenset({"action", "operation", "op", "method", "command_name", "subcommand"})
# Names of a text that says what is to be done, in place of arguments that say it.
_FREE = frozenset(
    {"args", "arguments", "code", "command", "data", "input", "instruction", "instructions"}
    | {"params", "payload", "prompt", "query", "request", "script", "sql", "statement", "task"}
)
# Fields of objects in pydantic's core schemas.
_FIELDS = frozenset({"model-field", "dataclass-field", "typed-dict-field"})
_ANY_OBJECT = {"type": "object", "additionalProperties": True}
_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Examples?|Note):\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """The arguments of a function as a model; its fields carry their names as aliases."""

    model: type[BaseModel]
    names: tuple[tuple[str, str], ...]
    """(field of the model, argument of the function)"""
    call_name: str | None
    """The argument that takes the `Call`."""
    has_decimal: bool
    """Somewhere in them is a `Decimal`, whose digits must not pass through a float."""


def describe(name: str, function: Callable[..., object], given: str | None) -> str:
    """What the model is told of the tool: `given`, else the docstring before its sections.

    Raises `SpecError` when there is neither.
    """
    text = (given or _SECTION.split(inspect.getdoc(function) or "", maxsplit=1)[0]).strip()
    if not text:
        raise SpecError(f"tool {name!r}: it needs a docstring or description for the model")
    return text


def _argument_docs(doc: str) -> dict[str, str]:
    """Descriptions from a docstring's `Args:` section (Google style)."""
    _, *sections = _SECTION.split(doc)
    found: dict[str, str] = {}
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        if title not in ("Args", "Arguments"):
            continue
        for entry in re.finditer(r"^ +(\w+)(?: *\([^)\n]*\))?: +(.+)$", body, re.MULTILINE):
            found[entry[1]] = entry[2].strip()
    return found


def _hints(name: str, function: Callable[..., object]) -> dict[str, object]:
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, TypeError) as exc:
        raise SpecError(f"tool {name!r}: its types cannot be read: {exc}") from exc


def _check_parameter(name: str, parameter: inspect.Parameter) -> None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        raise SpecError(f"tool {name!r}: *{parameter.name} has no schema; name each argument")
    if parameter.kind is parameter.POSITIONAL_ONLY:
        raise SpecError(
            f"tool {name!r}: {parameter.name!r} is positional only; arguments come by name"
        )
    if parameter.name in _DISPATCH:
        raise SpecError(
            f"tool {name!r}: it dispatches on {parameter.name!r}; make one tool of each action"
        )


def read_signature(name: str, function: Callable[..., object]) -> Arguments:
    """The arguments of a tool's function. Raises `SpecError` for what has no schema."""
    hints = _hints(name, function)
    docs = _argument_docs(inspect.getdoc(function) or "")
    fields: dict[str, tuple[object, FieldInfo]] = {}
    names: dict[str, str] = {}
    call_name: str | None = None
    for parameter in inspect.signature(function).parameters.values():
        _check_parameter(name, parameter)
        hint = hints.get(parameter.name)
        if hint is None:
            raise SpecError(f"tool {name!r}: the argument {parameter.name!r} has no type")
        if hint is Call and call_name is not None:
            raise SpecError(
                f"tool {name!r}: {call_name!r} and {parameter.name!r} both take the call"
            )
        if hint is Call:
            call_name = parameter.name
            continue
        # Fields have names of their own: an argument may be called `schema` or `_id`.
        field = f"argument_{len(fields)}"
        names[field] = parameter.name
        fields[field] = (hint, _field(parameter, docs.get(parameter.name)))
    model = _model(name, fields)
    several = _several_names(model.__pydantic_core_schema__)
    if several:
        raise SpecError(
            f"tool {name!r}: a field of its arguments is read as {' and as '.join(several)}; give "
            "it one name: a rule about one of them would be passed by another"
        )
    decimal = _has_decimal(model.__pydantic_core_schema__)
    return Arguments(
        model=model, names=tuple(names.items()), call_name=call_name, has_decimal=decimal
    )


def check_structured(name: str, access: str, arguments: Arguments, *, free_text: bool) -> bool:
    """Raise `SpecError` for a write that says nothing by its arguments; else `free_text` itself.

    That is one whose only argument is a text that may say anything, or one with an argument of no
    type: no rule can tell what such a call does (TOOL-12).
    """
    if access != "write" or free_text:
        return free_text
    tree = cast("Mapping[str, object]", arguments.model.model_json_schema().get("properties", {}))
    bare = {argument: _words_of(schema) for argument, schema in tree.items()}
    loose = [argument for argument, words in bare.items() if words in ({}, _ANY_OBJECT)]
    if loose:
        raise SpecError(
            f"tool {name!r}: its argument {loose[0]!r} may be anything; give what a write takes a "
            "type with fields"
        )
    (only, *others) = bare or [""]
    if not others and only in _FREE and bare[only] == {"type": "string"}:
        raise SpecError(
            f"tool {name!r}: a write whose only argument is the free text {only!r}; name what it "
            "is to do in arguments of their own, or say free_text=True"
        )
    return free_text


def _words_of(schema: object) -> dict[str, object]:
    """What a schema demands, without what is for people."""
    tree = cast("Mapping[str, object]", schema)
    told = ("title", "description", "default", "examples")
    return {word: value for word, value in tree.items() if word not in told}


def _field(parameter: inspect.Parameter, doc: str | None) -> FieldInfo:
    default = ... if parameter.default is parameter.empty else parameter.default
    if doc is None:
        return cast("FieldInfo", Field(default, alias=parameter.name))
    return cast("FieldInfo", Field(default, alias=parameter.name, description=doc))


def _model(name: str, fields: Mapping[str, object]) -> type[BaseModel]:
    make = cast("Callable[..., type[BaseModel]]", create_model)
    try:
        model = make(f"{name}_arguments", __config__=ConfigDict(extra="forbid"), **fields)
        model.model_json_schema()
    except PydanticUserError as exc:
        raise SpecError(f"tool {name!r}: an argument has no schema: {exc.message}") from exc
    return model


def _several_names(schema: object, key: str = "", *, both: bool = False) -> tuple[str, ...]:
    """The names of a field that has more than one, somewhere in a core schema; else nothing.

    `both`: models around it take a field's own name and its alias.
    """
    if isinstance(schema, list | tuple):
        found = (_several_names(each, key, both=both) for each in schema)
        return next(filter(None, found), ())
    if not isinstance(schema, Mapping):
        return ()
    tree = cast("Mapping[str, object]", schema)
    config = tree.get("config")
    if isinstance(config, Mapping):
        both = bool(config.get("validate_by_name")) and config.get("validate_by_alias") is not False
    names = _names_of(tree, key, both=both) if tree.get("type") in _FIELDS else ()
    if len(names) > 1:
        return names
    inner = (_several_names(each, name, both=both) for name, each in tree.items())
    return next(filter(None, inner), ())


def _names_of(field: Mapping[str, object], key: str, *, both: bool) -> tuple[str, ...]:
    """Under which names a field of a core schema is read."""
    alias = field.get("validation_alias")
    name = str(field.get("name", key))
    if alias is None:
        return (name,)
    if isinstance(alias, str):
        found = [alias]
    else:
        # One path is a list of keys, a choice a list of these; a path of several keys lies deeper
        # than the schema says.
        given = cast("list[object]", alias)
        paths = [each for each in given if isinstance(each, list)] or [given]
        found = [".".join(map(str, each)) for each in paths]
        both = both or any(len(each) > 1 for each in paths)
    return tuple(dict.fromkeys([*found, name] if both else found))


def _has_decimal(schema: object) -> bool:
    if isinstance(schema, Mapping):
        tree = cast("Mapping[str, object]", schema)
        return tree.get("type") == "decimal" or any(_has_decimal(each) for each in tree.values())
    return isinstance(schema, list | tuple) and any(_has_decimal(each) for each in schema)
