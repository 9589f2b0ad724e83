"""The story of a run for people who do not code: who did what, one sentence each, in order."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from remit.projections.node import Node, NodeKind

Tone = Literal["plain", "good", "bad", "people"]
"""people: a human had a word in it."""
_SAID_CHARS = 400  # of a text in a sentence; the whole stands in the trace
_GOOD = frozenset({"completed", "done", "allow", "given", "passed", "happened"})
_BAD = frozenset({"deny", "denied", "failed", "refused", "stopped", "in doubt", "expired"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: who, what they did, and what was said."""

    time_ms: int
    run: str
    depth: int
    """0 for the root run, more for sub-runs."""
    who: str
    did: str
    said: str
    tone: Tone


def story(tree: Node) -> tuple[Sentence, ...]:
    """The sentences of a decision tree. What it spent, and notes of the machinery, are no story."""
    return tuple(_tell(tree, "", 0))


def _tell(node: Node, agent: str, depth: int) -> Iterator[Sentence]:
    inner = node.label if node.kind == "run" else agent
    made = _SENTENCES[node.kind](node, agent or node.label)
    if made is not None:
        who, did, said = made
        yield Sentence(node.time_ms, node.run, depth, who, did, _short(said), _tone(node))
    for child in node.children:
        yield from _tell(child, inner, depth + 1 if child.kind == "run" else depth)


def _tone(node: Node) -> Tone:
    if node.kind == "approval" or (node.kind == "answer" and node.principal):
        return "bad" if node.status in _BAD else "people"
    if node.kind == "error" or node.status in _BAD:
        return "bad"
    return "good" if node.kind in ("answer", "verdict") and node.status in _GOOD else "plain"


def _short(text: str) -> str:
    plain = _plain(text)
    return plain if len(plain) <= _SAID_CHARS else f"{plain[: _SAID_CHARS - 1]}…"


def _plain(text: str) -> str:
    """JSON text as a person reads it: a string without quotes, an object as `name: value`."""
    try:
        value: object = json.loads(text)
    except ValueError:
        return text
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        pairs = (f"{name}: {_leaf(each)}" for name, each in value.items())
        return ", ".join(pairs)
    return text


def _leaf(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


Told = tuple[str, str, str] | None
_JUDGED = frozenset({"denied", "invalid", "limit"})
_VERDICTS = {
    "allow": "allowed it",
    "deny": "refused it",
    "ask": "asked for people",
    "passed": "found the answer good",
    "failed": "found the answer not good",
}
_APPROVALS = {
    "asked": "was asked to agree",
    "given": "agreed",
    "denied": "refused",
    "expired": "agreed in time",
}


def _run(node: Node, agent: str) -> Told:
    if node.principal and agent == node.label:
        return node.principal, f"gave {node.label} a task", ""
    return node.label, f"was given a task by {agent}", ""


def _question(node: Node, agent: str) -> Told:
    who = "The runtime" if node.label == "runtime" else node.label or agent
    return who, "asked", node.text


def _thought(node: Node, agent: str) -> Told:
    return (agent, "said", node.text) if node.text else None


def _call(node: Node, agent: str) -> Told:
    return agent, f"wanted to use {node.label}", node.text


def _verdict(node: Node, _agent: str) -> Told:
    return f"The rule {node.rule}", _VERDICTS.get(node.status, node.status), node.text


def _approval(node: Node, _agent: str) -> Told:
    who = "Nobody" if node.status == "expired" else node.principal or node.label or "A person"
    return who, _APPROVALS.get(node.status, node.status), node.text


def _answer(node: Node, agent: str) -> Told:
    return node.principal or node.label or agent, "answered", node.text


def _error(node: Node, agent: str) -> Told:
    if node.label in _JUDGED and node.call:
        return None  # the verdict before it says so
    return agent, f"could not go on ({node.label})", node.text


def _note(node: Node, _agent: str) -> Told:
    return (node.principal, f"said: {node.label}", node.text) if node.principal else None


def _nothing(_node: Node, _agent: str) -> Told:
    return None


_SENTENCES: dict[NodeKind, Callable[[Node, str], Told]] = {
    "run": _run,
    "question": _question,
    "thought": _thought,
    "call": _call,
    "verdict": _verdict,
    "approval": _approval,
    "answer": _answer,
    "error": _error,
    "spend": _nothing,
    "note": _note,
}
