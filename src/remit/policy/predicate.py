"""Predicates made ready to be asked: which values, which test, and yes, no or unknown."""

import fnmatch
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from remit.policy.address import Hosts, host_of, is_private
from remit.policy.dangers.sets import DANGERS, Danger
from remit.policy.leaves import Digits, Leaf, Value, Words, leaves, number_of, plain
from remit.policy.lexical_path import beneath
from remit.policy.linear import searching
from remit.policy.where import Number, Where

Answer = bool | None
"""None: nobody can say. A rule that denies or asks takes it for yes, one that allows for no."""
Test = Callable[[Value], Answer]

# What a tool takes for true and false where a model writes them as text (Pydantic's own words).
TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_EDGE_OF_SHELL = frozenset({"shell", "git"})


class Seen:
    """The values in the arguments of one call, by path; read once and only where a rule looks.

    `left_out` are those that the tool fills in: they count against a call, never for it.
    """

    __slots__ = ("_by_path", "_found", "_left_out", "_text")

    def __init__(self, text: str, left_out: str = "") -> None:
        self._text = text
        self._left_out = Seen(left_out) if left_out else None
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
        """Those that a predicate is asked of, with those that were left out."""
        if self._left_out is None:
            return self.given(asked)
        return (*self.given(asked), *self._left_out.given(asked))

    def given(self, asked: "Asked") -> Iterable[Value]:
        """Those that the call itself names."""
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
    pattern: str = ""
    """The RE2 pattern, where that is all it says."""
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
            pattern=where.pattern or "",
        )


def _turned(test: Test) -> Test:
    def turned(value: Value) -> Answer:
        answer = test(value)
        return None if answer is None else not answer

    return turned


def holds(asked: Asked, seen: Seen, *, strict: bool) -> bool:
    """Whether the values at a path fit. strict: all that are given, and there is one; else any."""
    some = False
    test, whole = asked.test, asked.whole
    for value in seen.given(asked) if strict else seen.at(asked):
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
        mine = TRUE if wanted else FALSE

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
    occurs = searching(where.pattern or "")
    return lambda value: occurs(plain(value))


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
