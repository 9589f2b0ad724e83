"""The trace is the tree as a flat list, parents first, within its bound."""

import pytest

from remit.projections.node import Node
from remit.server.runs import trace
from remit.server.runs.trace import trace_of


def tree() -> Node:
    top = Node(kind="run", time_ms=1_000, label="clerk", run="run_1")
    thought = Node(kind="thought", time_ms=1_100, ended_ms=1_300, cost=1_500_000, text="x" * 5_000)
    call = Node(kind="call", time_ms=1_300, label="find", rule="r")
    call.children.append(Node(kind="verdict", time_ms=1_310, status="allow", principal="ann"))
    thought.children.append(call)
    top.children += [thought, Node(kind="note", time_ms=1_400)]
    return top


def test_parents_come_first_and_times_count_from_the_beginning() -> None:
    found = trace_of(tree(), 2_000)
    assert [(each.depth, each.kind, each.at, each.until) for each in found.nodes] == [
        (0, "run", 0, 1_000),
        (1, "thought", 100, 300),
        (2, "call", 300, 1_000),
        (3, "verdict", 310, None),
        (1, "note", 400, None),
    ]
    assert (found.nodes[1].cost, len(found.nodes[1].text), found.more) == ("$0.0015", 4_000, False)
    assert (found.nodes[2].rule, found.nodes[3].principal) == ("r", "ann")


def test_what_had_no_end_lasted_until_its_run_ended() -> None:
    top = tree()
    top.ended_ms = 1_500
    below = Node(kind="run", time_ms=1_350, ended_ms=1_400, run="run_1.c1")
    below.children.append(Node(kind="call", time_ms=1_360, label="write", status="in doubt"))
    top.children.append(below)
    found = {(each.kind, each.label): each.until for each in trace_of(top, 99_000).nodes}
    assert found["call", "find"] == 500
    assert found["call", "write"] == 400
    assert found["run", "clerk"] == 500


def test_more_than_the_bound_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "MAX_NODES", 3)
    found = trace_of(tree(), 2_000)
    assert (len(found.nodes), found.more) == (3, True)
