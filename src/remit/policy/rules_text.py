"""Rules from a file of settings, each checked against its own examples before it counts."""

import re
import tomllib
from collections.abc import Mapping
from decimal import Decimal

from pydantic import ValidationError

from remit.errors import ConfigError, SpecError
from remit.policy.permission import Rule
from remit.policy.rule_examples import problems_of

MAX_FILE = 1024 * 1024
"""Characters of a file of rules."""
MAX_RULES = 5_000
"""Rules in one file: a review of more is none."""

_HEAD = re.compile(r"\s*\[\[\s*(?:rules|\"rules\"|'rules')\s*\]\]")
_KEYS = (
    "known keys: id, effect, tool, reason, needed, where.{name, equals, in, at_least, above, "
    "at_most, below, glob, pattern, beneath, host_in, private_host, danger, not}, arguments.{name, "
    "pattern}, agent, tenant, user, role, phases, modes, hours.{days, start, end}, origin, "
    "must_match, must_not_match"
)


def read_rules_text(text: str, where: str, *, tried: bool = True) -> tuple[Rule, ...]:
    """The `[[rules]]` of TOML text; other keys are left alone, as in `remit.toml`.

    tried: the examples of each rule must hold.

    Raises `ConfigError` naming the file, the rule, the key, the value and the remedy.
    """
    if len(text) > MAX_FILE:
        raise ConfigError(f"{where}: more than {MAX_FILE} characters; is it a file of rules?")
    try:
        # Decimals keep their digits: 0.10 must not become a binary fraction.
        tree = tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise ConfigError(f"{where}: not valid TOML: {exc}") from exc
    return _rules_of(tree.get("rules", []), where, lines_of(text), tried=tried)


def lines_of(text: str) -> tuple[int, ...]:
    """The lines, from 1, at which the `[[rules]]` of TOML text begin."""
    return tuple(n for n, line in enumerate(text.splitlines(), 1) if _HEAD.match(line))


def _rules_of(
    tables: object, where: str, lines: tuple[int, ...], *, tried: bool
) -> tuple[Rule, ...]:
    if not isinstance(tables, list) or len(tables) > MAX_RULES:
        raise ConfigError(f"{where}: rules: write each of at most {MAX_RULES} rules as [[rules]]")
    # Where a text of several lines holds such a head too, nobody can say which line is whose.
    known = lines if len(lines) == len(tables) else ()
    found: dict[str, Rule] = {}
    for number, table in enumerate(tables, 1):
        here = f"{where}:{known[number - 1]}" if known else where
        rule = _rule(table, where, number, here)
        if rule.id in found:
            raise ConfigError(f"{here}: rule {rule.id!r}: two rules have this id; rename one")
        wrong = problems_of(rule) if tried else ()
        if wrong:
            raise ConfigError(f"{here}: rule {rule.id!r}: {wrong[0]}")
        found[rule.id] = rule
    return tuple(found.values())


def _rule(table: object, where: str, number: int, here: str) -> Rule:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{here}: rules: the entry {number} is no table; write [[rules]]")
    name = f"rule {table['id']!r}" if isinstance(table.get("id"), str) else f"rule number {number}"
    if "source" in table:
        raise ConfigError(f"{here}: {name}: source: unknown key; {_KEYS}")
    try:
        rule = Rule.model_validate({**table, "source": where})
    except (ValidationError, SpecError) as exc:
        raise ConfigError(f"{here}: {name}: {_problem(exc)}") from None
    if not rule.id or not rule.reason:
        missing = "reason" if rule.id else "id"
        raise ConfigError(f"{here}: {name}: {missing} is empty: people and audits read it")
    return rule


def _problem(exc: ValidationError | SpecError) -> str:
    if isinstance(exc, SpecError):
        return str(exc)
    error = exc.errors(include_url=False)[0]
    key = ".".join(str(part) for part in error["loc"])
    shown = f" = {error['input']!r}"[:160] if error["type"] != "missing" else ""
    if error["type"] == "extra_forbidden":
        return f"{key}{shown}: unknown key; {_KEYS}"
    if error["type"] == "tuple_type":
        return f"{key}{shown}: write a list, such as [{error['input']!r}]"
    return f"{key}{shown}: {error['msg'].removeprefix('Value error, ')}"
