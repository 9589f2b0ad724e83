"""The rules of one tool, indexed by whom they are about and by what they want of the arguments.

Each rule is a bit, the strictest the lowest. What may be said without asking a rule takes its bit
away; those that are left are asked in their order, so the first that matches decides as ever.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from remit.policy.leaves import Words
from remit.policy.matching import Ready, any_of
from remit.policy.phase import Phase
from remit.policy.predicate import Asked, Seen
from remit.policy.rule import Question, is_glob
from remit.policy.sieve import Entry, Sieve, kind_of, sieve_of

# One predicate of its kind is asked as fast by itself.
_FEW = 2
# Names whose rules are kept at hand, for each tool: a bound, users are many.
_NAMES = 4096


class _Named:
    """Which rules may be about a name: those that give it, a fitting glob, or no name at all."""

    __slots__ = ("_exact", "_globs", "_known", "_others")

    def __init__(self, wanted: Iterable[tuple[int, Sequence[str]]], others: int) -> None:
        self._others = others
        self._exact: dict[str, int] = {}
        globs: dict[str, int] = {}
        for bit, names in wanted:
            for name in names:
                table = globs if is_glob(name) else self._exact
                table[name] = table.get(name, 0) | bit
        self._globs = tuple((any_of((glob,)), bits) for glob, bits in globs.items())
        self._known: dict[str, int] = {}

    def bits(self, name: str) -> int:
        found = self._known.get(name)
        if found is None:
            found = self._others | self._exact.get(name, 0)
            for fits, bits in self._globs:
                found |= bits if fits(name) else 0
            if len(self._known) >= _NAMES:
                self._known.clear()
            self._known[name] = found
        return found


@dataclass(frozen=True, slots=True)
class _Argument:
    """The sieve of one kind for one path."""

    asked: Asked
    sieve: Sieve
    others: int
    """The rules that this sieve says nothing of."""


class RuleIndex:
    """The rules of one tool, those that are asked first at the front."""

    __slots__ = ("_all", "_arguments", "_people", "_rules")

    def __init__(self, rules: Sequence[Ready]) -> None:
        self._rules = tuple(rules)
        self._all = (1 << len(self._rules)) - 1
        self._people = tuple(self._by_people())
        self._arguments = tuple(self._by_arguments())

    def first(self, question: Question, phase: Phase, sight: Seen) -> Ready | None:
        """The first that matches."""
        left = self._all
        for names_of, named in self._people:
            fitting = 0
            for name in names_of(question):
                fitting |= named.bits(name)
            left &= fitting
        for each in self._arguments:
            if not left & ~each.others:
                continue
            found, bits = each.others, each.sieve.bits
            for value in sight.at(each.asked):
                if value.__class__ is not Words:  # no predicate that has a sieve looks at these
                    found |= bits(value)
            left &= found
        rules = self._rules
        while left:
            lowest = left & -left
            rule = rules[lowest.bit_length() - 1]
            if rule.matches(question, phase, sight):
                return rule
            left ^= lowest
        return None

    def _by_people(self) -> Iterable[tuple[Callable[[Question], Iterable[str]], _Named]]:
        for field, names_of in _PEOPLE.items():
            wanted: list[tuple[int, Sequence[str]]] = [
                (1 << at, getattr(ready.rule, field)) for at, ready in enumerate(self._rules)
            ]
            wanted = [(bit, names) for bit, names in wanted if names]
            if len(wanted) >= _FEW:
                named = sum(bit for bit, _ in wanted)
                yield names_of, _Named(wanted, self._all & ~named)

    def _by_arguments(self) -> Iterable[_Argument]:
        groups: dict[tuple[str, str], list[Entry]] = {}
        for at, ready in enumerate(self._rules):
            for asked in ready.arguments:
                kind = kind_of(asked)
                if kind:
                    groups.setdefault((asked.name, kind), []).append((1 << at, asked))
        for (_, kind), entries in groups.items():
            if len(entries) >= _FEW:
                about = 0
                for bit, _ in entries:
                    about |= bit
                yield _Argument(entries[0][1], sieve_of(kind, entries), self._all & ~about)


def _agents(question: Question) -> Iterable[str]:
    return (question.agent, *question.acts_for)


def _tenants(question: Question) -> Iterable[str]:
    return (question.tenant,)


def _users(question: Question) -> Iterable[str]:
    return (question.user,)


def _roles(question: Question) -> Iterable[str]:
    return question.roles or ("",)


_PEOPLE: dict[str, Callable[[Question], Iterable[str]]] = {
    "agents": _agents,
    "tenants": _tenants,
    "users": _users,
    "roles": _roles,
}
"""The circumstances of a rule that are names, and the names of a call."""
