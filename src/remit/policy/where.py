"""Predicates over the arguments of a call: each is asked of every value at a dotted path."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal, Self

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

from remit.policy.address import Hosts, host_of, is_private
from remit.policy.dangers.sets import DANGERS, Danger
from remit.policy.leaves import Digits, Leaf, Value, Words, leaves, number_of, plain
from remit.policy.lexical_path import beneath
from remit.policy.linear import compiled

Answer = bool | None
"""None: nobody can say. A rule that denies or asks takes it for yes, one that allows for no."""
Test = Callable[[Value], Answer]

# What a tool takes for true and false where a model writes them as text (Pydantic's own words).
_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_EDGE_OF_SHELL = frozenset({"shell", "git"})


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


# ---------------------------------------------------------------- compiling


class Seen:
    """The values in the arguments of one call, by path; read once and only where a rule looks."""

    __slots__ = ("_by_path", "_found", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: list[Leaf] | None = None
        self._by_path: dict[str, list[Value]] = {}

    @property
    def leaves(self) -> list[Leaf]:
        """All of them."""
        if self._found is None:
            self._found = leaves(self._text)
            for path, value in self._found:
                self._by_path.setdefault(path, []).append(value)
        return self._found

    def at(self, asked: "Asked") -> Iterable[Value]:
        """Those that a predicate is asked of."""
        found = self._found
        if found is None:
            found = self.leaves
        if asked.path is not None:
            return self._by_path.get(asked.path, ())
        means = asked.means
        return [value for path, value in found if means is None or means(path)]


def path_test(name: str) -> Callable[[str], bool] | None:
    """Whether a path is meant by a name; None where every path is, or only the name itself."""
    if "*" not in name.split(".") or name == "*":
        return None
    parts = (r"[^.]+" if part == "*" else re.escape(part) for part in name.split("."))
    pattern = re.compile(r"\.".join(parts), re.DOTALL)
    return lambda path: pattern.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """A predicate made ready: which values it is asked of, the test, and how it is told."""

    name: str
    test: Test
    told: str
    where: Where | None = None
    whole: bool = False
    """It looks at whole commands too."""
    path: str | None = field(init=False)
    """The one path that is meant."""
    means: Callable[[str], bool] | None = field(init=False)

    def __post_init__(self) -> None:
        """Find out which values are meant."""
        exact = "*" not in self.name.split(".")
        object.__setattr__(self, "path", self.name if exact else None)
        object.__setattr__(self, "means", path_test(self.name))

    @staticmethod
    def of(where: Where) -> "Asked":
        """That of a predicate."""
        test = _TESTS[where.kinds[0]](where)
        return Asked(
            name=where.name,
            test=_turned(test) if where.negate else test,
            told=where.told(),
            where=where,
            whole=bool(where.danger),
        )


def _turned(test: Test) -> Test:
    def turned(value: Value) -> Answer:
        answer = test(value)
        return None if answer is None else not answer

    return turned


def holds(asked: Asked, seen: Seen, *, strict: bool) -> bool:
    """Whether the values at a path fit. strict: all of them, and there is one; else any."""
    some = False
    test, whole = asked.test, asked.whole
    for value in seen.at(asked):
        if not whole and value.__class__ is Words:
            continue  # the same once more, for what looks at whole commands
        answer = test(value)
        if strict:
            if answer is not True:
                return False
            some = True
        elif answer is not False:
            return True
    return some


def _same(wanted: Literal[True, False] | Number) -> Test:
    if isinstance(wanted, bool):
        mine = _TRUE if wanted else _FALSE

        def same_truth(value: Value) -> Answer:
            return plain(value).strip().lower() in mine

        return same_truth
    goal = Decimal(wanted.number)

    def same_number(value: Value) -> Answer:
        number = number_of(value)
        if number is None:
            return False
        return None if number.is_nan() else number == goal

    return same_number


def _equals(where: Where) -> Test:
    return _one_of((where.equals,) if where.equals is not None else ())


def _among(where: Where) -> Test:
    return _one_of(where.one_of)


def _one_of(wanted: Sequence[str | bool | Number]) -> Test:
    texts = frozenset(each for each in wanted if isinstance(each, str))
    tests = [_same(each) for each in wanted if not isinstance(each, str)]

    def test(value: Value) -> Answer:
        if texts and plain(value) in texts:
            return True
        unknown = False
        for each in tests:
            answer = each(value)
            if answer:
                return True
            unknown = unknown or answer is None
        return None if unknown else False

    return test


def _range(where: Where) -> Test:
    low = None if where.at_least is None else Decimal(where.at_least)
    over = None if where.above is None else Decimal(where.above)
    high = None if where.at_most is None else Decimal(where.at_most)
    under = None if where.below is None else Decimal(where.below)

    def test(value: Value) -> Answer:
        number = number_of(value)
        if number is None:
            return False
        if number.is_nan():
            return None
        return (
            (low is None or number >= low)
            and (over is None or number > over)
            and (high is None or number <= high)
            and (under is None or number < under)
        )

    return test


def _glob(where: Where) -> Test:
    match = re.compile("|".join(fnmatch.translate(each) for each in where.glob)).match
    return lambda value: match(plain(value)) is not None


def _pattern(where: Where) -> Test:
    search = compiled(where.pattern or "").search
    return lambda value: search(plain(value)) is not None


def _beneath(where: Where) -> Test:
    roots = where.beneath

    def test(value: Value) -> Answer:
        text, unknown = plain(value), False
        for root in roots:
            answer = beneath(text, root)
            if answer:
                return True
            unknown = unknown or answer is None
        return None if unknown else False

    return test


def _host_in(where: Where) -> Test:
    wanted = Hosts(where.host_in)

    def test(value: Value) -> Answer:
        host = host_of(plain(value))
        return None if host is None else host in wanted

    return test


def _private_host(_where: Where) -> Test:
    def test(value: Value) -> Answer:
        host = host_of(plain(value))
        return None if host is None else is_private(host)

    return test


def _danger(where: Where) -> Test:
    def test(value: Value) -> Answer:
        return why_dangerous(where, value) != ""

    return test


def why_dangerous(where: Where, value: Value) -> str:
    """What the deny sets of a predicate say against a value; empty where nothing."""
    for name in where.danger:
        why = _ask(name, DANGERS[name], value)
        if why is not None:
            return f"{name}: {why}"
    return ""


def _ask(name: str, danger: Danger, value: Value) -> str | None:
    if isinstance(value, Words):
        if name not in _EDGE_OF_SHELL:
            return None  # each of its parts is asked by itself
        quoted = ("'" + word.replace("'", "'\\''") + "'" for word in value)
        return danger(" ".join(quoted))
    return danger(value) if isinstance(value, str) and not isinstance(value, Digits) else None


_TESTS: dict[str, Callable[[Where], Test]] = {
    "equals": _equals,
    "in": _among,
    "range": _range,
    "glob": _glob,
    "pattern": _pattern,
    "beneath": _beneath,
    "host_in": _host_in,
    "private_host": _private_host,
    "danger": _danger,
}
