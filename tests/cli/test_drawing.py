"""The decision tree as lines for people and keys for programs."""

import pytest
from rich.console import Console

from remit.cli.drawing import draw, node_json, plain_answer, spend_line
from remit.journal.events import ApprovalRequested, InboxIgnored, ModelFailed, RunEnded
from remit.projections.node import Node
from remit.projections.tree import decision_tree
from remit.values.usage import Usage
from tests.projections.facts import answered, asked, clean, judged, records, started


def drawn(tree: Node, *, full: bool = False) -> list[str]:
    screen = Console(width=2_000, force_terminal=False, color_system=None)
    with screen.capture() as capture:
        screen.print(draw(tree, full=full))
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.requirement("ORC-5")
def test_each_node_is_a_line_with_who_what_and_when() -> None:
    request = ApprovalRequested(
        approval="run_1:c1-1",
        call="c1-1",
        tool="pay_bill",
        digest="d",
        needed=1,
        rule="r",
        reason=clean("must agree"),
        expires_ms=9,
    )
    ignored = InboxIgnored(what="X", ref="run_1:c1-1", principal="bob", reason=clean("late"))
    pay = answered("Hm.", ("pay_bill", '{"amount":1}'))
    events = (started(), asked(), pay, judged(effect="ask"), request, ignored)
    assert drawn(decision_tree(records(*events))) == [
        "run clerk running  run_1  +0 ms",
        "├── question ann: Go.  +0 ms",
        "└── thought sim:m: Hm.  +1.0 s",
        "    ├── spend $0.00000003, 20 + 10 tokens",
        '    └── call pay_bill asking: {"amount":1}  +2.0 s',
        "        ├── verdict builtin.read ask: because [ann]  +3.0 s",
        "        ├── approval one human asked: must agree  +4.0 s",
        "        └── note X ignored: late [bob]  +5.0 s",
    ]


def test_an_ended_run_and_what_was_assumed() -> None:
    lost = ModelFailed(call="c1", kind="in_doubt", detail=clean("lost"), cost=7, assumed=True)
    ended = RunEnded(
        status="completed",
        reason="answered",
        output=clean('"All\\ndone"'),
        usage=Usage(input=2_000, cache_read=1_500, output=3),
        cost=7,
    )
    lines = drawn(decision_tree(records(started(), asked(), lost, ended)))
    assert lines[0] == (
        "run clerk completed  run_1, 3.0 s, $0.000000007, 2,000 (1,500 cached) + 3 tokens: "
        "answered  +0 ms"
    )
    assert "│   └── spend $0.000000007 assumed" in lines
    assert lines[-1] == "└── answer clerk completed: All done  +3.0 s"


def test_long_texts_are_cut_unless_they_are_wanted() -> None:
    tree = decision_tree(records(started(text="word " * 100 + "\x1b[31mend")))
    assert drawn(tree)[1].endswith("…  +0 ms")
    assert "end" in drawn(tree, full=True)[1]
    assert "\x1b" not in drawn(tree, full=True)[1]


def test_stable_keys_without_empty_ones() -> None:
    tree = decision_tree(records(started(), asked(), answered("", ("pay_bill", "{}"))))
    found = node_json(tree)
    assert set(found) == {"kind", "time", "label", "status", "run", "principal", "children"}
    thought = tree.children[1]
    keys = node_json(thought)
    assert keys["usage"] == {
        "input": 20,
        "output": 10,
        "cache_read": 0,
        "cache_write": 0,
        "cache_write_1h": 0,
        "reasoning": 0,
    }
    assert keys["cost_nano"] == 30


def test_answers_are_read_as_text_where_they_are_text() -> None:
    assert plain_answer('"two\\nlines"') == "two\nlines"
    assert plain_answer('{"a":1}') == '{"a":1}'
    assert plain_answer("not json") == "not json"
    assert spend_line(None, 1_000_000) == "$0.0010"
