"""Sieves: which of many predicates over one argument may fit a value, found without asking each.

Rules stand for bits. A sieve may let a rule through whose predicate does not fit in the end, for
the rule itself is asked afterwards; it never keeps one back whose predicate fits, or of which
nobody can say. So every verdict is the one that asking rule after rule gives.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from remit.policy.address import host_of, normal_host, one_name, same_address
from remit.policy.leaves import Value, number_of, plain
from remit.policy.lexical_path import clean_path, is_unclear
from remit.policy.linear import PatternSet, pattern_set
from remit.policy.predicate import FALSE, TRUE, Asked
from remit.policy.where import Number, Wanted, Where

Entry = tuple[int, Asked]
"""The bit of a rule, and one of its predicates."""


class Sieve(Protocol):
    """Predicates of one kind over one argument."""

    def bits(self, value: Value) -> int:
        """The rules that this value may fit."""
        ...


def _add(table: dict[str, int], key: str, bit: int) -> None:
    table[key] = table.get(key, 0) | bit


def _wheres(entries: Iterable[Entry]) -> Iterable[tuple[int, Where]]:
    return ((bit, asked.where) for bit, asked in entries if asked.where is not None)


class _Same:
    """`equals` and `in`: looked up."""

    __slots__ = ("_false", "_numbers", "_texts", "_true", "_unknown")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._texts: dict[str, int] = {}
        self._numbers: dict[Decimal, int] = {}
        self._true = self._false = self._unknown = 0
        for bit, where in _wheres(entries):
            for wanted in where.one_of if where.equals is None else (where.equals,):
                self._take(bit, wanted)

    def _take(self, bit: int, wanted: Wanted) -> None:
        if isinstance(wanted, Number):
            number = Decimal(wanted.number)
            self._numbers[number] = self._numbers.get(number, 0) | bit
            self._unknown |= bit
        elif wanted is True:
            self._true |= bit
        elif wanted is False:
            self._false |= bit
        else:
            _add(self._texts, wanted, bit)

    def bits(self, value: Value) -> int:
        text = plain(value)
        found = self._texts.get(text, 0)
        if self._numbers:
            number = number_of(value)
            if number is not None:
                found |= self._unknown if number.is_nan() else self._numbers.get(number, 0)
        if self._true or self._false:
            word = text.strip().lower()
            found |= (self._true if word in TRUE else 0) | (self._false if word in FALSE else 0)
        return found


# Steps of one bound: each keeps a set of rules, so many would need the square of the rules.
_STEPS = 256


class _Steps:
    """Which rules have a lower bound that a number reaches: a stair, gone up by halving."""

    __slots__ = ("_bits", "_bounds")

    def __init__(self, bounds: Iterable[tuple[Decimal, int]]) -> None:
        found = sorted(bounds, key=lambda each: each[0])
        size = len(found) // _STEPS + 1
        self._bounds: list[Decimal] = []
        self._bits = [0]
        for start in range(0, len(found), size):
            # Each of a step counts from the lowest bound of it: some too many, none too few.
            self._bounds.append(found[start][0])
            bits = self._bits[-1]
            for _, bit in found[start : start + size]:
                bits |= bit
            self._bits.append(bits)

    def reached(self, number: Decimal) -> int:
        return self._bits[bisect_right(self._bounds, number)]


class _Range:
    """`at_least`, `above`, `at_most` and `below`."""

    __slots__ = ("_all", "_high", "_low", "_no_high", "_no_low")

    def __init__(self, entries: Sequence[Entry]) -> None:
        low: list[tuple[Decimal, int]] = []
        high: list[tuple[Decimal, int]] = []
        self._all = self._no_low = self._no_high = 0
        for bit, where in _wheres(entries):
            self._all |= bit
            lowest = where.at_least if where.at_least is not None else where.above
            highest = where.at_most if where.at_most is not None else where.below
            if lowest is None:
                self._no_low |= bit
            else:
                low.append((Decimal(lowest), bit))
            if highest is None:
                self._no_high |= bit
            else:
                high.append((Decimal(highest).copy_negate(), bit))
        self._low, self._high = _Steps(low), _Steps(high)

    def bits(self, value: Value) -> int:
        number = number_of(value)
        if number is None:
            return 0
        if number.is_nan():
            return self._all
        return (self._low.reached(number) | self._no_low) & (
            self._high.reached(number.copy_negate()) | self._no_high
        )


# Different lengths of the fixed ends of globs that are looked up; further ones are cut to these.
_LENGTHS = 12


class _Ends:
    """Texts that a value must begin with, or end with: one look for each length."""

    __slots__ = ("_by_length", "_last")

    def __init__(self, ends: Sequence[tuple[str, int]], *, last: bool) -> None:
        self._last = last
        lengths = sorted({len(text) for text, _ in ends})
        kept = lengths[:: len(lengths) // _LENGTHS + 1]
        self._by_length: dict[int, dict[str, int]] = {}
        for text, bit in ends:
            length = kept[bisect_right(kept, len(text)) - 1]
            _add(self._by_length.setdefault(length, {}), self._end(text, length), bit)

    def _end(self, text: str, length: int) -> str:
        return text[-length:] if self._last and length else text[:length]

    def bits(self, text: str) -> int:
        found = 0
        for length, table in self._by_length.items():
            found |= table.get(self._end(text, length), 0)
        return found


class _Glob:
    """`glob`: by the whole text, or by the longer of its fixed ends."""

    __slots__ = ("_exact", "_first", "_last")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._exact: dict[str, int] = {}
        first: list[tuple[str, int]] = []
        last: list[tuple[str, int]] = []
        for bit, where in _wheres(entries):
            for glob in where.glob:
                head, tail = fixed_ends(glob)
                if head == glob:
                    _add(self._exact, glob, bit)
                elif len(head) >= len(tail):
                    first.append((head, bit))
                else:
                    last.append((tail, bit))
        self._first, self._last = _Ends(first, last=False), _Ends(last, last=True)

    def bits(self, value: Value) -> int:
        text = plain(value)
        return self._exact.get(text, 0) | self._first.bits(text) | self._last.bits(text)


def fixed_ends(glob: str) -> tuple[str, str]:
    """What every text of a glob begins and ends with; the same twice where it is no glob."""
    first = next((at for at, char in enumerate(glob) if char in "*?["), len(glob))
    if first == len(glob):
        return glob, glob
    last = max(glob.rfind(char) for char in "*?]")
    return glob[:first], glob[max(last, first) + 1 :] if glob[first] != "[" or last > first else ""


# Longer values are asked pattern by pattern: a set of odd patterns may be slower than they are.
_SEARCHED = 256


class _Pattern:
    """`pattern`: all in one pass."""

    __slots__ = ("_all", "_bits", "_set")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._set: PatternSet = pattern_set(tuple(asked.pattern for _, asked in entries))
        self._bits = tuple(bit for bit, _ in entries)
        self._all = 0
        for bit in self._bits:
            self._all |= bit

    def bits(self, value: Value) -> int:
        text = plain(value)
        found = None if len(text) > _SEARCHED else self._set.search(text)
        if found is None:
            return self._all
        bits = 0
        for number in found:
            bits |= self._bits[number]
        return bits


class _Beneath:
    """`beneath`: the roots are looked up among the folders that a path lies in."""

    __slots__ = ("_all", "_anywhere", "_roots")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._roots: dict[str, int] = {}
        self._all = self._anywhere = 0
        for bit, where in _wheres(entries):
            self._all |= bit
            for root in where.beneath:
                top = clean_path(root)
                if top.startswith("/"):
                    _add(self._roots, top, bit)
                else:  # which folder that is the text does not say
                    self._anywhere |= bit

    def bits(self, value: Value) -> int:
        text = plain(value)
        if is_unclear(text):
            return self._all
        found, path = self._anywhere, clean_path(text)
        at = path.find("/")
        if at == 0:
            found |= self._roots.get("/", 0)
            at = path.find("/", 1)
        while at > 0:
            found |= self._roots.get(path[:at], 0)
            at = path.find("/", at + 1)
        return found | self._roots.get(path, 0)


class _Host:
    """`host_in`: the host and the names that it lies beneath are looked up."""

    __slots__ = ("_addresses", "_all", "_endings", "_names")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._names: dict[str, int] = {}
        self._endings: dict[str, int] = {}
        self._addresses: dict[object, int] = {}
        self._all = 0
        for bit, where in _wheres(entries):
            self._all |= bit
            for wanted in where.host_in:
                name = one_name(wanted) or normal_host(wanted)
                address = same_address(name)
                if address is not None:
                    self._addresses[address] = self._addresses.get(address, 0) | bit
                elif name.startswith("*."):
                    _add(self._endings, name[1:], bit)
                _add(self._names, name, bit)

    def bits(self, value: Value) -> int:
        host = host_of(plain(value))
        if host is None:
            return self._all
        found = self._names.get(host, 0)
        if self._addresses:
            address = same_address(host)
            found |= 0 if address is None else self._addresses.get(address, 0)
        if self._endings:
            at = host.find(".")
            while at >= 0:
                found |= self._endings.get(host[at:], 0)
                at = host.find(".", at + 1)
        return found


_SIEVES: Mapping[str, type[_Same | _Range | _Glob | _Pattern | _Beneath | _Host]] = {
    "equals": _Same,
    "in": _Same,
    "range": _Range,
    "glob": _Glob,
    "pattern": _Pattern,
    "beneath": _Beneath,
    "host_in": _Host,
}


def kind_of(asked: Asked) -> str:
    """The kind of sieve for a predicate; empty where there is none and the rule itself is asked."""
    if asked.where is None:
        return "pattern"
    kind = asked.where.kinds[0]
    if asked.where.negate or kind not in _SIEVES:
        return ""
    return "equals" if kind == "in" else kind


def sieve_of(kind: str, entries: Sequence[Entry]) -> Sieve:
    """The sieve of these predicates; all of one kind."""
    return _SIEVES[kind](entries)
