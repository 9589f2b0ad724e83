"""Reads scenarios from TOML; a mistake names file, line and key."""

import difflib
import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeVar, get_args

from remit.errors import ConfigError
from remit.simulator.distortion import DISTORTION_KINDS, STRANGER, Distortion
from remit.simulator.scenario import (
    BUILT_IN_NAMES,
    FAULT_KINDS,
    Call,
    Fault,
    FaultKind,
    Reply,
    Rule,
    Scenario,
    When,
)
from remit.simulator.template import names
from remit.values.model import StopReason
from remit.wire.jsontext import Json, Number

MAX_FILE_BYTES = 4 * 1024**2  # a scenario is written by hand
_STOPS: tuple[StopReason, ...] = get_args(StopReason)

_PATTERNS = ("model", "system", "task", "note", "tool", "result")
_WHEN = (*_PATTERNS, "is_error", "results", "offers")
_REPLY = (
    "text",
    "thinking",
    "redacted_thinking",
    "calls",
    "stop",
    "model",
    "input_tokens",
    "output_tokens",
)
_RULE = ("when", *_REPLY, "latency_ms", "pace_ms")
_CALL = ("tool", "arguments", "raw")
_FAULT = (
    "kind",
    "when",
    "first",
    "probability",
    "status",
    "retry_after_s",
    "latency_ms",
    "after_events",
)
_REPORT = (
    "kind",
    "model",
    "name",
    "what",
    "add",
    "first",
    "retry_after_s",
    "path",
    "field",
)
_SCENARIO = ("rule", "fault", "report", "seed", "models", "context_tokens", "cache_min_tokens")

_Word = TypeVar("_Word")

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)


def load_scenario(path: Path) -> Scenario:
    """The scenario in a TOML file. Raises `ConfigError`."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot be read as a scenario: {exc}") from exc
    return parse_scenario(text, source=str(path))


def parse_scenario(text: str, *, source: str = "scenario") -> Scenario:
    """The scenario in a TOML text. Raises `ConfigError`; `source` begins its message."""
    try:
        # Numbers with a point keep their digits: 1.10 reaches the tool as 1.10.
        document = tomllib.loads(text, parse_float=_exact)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise ConfigError(f"{source}: not TOML: {exc}") from exc
    root = _Table(document, _Source(source, text), ())
    root.only(_SCENARIO)
    rules = tuple(_rule(table) for table in root.tables("rule"))
    if not rules:
        raise root.error("rule", "a scenario has at least one [[rule]]")
    return Scenario(
        rules=rules,
        faults=tuple(_fault(table) for table in root.tables("fault")),
        reports=tuple(_report(table) for table in root.tables("report")),
        seed=root.integer("seed", 0),
        models=root.texts("models"),
        context_tokens=root.integer("context_tokens", 200_000),
        cache_min_tokens=root.integer("cache_min_tokens", 1024),
        source=source,
    )


def _exact(lexeme: str) -> Number:
    plain = lexeme.replace("_", "").removeprefix("+")
    if not _NUMBER.fullmatch(plain):
        raise tomllib.TOMLDecodeError(f"{lexeme} is not a number JSON has")
    return Number(plain)


# ---------------------------------------------------------------- parts


def _rule(table: "_Table") -> Rule:
    table.only(_RULE)
    when = _when(table)
    calls = tuple(_call(one) for one in table.tables("calls"))
    reply = Reply(
        text=table.text("text"),
        thinking=table.text("thinking"),
        redacted_thinking=table.text("redacted_thinking"),
        calls=calls,
        stop=table.choice("stop", _STOPS) if "stop" in table.members else None,
        model=table.text("model"),
        input_tokens=table.integer("input_tokens", 0),
        output_tokens=table.integer("output_tokens", 0),
    )
    if not (reply.text or reply.thinking or reply.redacted_thinking or calls or reply.stop):
        raise table.error("text", 'a rule says something: text, thinking, calls, or stop = "end"')
    known = when.groups() | BUILT_IN_NAMES
    for key in ("text", "thinking", "redacted_thinking"):
        table.check_names(key, table.text(key), known)
    for one, inner in zip(calls, table.tables("calls"), strict=True):
        inner.check_names("raw", one.raw, known)
        inner.check_names("arguments", dict(one.arguments or {}), known)
    return Rule(
        when=when,
        reply=reply,
        latency_ms=table.integer("latency_ms", 0),
        pace_ms=table.integer("pace_ms", 0),
    )


def _when(parent: "_Table") -> When:
    table = parent.table("when")
    table.only(_WHEN)
    return When(
        model=table.pattern("model"),
        system=table.pattern("system"),
        task=table.pattern("task"),
        note=table.pattern("note"),
        tool=table.pattern("tool"),
        result=table.pattern("result"),
        is_error=table.boolean("is_error"),
        results=table.integer("results", 0) if "results" in table.members else None,
        offers=table.text("offers") or None,
    )


def _call(table: "_Table") -> Call:
    table.only(_CALL)
    tool = table.text("tool")
    if not tool:
        raise table.error("tool", "a call names its tool")
    if "arguments" not in table.members:
        return Call(tool=tool, raw=table.text("raw") or "{}")
    if "raw" in table.members:
        raise table.error("raw", "give either arguments or raw")
    arguments = table.table("arguments")
    return Call(tool=tool, arguments=arguments.json_members())


def _fault(table: "_Table") -> Fault:
    table.only(_FAULT)
    kind: FaultKind = table.choice("kind", FAULT_KINDS)
    probability = table.decimal("probability", 1.0)
    if not 0 <= probability <= 1:
        raise table.error("probability", "between 0 and 1")
    status = table.integer("status", 0)
    if status and status not in range(400, 600):
        raise table.error("status", "an error status from 400 to 599")
    wait = table.decimal("retry_after_s", -1.0)
    return Fault(
        kind=kind,
        when=_when(table),
        first=table.integer("first", 0) if "first" in table.members else None,
        probability=probability,
        status=status or None,
        retry_after_s=wait if "retry_after_s" in table.members else None,
        latency_ms=table.integer("latency_ms", 0),
        after_events=table.integer("after_events", 0) if "after_events" in table.members else None,
    )


def _report(table: "_Table") -> Distortion:
    table.only(_REPORT)
    wait = table.decimal("retry_after_s", -1.0)
    return Distortion(
        kind=table.choice("kind", DISTORTION_KINDS),
        model=table.pattern("model"),
        name=table.text("name") or STRANGER,
        what=table.text("what") or "output",
        add=table.signed("add"),
        first=table.integer("first", 0) if "first" in table.members else None,
        retry_after_s=wait if "retry_after_s" in table.members else None,
        path=table.pattern("path"),
        field=table.text("field") or "output_tokens",
    )


# ---------------------------------------------------------------- reading


class _Source:
    """The text of a file, to find the line of a key again."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._lines = text.splitlines()

    def line(self, path: tuple[str | int, ...], key: str) -> int:
        """The line a key probably stands in, else that of its part of the file; 0 if unknown."""
        start, end = self._part(path)
        word = re.escape(key)
        wanted = re.compile(rf"(^|[\s{{,.])[\"']?{word}[\"']?\s*=|^\s*\[+\s*([\w.]+\.)?{word}\s*\]")
        for number, line in enumerate(self._lines[start:end], start + 1):
            if wanted.search(line):
                return number
        return start

    def _part(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """The line of the `[[rule]]` that a path leads into, and that of the next one."""
        if len(path) < 2:  # noqa: PLR2004  name of the array and position in it
            return 0, len(self._lines)
        headers = [
            number
            for number, line in enumerate(self._lines, 1)
            if line.partition("#")[0].replace(" ", "").strip() == f"[[{path[0]}]]"
        ]
        headers.append(len(self._lines) + 1)
        place = int(path[1])
        # Written as an array of inline tables it has no headers.
        known = place + 1 < len(headers)
        return (headers[place], headers[place + 1]) if known else (0, len(self._lines))


class _Table:
    """A TOML table at a place in a file; every reading method raises `ConfigError`."""

    def __init__(
        self, members: dict[str, object], source: _Source, path: tuple[str | int, ...]
    ) -> None:
        self.members = members
        self._source = source
        self._path = path

    def error(self, key: str, message: str) -> ConfigError:
        """An error about a key."""
        line = self._source.line(self._path, key)
        place = f"{self._source.name}, line {line}" if line else self._source.name
        dotted = ".".join(str(step) for step in (*self._path, key))
        return ConfigError(f"{place}: {dotted}: {message}")

    def only(self, known: Collection[str]) -> None:
        """Refuse a key that is not known."""
        for key in self.members:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise self.error(key, f"no such key{hint} Known: {', '.join(known)}")

    def _is(self, key: str, kind: type[object], words: str) -> object | None:
        value = self.members.get(key)
        if value is None:
            return None
        # In Python a boolean is an integer; in a scenario it is a mistake.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.error(key, f"expected {words}, not {value!r}")
        return value

    def text(self, key: str) -> str:
        """A text, empty if missing."""
        return str(self._is(key, str, "a text") or "")

    def boolean(self, key: str) -> bool | None:
        """A boolean, None if missing."""
        value = self._is(key, bool, "true or false")
        return None if value is None else bool(value)

    def integer(self, key: str, default: int) -> int:
        """An integer that is not negative."""
        number = self.signed(key, default)
        if number < 0:
            raise self.error(key, "not below 0")
        return number

    def signed(self, key: str, default: int = 0) -> int:
        """An integer that may be negative."""
        value = self._is(key, int, "an integer")
        return default if value is None else int(str(value))

    def decimal(self, key: str, default: float) -> float:
        """A number that is not negative."""
        value = self.members.get(key)
        if isinstance(value, Number):
            value = float(value.lexeme)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise self.error(key, f"expected a number, not {value!r}")
        if value is not None and value < 0:
            raise self.error(key, "not below 0")
        return default if value is None else float(value)

    def choice(self, key: str, known: tuple[_Word, ...]) -> _Word:
        """One of the known words."""
        value = self.members.get(key)
        for one in known:
            if one == value:
                return one
        near = difflib.get_close_matches(str(value), [str(one) for one in known], 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        options = ", ".join(str(one) for one in known)
        raise self.error(key, f"{value!r} is none of {options}{hint}")

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self.members.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, f"expected a list of texts, not {value!r}")
        return tuple(str(item) for item in value)

    def pattern(self, key: str) -> re.Pattern[str] | None:
        """A regular expression."""
        text = self.text(key)
        try:
            return re.compile(text) if text else None
        except re.error as exc:
            raise self.error(key, f"not a regular expression: {exc}") from exc

    def table(self, key: str) -> "_Table":
        """A table, empty if missing."""
        value = self.members.get(key, {})
        if not isinstance(value, dict):
            raise self.error(key, f"expected a table, not {value!r}")
        return _Table(value, self._source, (*self._path, key))

    def tables(self, key: str) -> "Iterator[_Table]":
        """A list of tables."""
        value = self.members.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(key, "expected a list of tables")
        for number, item in enumerate(value):
            yield _Table(item, self._source, (*self._path, key, number))

    def json_members(self) -> dict[str, Json]:
        """The members as JSON values."""
        return {key: self._json(key, value) for key, value in self.members.items()}

    def _json(self, key: str, value: object) -> Json:
        match value:
            case str() | bool() | Number():
                return value
            case int():
                return Number(str(value))
            case list():
                return [self._json(key, item) for item in value]
            case dict():
                return {str(name): self._json(str(name), item) for name, item in value.items()}
            case _:
                raise self.error(key, f"{value!r} is nothing JSON has; write it as a text")

    def check_names(self, key: str, value: Json, known: Collection[str]) -> None:
        """Refuse `${name}` that no pattern of the rule captures."""
        for name in names(value):
            if name not in known:
                raise self.error(
                    key, f"${{{name}}} is captured by no pattern; known: {', '.join(sorted(known))}"
                )
