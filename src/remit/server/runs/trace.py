"""The trace of a run as a flat list, for a page that shows ten thousand nodes smoothly."""

from pydantic import BaseModel, ConfigDict

from remit.projections.node import Node
from remit.server.words import money

MAX_NODES = 20_000
_TEXT_CHARS = 4_000  # of one node; the journal has the whole


class TraceNode(BaseModel):
    """One node. Times are milliseconds since the run began."""

    model_config = ConfigDict(frozen=True)

    depth: int
    kind: str
    label: str
    status: str
    text: str
    at: int
    until: int | None
    """Where it took time: of runs, model calls and tool calls."""
    cost: str
    """Dollars, exact; empty where it cost nothing."""
    run: str
    rule: str
    principal: str


class Trace(BaseModel):
    """Nodes, parents first; `more` says that there are others beyond the bound."""

    model_config = ConfigDict(frozen=True)

    began_ms: int
    nodes: tuple[TraceNode, ...]
    more: bool


def trace_of(tree: Node, now_ms: int) -> Trace:
    """The trace of a decision tree; what is under way lasts until now, or until its run ended."""
    found: list[TraceNode] = []
    todo: list[tuple[Node, int, int]] = [(tree, 0, now_ms)]
    while todo and len(found) < MAX_NODES:
        node, depth, over_ms = todo.pop()
        found.append(_flat(node, depth, tree.time_ms, over_ms))
        if node.kind == "run" and node.ended_ms is not None:
            over_ms = node.ended_ms
        todo += [(child, depth + 1, over_ms) for child in reversed(node.children)]
    return Trace(began_ms=tree.time_ms, nodes=tuple(found), more=bool(todo))


def _flat(node: Node, depth: int, began_ms: int, now_ms: int) -> TraceNode:
    lasts = node.kind in ("run", "thought", "call")
    until = node.ended_ms if node.ended_ms is not None else now_ms
    text = node.text
    return TraceNode(
        depth=depth,
        kind=node.kind,
        label=node.label,
        status=node.status,
        text=text if len(text) <= _TEXT_CHARS else f"{text[: _TEXT_CHARS - 1]}…",
        at=node.time_ms - began_ms,
        until=max(0, until - began_ms) if lasts else None,
        cost=money(node.cost) if node.cost else "",
        run=node.run,
        rule=node.rule,
        principal=node.principal,
    )
