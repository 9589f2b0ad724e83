"""Secret rules as TOML: parsed strictly, with named parts, and checked against their own examples.

    format = 1

    [parts]                       # named pieces of patterns, used as {name}
    sign = '(?:=>|:=|[=:])'

    [lists]                       # named lists of patterns, used as "{name}" in allow
    samples = ['^example', '^test']

    [[rule]]
    id = "acme-key"
    pattern = 'acme_[A-Za-z0-9]{20,}'      # a list of strings is joined
    keywords = ["acme_"]
    entropy = 2.5
    allow = ["{samples}"]
    hits = ["key: «acme_{A20}»"]
    misses = ["acme_{X20}"]

What the fields mean stands at `SecretRule`.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from remit.errors import ConfigError
from remit.policy.secret_rule import RUN, SENSITIVITIES, SecretRule
from remit.policy.secret_scan import SecretRules
from remit.policy.specimen import planted, write_out

MAX_BOOK = 512 * 1024
"""Characters of a file of rules; the built-in ones have a tenth of it."""

MAX_RULES = 1000
"""Rules in one file: each costs a search of its own."""

_MAX_WRITTEN = 16_000
"""Characters of a pattern with its parts written out; a part within a part could explode."""

_SEEDS = ("", "a", "b")
"""Each example is tried with other characters, for entropy depends on them."""

_BYTE_BITS = 8
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PART = re.compile(r"(?<!\\)\{([a-z][a-z0-9-]{0,31})\}")
_TOP = frozenset({"format", "parts", "lists", "rule"})
_TEXTS = ("must", "allow", "allow_match", "allow_before", "hits", "misses")
_FIELDS = frozenset({"id", "pattern", "keywords", "entropy", "more", "sensitivity", *_TEXTS})


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules, and the parts and lists that further rules may use."""

    rules: tuple[SecretRule, ...] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


_EMPTY = RuleBook()


def read_rules(text: str, where: str, base: RuleBook = _EMPTY) -> RuleBook:
    """The rules in a text, behind those of `base`, whose parts and lists they may use.

    Raises `ConfigError` naming `where`, the rule, the key, the value and the remedy. Examples are
    not tried: `check_examples` does.
    """
    reader = _Reader(where, dict(base.parts), dict(base.lists))
    tree = reader.tree(text)
    for name, value in reader.table(tree, "parts").items():
        reader.parts[reader.named(name, "parts")] = reader.pattern(value, f"parts.{name}")
    for name, value in reader.table(tree, "lists").items():
        reader.lists[reader.named(name, "lists")] = reader.patterns(value, f"lists.{name}")
    tables = tree.get("rule", [])
    if not isinstance(tables, list) or len(tables) > MAX_RULES:
        raise reader.wrong("rule", tables, f"write each of at most {MAX_RULES} rules as [[rule]]")
    rules = [reader.rule(table, number) for number, table in enumerate(tables, 1)]
    seen = {rule.id: rule.source for rule in base.rules}
    for rule in rules:
        if rule.id in seen:
            remedy = f"a rule of {seen[rule.id] or where} has this id; choose another"
            raise reader.wrong("id", rule.id, remedy)
        seen[rule.id] = where
    return RuleBook((*base.rules, *rules), reader.parts, reader.lists)


def check_examples(rules: Iterable[SecretRule]) -> None:
    """Try the examples of each rule, alone and with three fillings.

    Raises `ConfigError` naming the file, the rule and the example that it does not meet.
    """
    for rule in rules:
        where = f"secret rule {rule.id!r}{f' of {rule.source}' if rule.source else ''}"
        if not rule.hits or not rule.misses:
            raise ConfigError(
                f"{where}: give at least one example in hits (with the secret between « and ») "
                "and one in misses"
            )
        alone = SecretRules([rule], {})
        alone.armed(0)
        for example in rule.hits:
            _check_hit(alone, example, where)
        for example in rule.misses:
            for seed in _SEEDS:
                if alone.regions(write_out(example, seed).encode()):
                    raise ConfigError(
                        f"{where}: misses: {example!r} is found but must not be; "
                        "narrow the pattern or add to allow"
                    )


def _check_hit(alone: SecretRules, example: str, where: str) -> None:
    if example.count("«") != 1 or example.count("»") != 1:
        raise ConfigError(f"{where}: hits: {example!r} must hold one secret between « and »")
    for seed in _SEEDS:
        text, secret = planted(example, seed)
        data = text.encode()
        found = [data[each.start : each.end] for each in alone.regions(data)]
        if secret.encode() not in found:
            told = "another part of it" if found else "nothing"
            raise ConfigError(
                f"{where}: hits: in {example!r} the rule finds {told} instead of what stands "
                "between « and »; mend the pattern, its group, entropy or allow"
            )


class _Reader:
    """Reads one file's tables and says where one is wrong."""

    def __init__(
        self, where: str, parts: dict[str, str], lists: dict[str, tuple[str, ...]]
    ) -> None:
        self.where = where
        self.parts = parts
        self.lists = lists

    def wrong(self, key: str, value: object, remedy: str) -> ConfigError:
        shown = repr(value)
        return ConfigError(f"{self.where}: {key} = {shown[:120]}: {remedy}")

    def tree(self, text: str) -> dict[str, object]:
        if len(text) > MAX_BOOK:
            raise ConfigError(f"{self.where}: more than {MAX_BOOK} characters; is it a rules file?")
        try:
            tree: dict[str, object] = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as exc:
            raise ConfigError(f"{self.where}: not valid TOML: {exc}") from exc
        if tree.get("format") != 1:
            raise self.wrong("format", tree.get("format"), "write format = 1 at the top")
        for key in tree.keys() - _TOP:
            raise self.wrong(key, tree[key], f"unknown key; known are {', '.join(sorted(_TOP))}")
        return tree

    def table(self, tree: dict[str, object], key: str) -> dict[str, object]:
        value = tree.get(key, {})
        if not isinstance(value, dict):
            raise self.wrong(key, value, f"write a table [{key}] of NAME = PATTERN")
        return value

    def named(self, name: str, table: str) -> str:
        if _NAME.fullmatch(name) is None:
            raise self.wrong(table, name, f"a name looks like 'key-sign' ({_NAME.pattern})")
        return name

    def pattern(self, value: object, key: str) -> str:
        """A pattern, its pieces joined and its parts written out."""
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            value = "".join(value)
        if not isinstance(value, str):
            raise self.wrong(key, value, "write a string, best between single quotes, or a list")

        def part(found: re.Match[str]) -> str:
            if found[1] not in self.parts:
                known = ", ".join(sorted(self.parts)) or "none"
                raise self.wrong(key, found[0], f"there is no such part; known are {known}")
            return self.parts[found[1]]

        made = _PART.sub(part, value)
        if len(made) > _MAX_WRITTEN:
            raise self.wrong(key, value, f"with its parts it has more than {_MAX_WRITTEN} letters")
        return made

    def patterns(self, value: object, key: str) -> tuple[str, ...]:
        """A list of patterns; an element `{name}` stands for a named list."""
        made: list[str] = []
        if not isinstance(value, list):
            raise self.wrong(key, value, "write a list of patterns")
        for each in value:
            name = _PART.fullmatch(each) if isinstance(each, str) else None
            if name is not None and name[1] in self.lists:
                made += self.lists[name[1]]
            else:
                made.append(self.pattern(each, key))
        return tuple(made)

    def texts(self, value: object, key: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.wrong(key, value, "write a list of strings")
        return tuple(value)

    def rule(self, table: object, place: int) -> SecretRule:
        if not isinstance(table, dict):
            raise self.wrong("rule", table, "write each rule as a table [[rule]]")
        name = table.get("id", f"number {place}")
        at = f"rule {name!r}" if isinstance(name, str) else f"rule {place}"
        for key in table.keys() - _FIELDS:
            known = ", ".join(sorted(_FIELDS))
            raise self.wrong(f"{at}: {key}", table[key], f"unknown key; known are {known}")
        for key in ("id", "pattern", "keywords"):
            if key not in table:
                raise ConfigError(f"{self.where}: {at}: {key} is missing")
        if not isinstance(name, str):
            raise self.wrong(f"{at}: id", name, "write a string like 'acme-key'")
        entropy = table.get("entropy", 0.0)
        number = isinstance(entropy, int | float) and not isinstance(entropy, bool)
        if not number or not 0 <= entropy < _BYTE_BITS:
            raise self.wrong(f"{at}: entropy", entropy, "write bits per byte, from 0 to below 8")
        sensitivity = table.get("sensitivity", SENSITIVITIES[0])
        if sensitivity not in SENSITIVITIES:
            known = ", ".join(SENSITIVITIES)
            raise self.wrong(f"{at}: sensitivity", sensitivity, f"write one of {known}")
        lists = {
            key: (self.texts if key in {"hits", "misses"} else self.patterns)(
                table.get(key, []), f"{at}: {key}"
            )
            for key in _TEXTS
        }
        return SecretRule(
            name,
            self.pattern(table["pattern"], f"{at}: pattern"),
            self.texts(table["keywords"], f"{at}: keywords"),
            entropy=float(entropy),
            sensitivity=sensitivity,
            source=self.where,
            more=self.pattern(table.get("more", RUN), f"{at}: more"),
            must=lists["must"],
            allow=lists["allow"],
            allow_match=lists["allow_match"],
            allow_before=lists["allow_before"],
            hits=lists["hits"],
            misses=lists["misses"],
        )
