"""A node walks over itself and everything below it, parents first."""

from remit.projections.node import Node


def test_walking_goes_from_parents_to_children_in_order() -> None:
    leaf = Node(kind="verdict", time_ms=3, label="rule")
    call = Node(kind="call", time_ms=2, label="tool", children=[leaf])
    last = Node(kind="answer", time_ms=4, label="agent")
    top = Node(kind="run", time_ms=1, label="agent", children=[call, last])
    assert [(node.kind, node.time_ms) for node in top.walk()] == [
        ("run", 1),
        ("call", 2),
        ("verdict", 3),
        ("answer", 4),
    ]
