"""The story of a run tells who did what, one sentence each, without the words of programs."""

import pytest

from remit.journal.events import (
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CancelRequested,
    ModelFailed,
    RunEnded,
    RunRecovered,
    RuntimeSaid,
    SubrunRequested,
    ToolCompleted,
    ToolFailed,
)
from remit.projections.node import Node
from remit.projections.story import Sentence, story
from remit.projections.timeline import Pair
from remit.projections.tree import decision_tree
from remit.values.usage import Usage
from tests.projections.facts import RUN, answered, asked, clean, judged, records, started

pytestmark = pytest.mark.requirement("ORC-5", "UX-2")
ASKED = ApprovalRequested(
    approval="run_1:c1-1",
    call="c1-1",
    tool="refund",
    digest="d",
    needed=1,
    rule="r1",
    reason=clean("1 must agree"),
    expires_ms=9_000_000,
)


def told(*pairs: Pair) -> list[tuple[int, str, str, str, str]]:
    tree = decision_tree(pairs, RUN)
    return [(it.depth, it.who, it.did, it.said, it.tone) for it in story(tree)]


def test_a_refund_that_a_person_agreed_to() -> None:
    pairs = records(
        started(text="Refund order 17."),
        asked(),
        answered("I refund it.", ("refund", '{"order": "17", "amount": 5}')),
        judged("c1-1", "ask"),
        ASKED,
        ApprovalGiven(approval="run_1:c1-1", digest="d", principal="boss", channel="console"),
        ToolCompleted(call="c1-1", text=clean("refunded")),
        RunEnded(
            status="completed", reason="answered", output=clean('"Done."'), turns=1,
            usage=Usage(), cost=30,
        ),
    )  # fmt: skip
    lines = told(*pairs)
    assert [line[1:4] for line in lines[:4]] == [
        ("ann", "gave clerk a task", ""),
        ("ann", "asked", "Refund order 17."),
        ("clerk", "said", "I refund it."),
        ("clerk", "wanted to use refund", "order: 17, amount: 5"),
    ]
    verbs = [line[2] for line in lines[4:]]
    assert verbs == ["asked for people", "was asked to agree", "agreed", "answered", "answered"]
    assert lines[6][1:] == ("boss", "agreed", "", "people")
    assert lines[-1] == (0, "clerk", "answered", "Done.", "good")


def test_what_went_wrong_is_told_once() -> None:
    pairs = records(
        started(),
        asked(),
        answered("", ("burn", "not json"), ("keep", '["a"]')),
        judged("c1-1", "deny"),
        ToolFailed(call="c1-1", kind="denied", text=clean("refused: no"), rule="r"),
        judged("c1-2", "ask"),
        ASKED.model_copy(update={"call": "c1-2"}),
        ApprovalExpired(approval="run_1:c1-1"),
        asked("c2"),
        ModelFailed(call="c2", attempt=1, kind="overloaded", detail=clean("try later")),
        RuntimeSaid(text=clean("Say it shorter.")),
        CancelRequested(principal="ops", reason=clean("enough")),
        RunRecovered(epoch=2, in_doubt=()),
    )
    lines = told(*pairs)
    assert (0, "clerk", "wanted to use burn", "not json", "bad") in lines
    assert any(line[2:4] == ("wanted to use keep", '["a"]') for line in lines)
    assert next(line for line in lines if line[2] == "refused it")[4] == "bad"
    assert not [line for line in lines if "refused: no" in line[3]], "the verdict said it"
    assert (0, "Nobody", "agreed in time", "nobody agreed in time", "bad") in lines
    assert (0, "clerk", "could not go on (overloaded)", "try later", "bad") in lines
    assert (0, "The runtime", "asked", "Say it shorter.", "plain") in lines
    assert (0, "ops", "said: cancel", "enough", "plain") in lines
    assert not [line for line in lines if "recovered" in line[2]], "machinery is no story"


def test_sub_runs_are_told_deeper_and_long_texts_cut() -> None:
    below = "run_1.c1-1"
    pairs = [
        *records(
            started(text="x" * 1_000),
            asked(),
            answered("", ("ask_helper", '{"brief": "Where?"}')),
            judged("c1-1", "allow"),
            SubrunRequested(call="c1-1", agent="helper", child=below, brief=clean("Where?")),
        ),
        *records(started("helper", text="Where?"), run=below, start_ms=1_006_000),
    ]
    lines = told(*pairs)
    assert len(lines[1][3]) == 400
    assert lines[1][3].endswith("…")
    assert (1, "helper", "was given a task by clerk", "", "plain") in lines


def test_words_that_no_table_has_are_told_as_they_are() -> None:
    tree = Node(kind="run", time_ms=1, label="clerk", principal="")
    tree.children.append(Node(kind="verdict", time_ms=2, rule="r", status="odd", text="why"))
    tree.children.append(Node(kind="approval", time_ms=3, status="odd"))
    tree.children.append(Node(kind="answer", time_ms=4, text="{}", principal="bob"))
    tree.children.append(Node(kind="thought", time_ms=5))
    tree.children.append(Node(kind="spend", time_ms=6))
    tree.children.append(Node(kind="question", time_ms=7, text="5"))
    assert story(tree) == (
        Sentence(1, "", 0, "clerk", "was given a task by clerk", "", "plain"),
        Sentence(2, "", 0, "The rule r", "odd", "why", "plain"),
        Sentence(3, "", 0, "A person", "odd", "", "people"),
        Sentence(4, "", 0, "bob", "answered", "", "people"),
        Sentence(7, "", 0, "clerk", "asked", "5", "plain"),
    )
