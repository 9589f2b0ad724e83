"""Reads scenarios from files and texts; a mistake names file, line and key."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, cast, get_args

from remit.app.load import named
from remit.errors import ConfigError
from remit.simulator.distortion import DISTORTION_KINDS, STRANGER, Distortion
from remit.simulator.scenario import (
    BUILT_IN_NAMES,
    FAULT_KINDS,
    GIANT_BYTES,
    Call,
    Fault,
    FaultKind,
    Reply,
    Rule,
    Scenario,
    When,
)
from remit.simulator.spoiling import MAX_GIANT_BYTES
from remit.simulator.tables import Table
from remit.simulator.toml_text import read_toml
from remit.values.model import StopReason

YAML_SUFFIXES = frozenset({".yaml", ".yml"})
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
    "resets_in_s",
    "latency_ms",
    "after_events",
    "nth",
    "from_s",
    "until_s",
    "model",
    "size_bytes",
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


def load_scenario(path: Path) -> Scenario:
    """The scenario in a file: YAML where its name ends so, else TOML.

    Raises `ConfigError`, and `MissingExtra` for YAML that nothing installed can read.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: cannot be read as a scenario: {exc}") from exc
    is_yaml = path.suffix.lower() in YAML_SUFFIXES
    return parse_scenario(text, source=str(path), form="yaml" if is_yaml else "toml")


def parse_scenario(
    text: str, *, source: str = "scenario", form: Literal["toml", "yaml"] = "toml"
) -> Scenario:
    """The scenario in a text. Raises `ConfigError`; `source` begins its message."""
    if form == "toml":
        root = read_toml(text, source)
    else:
        read = cast(
            "Callable[[str, str], Table]", named("remit.simulator.yaml_text", "read_yaml", "yaml")
        )
        root = read(text, source)
    root.only(_SCENARIO)
    rules = tuple(_rule(table) for table in root.tables("rule"))
    if not rules:
        raise root.error("rule", "a scenario has at least one rule")
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


# ---------------------------------------------------------------- parts


def _rule(table: Table) -> Rule:
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


def _when(parent: Table) -> When:
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


def _call(table: Table) -> Call:
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


def _fault(table: Table) -> Fault:
    table.only(_FAULT)
    kind: FaultKind = table.choice("kind", FAULT_KINDS)
    probability = table.decimal("probability", 1.0)
    if not 0 <= probability <= 1:
        raise table.error("probability", "between 0 and 1")
    status = table.integer("status", 0)
    if status and status not in range(400, 600):
        raise table.error("status", "an error status from 400 to 599")
    wait = table.decimal("retry_after_s", -1.0)
    resets = table.decimal("resets_in_s", -1.0)
    begin, end = table.decimal("from_s", 0.0), table.decimal("until_s", -1.0)
    if "until_s" in table.members and end <= begin:
        raise table.error("until_s", "later than from_s")
    size = table.integer("size_bytes", GIANT_BYTES)
    if size > MAX_GIANT_BYTES:
        raise table.error("size_bytes", f"at most {MAX_GIANT_BYTES}")
    return Fault(
        kind=kind,
        when=_when(table),
        first=table.integer("first", 0) if "first" in table.members else None,
        probability=probability,
        status=status or None,
        retry_after_s=wait if "retry_after_s" in table.members else None,
        resets_in_s=resets if "resets_in_s" in table.members else None,
        nth=table.positives("nth"),
        from_s=begin,
        until_s=end if "until_s" in table.members else None,
        model=table.text("model"),
        size_bytes=size,
        latency_ms=table.integer("latency_ms", 0),
        after_events=table.integer("after_events", 0) if "after_events" in table.members else None,
    )


def _report(table: Table) -> Distortion:
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
