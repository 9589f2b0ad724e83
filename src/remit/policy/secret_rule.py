"""A rule that finds one kind of secret, as data with its own examples."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from remit.errors import ConfigError
from remit.policy import secret_pattern
from remit.policy.byte_search import Finder, Hit, compiled

MAX_SECRET = 16_384
"""Bytes of a secret that are kept whole: an RSA key of 16,384 bits is 12.7 KB in PEM form."""

SENSITIVITIES = ("issued", "low", "normal", "high", "max")
"""Settings, each with the rules of those before it: what its issuer marked; what stands beside a
key and looks generated; the default; also what looks chosen by a person or has no key in its line;
all that looks random."""

LOOKBACK = 24
"""Bytes before a match that may acquit it: `next_page_` before `token`."""

RULE_ID = r"[a-z0-9]{1,16}(?:-[a-z0-9]{1,16}){0,5}"
"""How a kind is called. Its parts are short, so that no token can pose as one in a placeholder."""

RUN = "[A-Za-z0-9_./+=~-]"
"""What is dropped after a secret that is longer than `MAX_SECRET`: the rest of the token."""

_RULE_ID = compiled(RULE_ID, "RULE_ID")
_KEYWORD = re.compile(r"[ !#-\[\]-~]{2,}|[=:]")


@dataclass(frozen=True, slots=True)
class SecretRule:
    """How one kind of secret is found.

    `pattern` is in the language of `remit.policy.secret_pattern`; the first group that took part is
    the secret, without groups the whole match. `keywords`: every match holds one of them, in any
    case; text without keywords is never looked at. `entropy`: least bits per byte of the secret.
    `must`: RE2 patterns of which one must be found in the secret.
    `allow`: RE2 patterns that acquit a secret they are found in; `allow_match`: the same for the
    whole match; `allow_before`: the same for what ends where the match begins, at most `LOOKBACK`
    bytes. `more`: the class of characters that are dropped
    behind a secret longer than `MAX_SECRET`. `sensitivity`: the first of `SENSITIVITIES` at which
    the rule is used. `source`: the file it stands in, for errors.

    `hits` and `misses` are examples in the notation of `remit.policy.specimen`, so that no text
    shaped like a secret stands in a file; in a hit the secret stands between « and ».
    """

    id: str
    pattern: str
    keywords: tuple[str, ...]
    entropy: float = 0.0
    allow: tuple[str, ...] = ()
    allow_match: tuple[str, ...] = ()
    allow_before: tuple[str, ...] = ()
    more: str = RUN
    must: tuple[str, ...] = ()
    sensitivity: str = SENSITIVITIES[0]
    source: str = ""
    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()


def entropy(secret: bytes) -> float:
    """Bits per byte of the text's own byte frequencies (Shannon 1948); 0 for an empty text."""
    size = len(secret)
    if size == 0:
        return 0.0
    return math.log2(size) - sum(map(_n_log_n, Counter(secret).values())) / size


@lru_cache(maxsize=1024)  # counts of bytes are small numbers, and mostly 1
def _n_log_n(count: int) -> float:
    return count * math.log2(count)


def keyword_pattern(rule: SecretRule) -> str:
    """A pattern that stands in every text in which the rule matches."""
    return "|".join(map(re.escape, rule.keywords))


def any_of(patterns: tuple[str, ...], where: str) -> Finder | None:
    """One finder for many patterns, None for none."""
    joined = "|".join(f"(?:{each})" for each in patterns)
    return compiled(joined, where) if patterns else None


class ArmedRule:
    """A rule ready to search. Raises `ConfigError` naming the rule and the field.

    `begun` finds where the tail of a text begins that may be the first part of a match; `opening`
    is a pattern for such tails that hold no keyword yet.
    """

    __slots__ = (
        "_allow",
        "_allow_before",
        "_allow_match",
        "_begins",
        "_begun",
        "_must",
        "find",
        "groups",
        "more",
        "opening",
        "rule",
    )

    def __init__(self, rule: SecretRule) -> None:
        where = f"secret rule {rule.id!r}{f' of {rule.source}' if rule.source else ''}"
        if not _RULE_ID.fullmatch(rule.id.encode()):
            raise ConfigError(f"{where}: an id looks like 'aws-access-key' ({RULE_ID})")
        if not rule.keywords or not all(map(_KEYWORD.fullmatch, rule.keywords)):
            raise ConfigError(
                f"{where}: name at least one keyword that every match holds, of 2 or more "
                "printable ASCII characters without quotes and backslashes, or '=' or ':'"
            )
        known = secret_pattern.parse(rule.pattern, where, rule.keywords)
        if known.most > MAX_SECRET // 2:
            raise ConfigError(
                f"{where}: the pattern without its endless repetition may match at most "
                f"{MAX_SECRET // 2} characters; it may match {known.most}"
            )
        self.rule = rule
        self.opening = known.opening
        self._begins = rf"(?:{known.begun})\z"
        self._begun: Finder | None = None
        self.groups = range(1, known.groups + 1)
        self.find = compiled(rule.pattern, f"{where}: pattern")
        self.more = compiled(f"(?:{rule.more})*", f"{where}: more")
        self._must = any_of(rule.must, f"{where}: must")
        self._allow = any_of(rule.allow, f"{where}: allow")
        self._allow_match = any_of(rule.allow_match, f"{where}: allow_match")
        before = tuple(rf"(?:{each})\z" for each in rule.allow_before)
        self._allow_before = any_of(before, f"{where}: allow_before")

    @property
    def begun(self) -> Finder:
        """Finds a tail that may be the beginning of a match."""
        if self._begun is None:  # only streams need it, and it is slow to compile
            self._begun = compiled(self._begins, f"secret rule {self.rule.id!r}")
        return self._begun

    def span(self, hit: Hit) -> tuple[int, int]:
        """Where the secret of a match stands."""
        for group in self.groups:
            span = hit.span(group)
            if span[0] >= 0:
                return span
        return hit.span()

    def convicts(self, secret: bytes, match: bytes, before: bytes) -> bool:
        """Tell whether what was found is a secret: enough entropy, and nothing acquits it."""
        if self.rule.entropy and entropy(secret) < self.rule.entropy:
            return False
        if self._must is not None and not self._must.search(secret):
            return False
        if self._allow is not None and self._allow.search(secret):
            return False
        if self._allow_match is not None and self._allow_match.search(match):
            return False
        return self._allow_before is None or not self._allow_before.search(before)
