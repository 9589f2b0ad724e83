"""The catalogue of requirements that Remit enforces, read from the package's own data."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from remit.errors import ConfigError, NotFound

FILE = "catalogue.toml"
"""Lies beside this module and is part of the wheel."""

SOURCES = frozenset({"S0", "S1", "S2", "S3", "S4", "+"})
"""The five source checklists, and what was added beyond them."""

_ID = re.compile(r"[A-Z]{2,4}-[1-9][0-9]?")
_TEXT_KEYS = ("id", "section", "text", "proof")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row: what must hold, who asked for it, and what its executable proof does."""

    id: str
    section: str
    text: str
    source: tuple[str, ...]
    proof: str


@cache
def requirements() -> Mapping[str, Requirement]:
    """Return every requirement by id, in the order of the catalogue."""
    return parse((files("remit.readiness") / FILE).read_text(encoding="utf-8"))


def requirement(identifier: str) -> Requirement:
    """Return one requirement. Raises `NotFound` for an id that the catalogue does not have."""
    known = requirements()
    if identifier not in known:
        prefix = identifier.partition("-")[0].upper()
        near = [each for each in known if each.partition("-")[0] == prefix]
        remedy = (
            f"{prefix} has {near[0]} to {near[-1]}"
            if near
            else "ids look like BUD-7; `requirements()` lists them"
        )
        message = f"no requirement {identifier!r} in {FILE}: {remedy}"
        raise NotFound(message)
    return known[identifier]


def parse(text: str) -> Mapping[str, Requirement]:
    """Read a catalogue in TOML. Raises `ConfigError` naming the row, the key and the remedy."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{FILE} is not TOML: {error}; install remit again"
        raise ConfigError(message) from error
    rows = document.get("requirement")
    if document.keys() != {"requirement"} or not isinstance(rows, list) or not rows:
        message = f"{FILE} must hold [[requirement]] tables and nothing else"
        raise ConfigError(message)
    found: dict[str, Requirement] = {}
    for number, row in enumerate(rows, start=1):
        one = _row(number, row)
        if one.id in found:
            message = f"{FILE}, row {number}: id {one.id!r} is taken; ids are unique"
            raise ConfigError(message)
        found[one.id] = one
    return MappingProxyType(found)


def _row(number: int, row: object) -> Requirement:
    """Check one table and make its row."""
    where = f"{FILE}, row {number}"
    if not isinstance(row, dict) or row.keys() != {*_TEXT_KEYS, "source"}:
        message = f"{where}: keys must be exactly {', '.join((*_TEXT_KEYS, 'source'))}"
        raise ConfigError(message)
    for key in _TEXT_KEYS:
        if not isinstance(row[key], str) or not row[key].strip():
            message = f"{where}: {key} = {row[key]!r} must be a text that is not empty"
            raise ConfigError(message)
    if not _ID.fullmatch(row["id"]):
        message = f"{where}: id = {row['id']!r} must look like BUD-7"
        raise ConfigError(message)
    source = row["source"]
    if not isinstance(source, list) or not source or not SOURCES.issuperset(map(str, source)):
        message = f"{where}: source = {source!r} must list some of {', '.join(sorted(SOURCES))}"
        raise ConfigError(message)
    return Requirement(row["id"], row["section"], row["text"], tuple(source), row["proof"])
