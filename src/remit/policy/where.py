"""Predicates over the arguments of a call: each is asked of every value at a dotted path."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    model_validator,
)

from remit.policy.dangers.sets import DANGERS
from remit.policy.linear import compiled


def is_nothing(value: object) -> bool:
    """A field that was not given: it stands in no stored text and in no digest."""
    return value is None or value in ((), "", False)


def _lexeme(value: object) -> object:
    """A bound as exact digits."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{value!r} is no number")  # noqa: TRY004  # as Pydantic wants
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return str(value)


def _is_none(value: object) -> bool:
    return value is None  # False, zero and the empty text are values


class Number(BaseModel):
    """An exact number, as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: Annotated[str, BeforeValidator(_lexeme)]


def _wanted(value: object) -> object:
    number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return Number(number=str(value)) if number else value


Wanted = Annotated[StrictStr | StrictBool | Number, BeforeValidator(_wanted)]
Bound = Annotated[str, BeforeValidator(_lexeme)]


def _many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_many)]
"""One text, or several."""


class Where(BaseModel):
    """What one argument must be. `name` is a dotted path; `*` means each argument, or each key.

    Give one of: `equals`; `one_of` (in TOML `in`); a range of `at_least`, `above`, `at_most`,
    `below`; `glob`; `pattern` (RE2, searched); `beneath` (paths); `host_in` (hosts, `*.name` for
    all beneath a name); `private_host` (leads to no host of the open internet); `danger` (the name
    of a built-in deny set). `negate` (in TOML `not`) turns it round.

    Numbers are compared exactly, as they are written. A rule that denies or asks needs one value
    there that fits, or of which nobody can say; a rule that allows needs all of them to fit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = Field(min_length=1)
    equals: Wanted | None = Field(default=None, exclude_if=_is_none)
    one_of: tuple[Wanted, ...] = Field(
        default=(), exclude_if=is_nothing, validation_alias=AliasChoices("in", "one_of")
    )
    at_least: Bound | None = Field(default=None, exclude_if=_is_none)
    above: Bound | None = Field(default=None, exclude_if=_is_none)
    at_most: Bound | None = Field(default=None, exclude_if=_is_none)
    below: Bound | None = Field(default=None, exclude_if=_is_none)
    glob: Texts = Field(default=(), exclude_if=is_nothing)
    pattern: str | None = Field(default=None, exclude_if=_is_none)
    beneath: Texts = Field(default=(), exclude_if=is_nothing)
    host_in: Texts = Field(default=(), exclude_if=is_nothing)
    private_host: bool = Field(default=False, exclude_if=is_nothing)
    danger: Texts = Field(default=(), exclude_if=is_nothing)
    negate: bool = Field(
        default=False, exclude_if=is_nothing, validation_alias=AliasChoices("not", "negate")
    )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The tests that are given; a range counts as one."""
        ranged = (self.at_least, self.above, self.at_most, self.below)
        given = {
            "equals": self.equals is not None,
            "in": bool(self.one_of),
            "range": any(each is not None for each in ranged),
            "glob": bool(self.glob),
            "pattern": self.pattern is not None,
            "beneath": bool(self.beneath),
            "host_in": bool(self.host_in),
            "private_host": self.private_host,
            "danger": bool(self.danger),
        }
        return tuple(name for name, is_given in given.items() if is_given)

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if len(self.kinds) != 1:
            said = " and ".join(self.kinds) or "nothing"
            raise ValueError(
                f"it says {said} of {self.name!r}: say exactly one of equals, in, at_least/above/"
                "at_most/below, glob, pattern, beneath, host_in, private_host, danger"
            )
        if self.pattern is not None:
            compiled(self.pattern)
        for name in self.danger:
            if name not in DANGERS:
                raise ValueError(f"there is no deny set {name!r}; known are {', '.join(DANGERS)}")
        return self

    def told(self) -> str:
        """What it says, for people."""
        kind, negated = self.kinds[0], "not " if self.negate else ""
        if kind == "range":
            signs = (
                (">=", self.at_least),
                (">", self.above),
                ("<=", self.at_most),
                ("<", self.below),
            )
            return f"{self.name} {negated}" + " and ".join(f"{s} {v}" for s, v in signs if v)
        if kind == "private_host":
            return f"{self.name} {negated}leads inside"
        value = self.model_dump(mode="json")["one_of" if kind == "in" else kind]
        return f"{self.name} {negated}{kind} {_shown(value)}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return str(value["number"])
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value)
    return repr(value) if isinstance(value, str) else str(value)
