"""Draws the decision tree of a run for a terminal, and as JSON."""

import json

from rich.text import Text
from rich.tree import Tree

from remit.cli.output import cell, iso, state
from remit.cli.plain import one_line, printable
from remit.projections.node import Node
from remit.values.duration import spoken
from remit.values.money import format_usd
from remit.values.usage import Usage

_KINDS = {
    "run": "bold",
    "question": "cyan",
    "thought": "blue",
    "call": "bold magenta",
    "verdict": "yellow",
    "approval": "bold yellow",
    "answer": "green",
    "error": "red",
    "spend": "dim",
    "note": "dim",
}
_LINE = 110  # characters of a text; the rest stands in --full and --json
_CHANGED = frozenset({"run", "call", "verdict", "approval", "answer", "error", "note"})


def draw(node: Node, *, full: bool = False, since_ms: int | None = None) -> Tree:
    """The node and everything below; `full` shows texts whole, times count from `since_ms`."""
    since = node.time_ms if since_ms is None else since_ms
    tree = Tree(_line(node, since, full=full), guide_style="dim")
    for child in node.children:
        tree.children.append(draw(child, full=full, since_ms=since))
    return tree


def _line(node: Node, since_ms: int, *, full: bool) -> Text:
    line = Text()
    line.append(f"{node.kind} ", _KINDS[node.kind])
    if node.kind == "spend":
        line.append_text(cell(spend_line(node.usage, node.cost), "dim"))
        return line.append_text(cell(f" {node.status}", "yellow")) if node.status else line
    line.append_text(cell(node.label, "bold" if node.kind in ("run", "call") else ""))
    if node.status and node.kind in _CHANGED and node.status != node.label:
        line.append(" ").append_text(state(node.status))
    if node.kind == "run":
        line.append_text(cell(f"  {_totals(node)}", "dim"))
    text = _text(node, full=full)
    if text:
        line.append(": ").append(text)
    if node.principal and node.kind in ("verdict", "note"):
        line.append_text(cell(f" [{node.principal}]", "dim"))
    line.append(f"  +{spoken(max(0, node.time_ms - since_ms))}", "dim")
    return line


def _text(node: Node, *, full: bool) -> str:
    said = node.text
    if node.kind == "answer":
        said = plain_answer(said)
    return printable(said) if full else one_line(said, _LINE)


def plain_answer(text: str) -> str:
    """An answer for reading: a JSON string as the text it holds, anything else as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _totals(node: Node) -> str:
    parts = [node.run]
    if node.ended_ms is not None:
        parts.append(spoken(max(0, node.ended_ms - node.time_ms)))
    if node.usage is not None:
        parts.append(spend_line(node.usage, node.cost))
    return ", ".join(parts)


def spend_line(usage: Usage | None, cost: int) -> str:
    """Money and tokens in a few words."""
    if usage is None:
        return format_usd(cost)
    cached = f" ({usage.cache_read:,} cached)" if usage.cache_read else ""
    return f"{format_usd(cost)}, {usage.input:,}{cached} + {usage.output:,} tokens"


def node_json(node: Node) -> dict[str, object]:
    """The stable keys of a node; keys without a value are left out."""
    keys: dict[str, object] = {
        "kind": node.kind,
        "time": iso(node.time_ms),
        "ended": iso(node.ended_ms),
        "label": node.label,
        "status": node.status,
        "text": node.text,
        "run": node.run,
        "call": node.call,
        "rule": node.rule,
        "principal": node.principal,
        "ref": node.ref,
    }
    found = {key: value for key, value in keys.items() if value}
    if node.labels:
        found["labels"] = list(node.labels)
    if node.usage is not None:
        found["usage"] = node.usage.model_dump()
    if node.usage is not None or node.cost:
        found["cost_nano"] = node.cost
    found["children"] = [node_json(child) for child in node.children]
    return found
