"""A tool's schema comes from its function's types, defaults and docstring, or is refused."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Literal

import pytest
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass
from typing_extensions import TypedDict

from remit.errors import SpecError
from remit.machine.call import Call
from remit.machine.signature import check_structured, describe, read_signature


class Line(BaseModel):
    """A line of an order."""

    article: str
    price: Decimal


def order(
    call: Call,
    customer: str,
    lines: list[Line],
    speed: Literal["slow", "fast"] = "slow",
    count: Annotated[int, Field(ge=1, description="How many.")] = 1,
) -> str:
    """Place an order.

    It is sent at once.

    Args:
        customer: Number of the customer.
        speed (str): How fast,
            in words.

    Returns:
        customer: not an argument.
    """
    return f"{call.call} {customer} {lines} {speed} {count}"


@pytest.mark.requirement("TOOL-1")
def test_the_schema_names_types_defaults_and_descriptions() -> None:
    arguments = read_signature("order", order)
    schema = arguments.model.model_json_schema()
    assert list(schema["properties"]) == ["customer", "lines", "speed", "count"]
    assert schema["required"] == ["customer", "lines"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["customer"]["description"] == "Number of the customer."
    assert schema["properties"]["speed"]["description"] == "How fast,"
    assert schema["properties"]["speed"]["enum"] == ["slow", "fast"]
    assert schema["properties"]["speed"]["default"] == "slow"
    assert schema["properties"]["count"]["minimum"] == 1
    assert schema["properties"]["count"]["description"] == "How many."
    assert arguments.call_name == "call"


def test_the_description_is_the_docstring_without_its_sections() -> None:
    assert describe("order", order, None) == "Place an order.\n\nIt is sent at once."
    assert describe("order", order, " Given. ") == "Given."


def test_a_decimal_is_found_however_deep_it_lies() -> None:
    assert read_signature("order", order).has_decimal

    def plain(amount: float, note: str | None = None) -> str:
        """Plain."""
        return f"{amount} {note}"

    assert not read_signature("plain", plain).has_decimal


def test_an_argument_may_have_any_name() -> None:
    def odd(schema: str, copy: int, _private: bool, model_config: str, json: str = "x") -> str:
        """Take odd names."""
        return f"{schema}{copy}{_private}{model_config}{json}"

    arguments = read_signature("odd", odd)
    properties = arguments.model.model_json_schema()["properties"]
    assert list(properties) == ["schema", "copy", "_private", "model_config", "json"]
    assert [name for _, name in arguments.names] == list(properties)


def untyped(amount) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001  # what is refused
    """Untyped."""
    return str(amount)


def starred(*paths: str) -> str:
    """Starred."""
    return str(paths)


def keywords(**paths: str) -> str:
    """Keywords."""
    return str(paths)


def positional(path: str, /) -> str:
    """Positional."""
    return path


def dispatching(action: str) -> str:
    """Dispatch."""
    return action


def unknown(path: "Nowhere") -> str:  # type: ignore[name-defined]  # noqa: F821  # what is refused
    """Unknown."""
    return str(path)


def two_calls(first: Call, second: Call) -> str:
    """Take two."""
    return first.call + second.call


class Opaque:
    """Something without a schema."""


def opaque(thing: Opaque) -> str:
    """Opaque."""
    return str(thing)


def with_function(thing: Callable[[], str]) -> str:
    """Schemas have no functions."""
    return thing()


@pytest.mark.requirement("TOOL-1", "TOOL-2")
@pytest.mark.parametrize(
    ("function", "says"),
    [
        (untyped, "'amount' has no type"),
        (starred, "*paths has no schema"),
        (keywords, "*paths has no schema"),
        (positional, "'path' is positional only"),
        (dispatching, "dispatches on 'action'"),
        (unknown, "types cannot be read"),
        (two_calls, "'first' and 'second' both take the call"),
        (opaque, "has no schema"),
        (with_function, "has no schema"),
    ],
    ids=lambda each: each if isinstance(each, str) else each.__name__,
)
def test_a_function_that_has_no_schema_is_refused_with_the_reason(
    function: Callable[..., object], says: str
) -> None:
    with pytest.raises(SpecError) as refused:
        read_signature("bad_tool", function)
    assert says in str(refused.value)
    assert "bad_tool" in str(refused.value)


def test_a_tool_without_a_word_about_it_is_refused() -> None:
    def silent(path: str) -> str:
        return path

    with pytest.raises(SpecError, match="needs a docstring or description"):
        describe("silent", silent, None)


# ---------------------------------------------------------------- writes


def by_instruction(instruction: str) -> str:
    """Do it."""
    return instruction


def by_anything(order: object) -> str:
    """Do it."""
    return str(order)


def by_any_object(name: str, order: dict[str, object]) -> str:
    """Do it."""
    return name


def by_pattern(query: Annotated[str, Field(pattern="^[0-9]+$")]) -> str:
    """Do it."""
    return query


def by_name(name: str) -> str:
    """Do it."""
    return name


def by_two(query: str, limit: int) -> str:
    """Do it."""
    return query


def by_nothing() -> str:
    """Do it."""
    return ""


@pytest.mark.requirement("TOOL-12")
@pytest.mark.parametrize(
    ("function", "words"),
    [
        (by_instruction, "only argument is the free text 'instruction'"),
        (by_anything, "its argument 'order' may be anything"),
        (by_any_object, "its argument 'order' may be anything"),
    ],
)
def test_a_write_that_says_nothing_by_its_arguments_is_refused(
    function: Callable[..., str], words: str
) -> None:
    found = read_signature("act", function)
    with pytest.raises(SpecError, match=words):
        check_structured("act", "write", found, free_text=False)
    assert check_structured("act", "write", found, free_text=True)
    assert not check_structured("act", "read", found, free_text=False)


@pytest.mark.requirement("TOOL-12")
@pytest.mark.parametrize("function", [by_pattern, by_name, by_two, by_nothing, order])
def test_a_write_with_arguments_that_say_something_is_taken(function: Callable[..., str]) -> None:
    assert not check_structured("act", "write", read_signature("act", function), free_text=False)


_CHOICE = AliasChoices("to", "recipient")


class Chosen(BaseModel):
    to: Annotated[str, Field(validation_alias=_CHOICE)] = ""


class ByBoth(BaseModel, populate_by_name=True):
    to: str = Field(alias="recipient")


class Deeper(BaseModel):
    to: Annotated[str, Field(validation_alias=AliasPath("party", "name"))] = ""


class Inside(BaseModel):
    found: list[Chosen | None]


@dataclass
class Plain:
    to: Annotated[str, Field(validation_alias=_CHOICE)] = ""


class Typed(TypedDict):
    to: Annotated[str, Field(validation_alias=_CHOICE)]


class ByAlias(BaseModel):
    to: str = Field(alias="recipient")


class ByOneChoice(BaseModel):
    to: Annotated[str, Field(validation_alias=AliasChoices("recipient"))] = ""


class ByName(BaseModel):
    model_config = ConfigDict(validate_by_name=True, validate_by_alias=False)
    to: str = Field(alias="recipient")


class SameName(BaseModel, populate_by_name=True):
    to: str = Field(alias="to")
    other: str = ""


@pytest.mark.requirement("PERM-1", "TOOL-1")
@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Chosen, "to and as recipient"),
        (ByBoth, "recipient and as to"),
        (Deeper, "party.name and as to"),
        (Inside, "to and as recipient"),
        (Plain, "to and as recipient"),
        (Typed, "to and as recipient"),
    ],
)
def test_a_field_that_is_read_under_two_names_is_refused(kind: object, names: str) -> None:
    """A rule about one of them would be passed by the other."""

    def send(to: str) -> None:
        """Send."""

    send.__annotations__["to"] = kind
    with pytest.raises(SpecError, match=f"tool 'send': a field .* is read as {names}; give it one"):
        read_signature("send", send)


@pytest.mark.parametrize("kind", [ByAlias, ByOneChoice, ByName, SameName])
def test_a_field_with_another_name_is_taken(kind: object) -> None:
    def send(dest: str) -> None:
        """Send."""

    send.__annotations__["dest"] = kind
    assert read_signature("send", send).names == (("argument_0", "dest"),)
