"""Finds the secrets of a text that may come in pieces; the pieces do not change what is found."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Protocol

from remit.policy.byte_search import Finder, Hit, compiled, sieve
from remit.policy.known_values import KnownValues
from remit.policy.secret_pattern import parse
from remit.policy.secret_rule import (
    LOOKBACK,
    MAX_SECRET,
    RULE_ID,
    SENSITIVITIES,
    ArmedRule,
    SecretRule,
    keyword_pattern,
)

PLACEHOLDER = rf"\[secret:{RULE_ID}:[0-9a-f]{{16,64}}\]"
"""What stands for a secret: its kind and a keyed MAC of 64 to 256 bits in hexadecimal."""

RESCAN = 512
"""An innocent value up to this size is searched for another key and value within it. A bound,
because a text of nothing but keys would be searched again from each of them."""

WINDOW = 65_536
"""Bytes that a rule searches at once; several times `MAX_SECRET`."""

SLACK = 256
"""A match that was cut off at `MAX_SECRET` may end a little earlier: between two lines of a key."""

MAX_PLACEHOLDER = 200
"""Bytes of the longest placeholder, rounded up: 9 + 101 + 1 + 64 + 1."""

_PLACEHOLDER = compiled(PLACEHOLDER, "PLACEHOLDER")
_PLACEHOLDER_BEGUN = compiled(parse(PLACEHOLDER, "PLACEHOLDER", ["[secret:"]).begun, "PLACEHOLDER")
_CONTINUATION = 0b1000_0000
"""The first two bits of a UTF-8 byte that is not the first of its character."""


class Nominator(Protocol):
    """Tells which rules may match a whole text, so that the others need not be searched."""

    def nominated(self, data: bytes) -> list[int] | None:
        """The numbers of the rules, in order; every rule that matches is among them.

        None leaves it to the keywords.
        """
        ...


class Keywords:
    """Nominates a rule when one of its keywords occurs."""

    __slots__ = ("_sieve",)

    def __init__(self, rules: Sequence[SecretRule]) -> None:
        self._sieve = sieve(keyword_pattern(rule) for rule in rules)

    def nominated(self, data: bytes) -> list[int]:
        """The numbers of the rules, in order."""
        return self._sieve.Match(data) or []


@dataclass(frozen=True, slots=True)
class Region:
    """A secret at `start` to `end`; what stands up to `drop` vanishes with it."""

    start: int
    end: int
    drop: int
    kind: str


@dataclass(frozen=True, slots=True, order=True)
class _Suspect:
    """A secret found by one rule, not yet weighed against those of other rules."""

    start: int
    order: int
    end: int
    kind: str
    more: Finder | None


def is_placeholder(data: bytes) -> bool:
    """Tell whether this is exactly one placeholder."""
    return _PLACEHOLDER.fullmatch(data) is not None


def blank(data: bytes) -> bytes:
    r"""The text with blanks in place of placeholders, so that no rule sees them.

    The last blank is a letter to `\b`, as most secrets are: taking one out makes no new edge, and
    a text that was cleaned has no secrets that it did not have before.
    """
    if b"[secret:" not in data:
        return data
    parts = []
    at = 0
    while (hit := _PLACEHOLDER.search(data, at)) is not None:
        start, end = hit.span()
        parts += [data[at:start], b" " * (end - start - 1), b"_"]
        at = end
    return b"".join([*parts, data[at:]])


def whole_until(data: bytes) -> int:
    """Where the last placeholder begins that could be incomplete; the length if there is none."""
    at = data.rfind(b"[")
    if at < 0 or len(data) - at > MAX_PLACEHOLDER or b"]" in data[at:]:
        return len(data)
    return len(data) if _PLACEHOLDER_BEGUN.fullmatch(data[at:]) is None else at


def first_byte(data: bytes, at: int) -> int:
    """The place of the character that the byte at `at` belongs to; 0 before the beginning."""
    while at > 0 and data[at] & 0b1100_0000 == _CONTINUATION:
        at -= 1
    return max(at, 0)


class Scan:
    """The state of a search that goes from left to right.

    `raw` is the text, `view` the same without placeholders: rules look at the view, known values at
    the text. Every match that begins before `until` has been found. Everything before `written` was
    placed or passed over. All places count from the beginning of `raw`.

    A match is what a rule finds leftmost from the end of its previous match, at most `MAX_SECRET`
    bytes long. Rules do not see each other; where their secrets overlap, the one that begins first
    is replaced and of the other only what stands behind it. So all is decided from left to right,
    which is why a stream finds what a whole text finds.
    """

    __slots__ = (
        "_dropping",
        "_marks",
        "_rules",
        "_runs",
        "_waiting",
        "raw",
        "until",
        "view",
        "written",
    )

    def __init__(self, rules: "SecretRules", raw: bytes = b"") -> None:
        self._rules = rules
        self.raw = raw
        self.view = blank(raw)
        self.until = 0
        self.written = 0
        self._marks: dict[int, int] = {}
        self._runs: dict[int, Finder] = {}
        self._waiting: list[_Suspect] = []
        self._dropping: Finder | None = None

    def add(self, data: bytes) -> None:
        """Take in the next piece; what may be half a placeholder stays out of view."""
        self.raw += data
        view = blank(self.raw[len(self.view) :])
        self.view += view[: whole_until(view)]

    def close(self) -> None:
        """Nothing comes any more: half a placeholder is none."""
        self.view += self.raw[len(self.view) :]

    def forget(self) -> None:
        """Let go of what is decided, but for the bytes that rules look back at."""
        cut = min(self.until, self.written) - LOOKBACK
        if cut <= 0:
            return
        self.raw = self.raw[cut:]
        self.view = self.view[cut:]
        self.until -= cut
        self.written -= cut
        self._marks = {order: at - cut for order, at in self._marks.items() if at > cut}
        self._waiting = [
            _Suspect(each.start - cut, each.order, each.end - cut, each.kind, each.more)
            for each in self._waiting
        ]

    def drop_on(self) -> None:
        """Pass over what has come of secrets that are too long, before anything else is done."""
        if self._dropping is not None:
            self._drop(self._dropping)
        for number, run in list(self._runs.items()):
            self._marks[number] = _run_end(run, self.view, self._marks[number])
            if self._marks[number] < len(self.view):
                del self._runs[number]

    def advance(self, nominated: Iterable[int], until: int) -> list[Region]:
        """The secrets that begin before `until`, in order; nobody else begins there.

        `nominated` are the numbers of the rules whose keyword occurs from `self.until` on.
        """
        found = self._waiting
        if self._rules.known is not None:
            self._find_known(self._rules.known, until, found)
        for number in nominated:
            self._find(number, until, found)
        self.until = until
        return self._place(sorted(found, key=_by_place))

    def _find_known(self, known: KnownValues, until: int, found: list[_Suspect]) -> None:
        at = max(self.until, self._marks.get(-1, 0))
        while at < until and (hit := known.find(self.raw, at, len(self.view))) is not None:
            start, end, kind = hit
            if start >= until:
                break
            found.append(_Suspect(start, -1, end, kind, None))
            at = end
        self._marks[-1] = at

    def _find(self, number: int, until: int, found: list[_Suspect]) -> None:
        rule = self._rules.armed(number)
        view = self.view
        at = max(self.until, self._marks.get(number, 0))
        while (hit := _next(rule, view, at, until)) is not None:
            start, end = hit.span()
            first, last = rule.span(hit)
            more = rule.more if end - start > MAX_SECRET - SLACK else None
            before = view[max(0, start - LOOKBACK) : start]
            guilty = rule.convicts(view[first:last], view[start:end], before)
            if guilty:
                found.append(_Suspect(first, number, last, rule.rule.id, more))
            if not guilty and start < first and end - first <= RESCAN:
                at = first
            elif more is None:
                at = end
            else:
                at = _run_end(more, view, end)
                if at == len(view):
                    self._runs[number] = more
        self._marks[number] = at

    def _place(self, found: list[_Suspect]) -> list[Region]:
        """Decide between suspects that overlap; those that begin too late wait."""
        placed: list[Region] = []
        index = 0
        while index < len(found) and found[index].start < self.until:
            first = found[index]
            end = first.end
            more = first.more
            while (index := index + 1) < len(found) and found[index].start == first.start:
                if found[index].end > end:
                    end = found[index].end
                    more = found[index].more
            if end <= self.written:
                continue
            start = max(first.start, self.written)
            self.written = end
            if more is not None:
                self._drop(more)
            placed.append(Region(start, end, self.written, first.kind))
        self._waiting = found[index:]
        self.written = max(self.written, self.until)
        return placed

    def _drop(self, run: Finder) -> None:
        """Pass over the rest of a secret that is too long; the run may go on in the next piece."""
        self.written = _run_end(run, self.view, self.written)
        self._dropping = run if self.written == len(self.view) else None


def _next(rule: ArmedRule, view: bytes, at: int, until: int) -> Hit | None:
    """The rule's leftmost match that begins in `view[at:until]`, at most `MAX_SECRET` bytes of it.

    The search goes by windows, because a match may reach to the end of the text before it is cut
    off; without them a text full of such beginnings would be read again and again.
    """
    while at < until:
        limit = at + WINDOW
        hit = rule.find.search(view, at, limit)
        if hit is None:
            at = limit - MAX_SECRET
            continue
        start, end = hit.span()
        if start >= until:
            return None
        if start > limit - MAX_SECRET:
            at = start
            continue
        return rule.find.match(view, start, start + MAX_SECRET) if end - start > MAX_SECRET else hit
    return None


def _by_place(suspect: _Suspect) -> tuple[int, int]:
    return suspect.start, suspect.order


def _run_end(run: Finder, view: bytes, at: int) -> int:
    hit = run.match(view, at)
    return at if hit is None else hit.span()[1]


class SecretRules:
    """Rules and known values, ready to find secrets. Raises `ConfigError` if one will not do.

    A rule is compiled, and its pattern checked, when a text first nominates it, for most processes
    meet few of them; `check_examples` in `remit.policy.rule_book` checks all. `known` are the app's
    own secrets by name; they are also found base64-, URL- and JSON-encoded. `nominator` makes, of
    the rules, what tells which of them may match a whole text; without one their keywords do. It
    may name too many rules, never too few.
    """

    __slots__ = ("_armed", "_keywords", "_nominator", "_opening", "known", "rules")

    def __init__(
        self,
        rules: Sequence[SecretRule],
        known: Mapping[str, str] | None = None,
        nominator: Callable[[Sequence[SecretRule]], Nominator] | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self._armed: list[ArmedRule | None] = [None] * len(self.rules)
        self.known = KnownValues(known) if known else None
        self._keywords = Keywords(self.rules)
        self._nominator = None if nominator is None else nominator(self.rules)
        self._opening: Finder | None = None

    def with_known(self, known: Mapping[str, str]) -> "SecretRules":
        """The same rules, compiled once, with other known values."""
        other = copy(self)
        other.known = KnownValues(known) if known else None
        return other

    def armed(self, number: int) -> ArmedRule:
        """A rule ready to search."""
        rule = self._armed[number]
        if rule is None:
            rule = self._armed[number] = ArmedRule(self.rules[number])
        return rule

    @property
    def opening(self) -> Finder:
        """Finds a tail that may be the beginning of a match before its first keyword."""
        if self._opening is None:  # only streams need it, and it is as large as all rules together
            opening = "|".join(self.armed(n).opening for n in range(len(self.rules)))
            self._opening = compiled(rf"(?:{opening})\z", "secret rules")
        return self._opening

    def keyed(self, data: bytes) -> list[int]:
        """The numbers of the rules whose keywords occur: a match may have begun there."""
        return self._keywords.nominated(data)

    def nominated(self, data: bytes) -> list[int]:
        """The numbers of the rules that may match in a whole text."""
        found = None if self._nominator is None else self._nominator.nominated(data)
        return self._keywords.nominated(data) if found is None else found

    def innocent(self, data: bytes) -> bool:
        """Tell, cheaply, that there is nothing to find."""
        return self.known is None and not self.nominated(data)

    def regions(self, data: bytes, *, sure: bool = False) -> list[Region]:
        """All secrets of a whole text; with `sure` those known or found by an issuer's mark."""
        nominated = self.nominated(data)
        if sure:
            rules = self.rules
            nominated = [n for n in nominated if rules[n].sensitivity == SENSITIVITIES[0]]
        if not nominated and self.known is None:
            return []
        return Scan(self, data).advance(nominated, len(data))

    def undecided(self, scan: Scan, nominated: Iterable[int]) -> int:
        """Where the tail of a scan's text begins that may be the first part of a secret.

        `nominated` are the rules whose keyword occurs from `scan.until` on: of the others, only the
        part before the keyword can have come. Never further back than the longest secret reaches.
        """
        view = scan.view
        place = _tail(self.opening, view, scan.until)
        for number in nominated:
            place = min(place, _tail(self.armed(number).begun, view, scan.until))
        if self.known is not None:
            place = min(place, self.known.begun(scan.raw[: len(view)], scan.until))
        return max(place, first_byte(view, len(view) - MAX_SECRET - 1))


def _tail(begun: Finder, view: bytes, at: int) -> int:
    hit = begun.search(view, at)
    return len(view) if hit is None else hit.span()[0]
