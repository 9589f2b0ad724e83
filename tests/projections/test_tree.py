"""The decision tree of a run shows every hand-over, call, verdict, answer and error as a node."""

from collections import Counter

import pytest

from remit.errors import NotFound
from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    BudgetRefused,
    BudgetWarned,
    CancelRequested,
    CheckCompleted,
    ClockPaused,
    CostAlerted,
    Event,
    InboxIgnored,
    InputReceived,
    InputRequested,
    ModelFailed,
    PlanChanged,
    PlanRefused,
    ProbeCompleted,
    RetryPlanned,
    RunEnded,
    RunRecovered,
    RunStopping,
    RuntimeSaid,
    SubrunEnded,
    SubrunRequested,
    ToolCompleted,
    ToolFailed,
    ToolQueued,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.journal.facts_of_plans import PlanTerms
from remit.projections.node import Node
from remit.projections.tree import decision_tree
from remit.values.media import described, image
from remit.values.message import Origin
from remit.values.usage import Usage
from tests.projections.facts import RUN, START_MS, answered, asked, clean, judged, records, started

ENDED = RunEnded(
    status="completed",
    reason="answered",
    output=clean('"Done."'),
    turns=1,
    usage=Usage(input=20, output=10),
    cost=30,
)
Line = tuple[str, str, str, str]


def lines(node: Node, depth: int = 0) -> list[tuple[int, Line]]:
    """The tree as (depth, (kind, label, status, text)), without spend."""
    own: Line = (node.kind, node.label, node.status, node.text)
    below = [line for child in node.children for line in lines(child, depth + 1)]
    return [(depth, own), *below] if node.kind != "spend" else []


def grown(*events: Event) -> list[tuple[int, Line]]:
    """The tree of a started run with these events, without its root and question."""
    return lines(decision_tree(records(started(), *events)))[2:]


def of_call(*events: Event) -> list[Line]:
    """What stands below the one proposed call."""
    found = grown(asked(), answered("", ("pay_bill", "{}")), *events)
    return [line for depth, line in found if depth == 3]


@pytest.mark.requirement("ORC-5")
def test_a_plain_run() -> None:
    tree = decision_tree(
        records(
            started(),
            asked(),
            answered("Let me look.", ("look_up", '{"path":"a"}')),
            judged(),
            ToolQueued(call="c1-1"),
            ToolRequested(call="c1-1", until_ms=9),
            ToolCompleted(call="c1-1", text=clean("found")),
            asked("c2"),
            answered("Done.", call="c2"),
            ENDED,
        )
    )
    assert lines(tree) == [
        (0, ("run", "clerk", "completed", "answered")),
        (1, ("question", "ann", "", "Go.")),
        (1, ("thought", "sim:m", "tools", "Let me look.")),
        (2, ("call", "look_up", "done", '{"path":"a"}')),
        (3, ("verdict", "builtin.read", "allow", "because")),
        (3, ("answer", "look_up", "done", "found")),
        (1, ("thought", "sim:m", "end", "Done.")),
        (1, ("answer", "clerk", "completed", '"Done."')),
    ]
    assert (tree.run, tree.principal, tree.cost, tree.usage) == (RUN, "ann", 30, ENDED.usage)
    assert (tree.time_ms, tree.ended_ms) == (START_MS, START_MS + 9000)
    call = tree.children[1].children[1]
    assert (call.call, call.time_ms, call.ended_ms) == ("c1-1", START_MS + 2000, START_MS + 6000)
    spend = [node for node in tree.walk() if node.kind == "spend"]
    assert [(node.cost, node.usage) for node in spend] == [(30, Usage(input=20, output=10))] * 2


@pytest.mark.requirement("ORC-5")
def test_a_sub_run_stands_below_the_call_that_made_it() -> None:
    child = f"{RUN}.c1-1"
    parent = records(
        started("lead"),
        asked(),
        answered("", ("ask_helper", '{"brief":"Help."}')),
        judged(tool="ask_helper"),
        SubrunRequested(call="c1-1", agent="helper", child=child, brief=clean("Help.")),
        SubrunEnded(
            call="c1-1", child=child, status="completed", reason="answered", text=clean("helped")
        ),
    )
    below = records(started("helper", text="Help."), asked(), answered("helped"), ENDED, run=child)
    tree = decision_tree([*parent, *below])
    assert [line for depth, line in lines(tree) if depth in (2, 3, 4)] == [
        ("call", "ask_helper", "done", '{"brief":"Help."}'),
        ("verdict", "builtin.read", "allow", "because"),
        ("run", "helper", "completed", "answered"),
        ("question", "ann", "", "Help."),
        ("thought", "sim:m", "end", "helped"),
        ("answer", "helper", "completed", '"Done."'),
        ("answer", "ask_helper", "completed", "helped"),
    ]
    assert decision_tree([*parent, *below], child).label == "helper"


def test_a_sub_run_without_records_is_named() -> None:
    found = of_call(
        SubrunRequested(call="c1-1", agent="helper", child="run_1.c1-1", brief=clean("Help.")),
        SubrunEnded(
            call="c1-1",
            child="run_1.c1-1",
            status="stopped",
            reason="deadline",
            text=clean("it did not finish"),
        ),
    )
    assert found == [
        ("run", "helper", "no records", ""),
        ("error", "deadline", "stopped", "it did not finish"),
    ]


APPROVAL = "run_1:c1-1"
ASK = ApprovalRequested(
    approval=APPROVAL,
    call="c1-1",
    tool="pay_bill",
    digest="d",
    needed=1,
    rule="r",
    reason=clean("must agree"),
    expires_ms=9,
)


@pytest.mark.requirement("ORC-5", "APR-4")
def test_what_humans_are_asked_and_say() -> None:
    two = ASK.model_copy(update={"needed": 2})
    given = ApprovalGiven(
        approval=APPROVAL,
        digest="d",
        principal="boss",
        channel="cli",
        comment=clean("fine"),
        arguments=clean('{"amount":1}'),
    )
    plain = ApprovalGiven(approval=APPROVAL, digest="d", principal="ann", channel="cli")
    ignored = InboxIgnored(
        what="ApprovalGiven", ref=APPROVAL, principal="bob", reason=clean("not an approver")
    )
    assert of_call(judged(effect="ask"), two, ignored, given, plain) == [
        ("verdict", "builtin.read", "ask", "because"),
        ("approval", "2 humans", "asked", "must agree"),
        ("note", "ApprovalGiven", "ignored", "not an approver"),
        ("approval", "boss (cli)", "given", "fine"),
        ("note", "changed arguments", "", '{"amount":1}'),
        ("approval", "ann (cli)", "given", ""),
    ]
    denied = ApprovalDenied(approval=APPROVAL, principal="boss", channel="cli", comment=clean("no"))
    failed = ToolFailed(call="c1-1", kind="denied", text=clean("refused"), rule="r")
    assert of_call(ASK, denied, failed) == [
        ("approval", "one human", "asked", "must agree"),
        ("approval", "boss (cli)", "denied", "no"),
        ("error", "denied", "", "refused"),
    ]
    expired = of_call(ASK, ApprovalExpired(approval=APPROVAL))
    assert expired[-1] == ("approval", "nobody", "expired", "nobody agreed in time")


def test_a_typed_question_and_its_answer() -> None:
    question = InputRequested(
        question="q1", call="c1-1", key="k", text=clean("How many?"), answer_schema="{}"
    )
    reply = InputReceived(question="q1", principal="ann", channel="cli", value=clean("3"))
    assert of_call(question, reply) == [
        ("question", "pay_bill", "asked", "How many?"),
        ("answer", "ann (cli)", "given", "3"),
    ]
    tree = decision_tree(records(started(), asked(), answered("", ("pay_bill", "{}")), question))
    assert [node.ref for node in tree.walk() if node.ref] == ["q1"]


def test_a_call_in_doubt_and_how_it_was_settled() -> None:
    assert of_call(
        ToolRequested(call="c1-1", attempt=2, until_ms=9),
        ToolUnknown(call="c1-1", reason=clean("cut")),
        ProbeCompleted(call="c1-1", verdict="unknown", text=clean("no idea")),
        ToolResolved(call="c1-1", happened=True, principal="boss", text=clean("I saw it")),
        ToolResolved(call="c1-1", happened=False, principal="boss"),
        ToolCompleted(call="c1-1", text=clean("noted"), recorded_only=True),
    ) == [
        ("note", "again", "", "attempt 2"),
        ("error", "in doubt", "", "cut"),
        ("answer", "probe", "unknown", "no idea"),
        ("answer", "human", "happened", "I saw it"),
        ("answer", "human", "did not happen", ""),
        ("answer", "pay_bill", "recorded", "noted"),
    ]


@pytest.mark.requirement("BUD-1", "OBS-3")
def test_what_a_priced_call_cost_stands_below_it_and_adds_up() -> None:
    tree = decision_tree(
        records(
            started(),
            asked(),
            answered("", ("pay_bill", "{}")),
            ToolUnknown(call="c1-1", reason=clean("cut"), cost=50, assumed=True),
            ProbeCompleted(call="c1-1", verdict="absent", cost=-50),
            BudgetRefused(call="c1-1", account="a", needed=50, available=1, limit=2),
            InputRequested(
                question="q", call="c1-1", key="k", text=clean("?"), answer_schema="", cost=3
            ),
            ToolCompleted(call="c1-1", text=clean("ok"), cost=60, over_hold=True),
            BudgetRefused(call="c2", account="a", needed=50, available=1, limit=2),
        )
    )
    (call,) = [node for node in tree.walk() if node.kind == "call"]
    spent = [(node.cost, node.status) for node in call.children if node.kind == "spend"]
    assert spent == [(50, "assumed"), (-50, "taken back"), (3, ""), (60, "above the price")]
    assert call.cost == 63
    assert [node.label for node in call.children if node.status == "refused"] == ["a"]
    assert [node.call for node in tree.children if node.status == "refused"] == ["c2"]


def test_failed_model_calls_and_their_retries() -> None:
    tree = decision_tree(
        records(
            started(),
            asked(),
            ModelFailed(call="c1", kind="overloaded", detail=clean("busy")),
            RetryPlanned(call="c1", attempt=2, at_ms=START_MS + 3500),
            asked(attempt=2),
            ModelFailed(call="c1", kind="in_doubt", detail=clean("lost"), cost=9, assumed=True),
            ModelFailed(call="c1", kind="unknown", cost=8, usage=Usage(input=1)),
            answered("At last.", over_hold=True),
        )
    )
    (thought,) = [node for node in tree.walk() if node.kind == "thought"]
    assert (thought.text, thought.status) == ("At last.", "end")
    assert [(node.kind, node.label, node.status, node.text) for node in thought.children] == [
        ("error", "overloaded", "", "busy"),
        ("note", "retry", "", "attempt 2 in 500 ms"),
        ("error", "in_doubt", "", "lost"),
        ("spend", "", "assumed", ""),
        ("error", "unknown", "", ""),
        ("spend", "", "", ""),
        ("spend", "", "above the hold", ""),
    ]


def test_what_concerns_the_run_as_a_whole() -> None:
    stopping = RunStopping(reason="budget", detail=clean("nothing left"))
    tree = decision_tree(
        records(
            started(continues="run_0"),
            RunRecovered(epoch=2, in_doubt=("c1",)),
            RunRecovered(epoch=3),
            CancelRequested(principal="ann", reason=clean("enough")),
            RuntimeSaid(text=clean("Give your answer.")),
            CheckCompleted(call="k1", passed=True),
            CheckCompleted(call="k2", passed=False, detail=clean("wrong")),
            BudgetWarned(account="clock", used=8, limit=10),
            BudgetRefused(
                call="c2",
                account="user:ann|day:2026-11-21|nano",
                needed=5,
                available=0,
                limit=10**9,
            ),
            CostAlerted(account="session:s1|alert|nano", used=2 * 10**9, limit=10**9),
            PlanChanged(plan=PlanTerms(name="pro")),
            PlanRefused(plan="pro", what="model", name="dear:x"),
            ClockPaused(at_ms=1),
            stopping,
        )
    )
    assert [line for _, line in lines(tree)] == [
        ("run", "clerk", "stopping", ""),
        ("note", "continues", "", "run_0"),
        ("question", "ann", "", "Go."),
        ("note", "recovered", "", "another driver took over; in doubt: c1"),
        ("note", "recovered", "", "another driver took over; in doubt: nothing"),
        ("note", "cancel", "", "enough"),
        ("question", "runtime", "", "Give your answer."),
        ("verdict", "success", "passed", ""),
        ("verdict", "success", "failed", "wrong"),
        ("note", "clock", "warned", "8 of 10 used"),
        (
            "error",
            "user:ann|day:2026-11-21|nano",
            "refused",
            "$0.000000005 needed, $0.00 left of $1.00",
        ),
        ("note", "session:s1|alert|nano", "warned", "$2.00 of $1.00 used"),
        ("note", "plan", "changed", "pro"),
        ("error", "dear:x", "refused", "the plan pro does not include the model"),
        ("error", "budget", "stopping", "nothing left"),
    ]
    ended = RunEnded(status="stopped", reason="budget", detail=clean("nothing left"))
    stopped = decision_tree(records(started(), stopping, ended))
    assert (stopped.status, stopped.text) == ("stopped", "budget: nothing left")
    assert not [node for node in stopped.walk() if node.kind == "answer"]


def test_erased_records_leave_a_mark() -> None:
    erased = lines(decision_tree(records(ToolCompleted(call="c1-1", text=clean("found")))))
    assert erased == [
        (0, ("run", "", "running", "")),
        (1, ("call", "(erased)", "done", "")),
        (2, ("answer", "(erased)", "done", "found")),
    ]
    thought = lines(decision_tree(records(answered("Hm."))))
    assert thought[1] == (1, ("thought", "(erased)", "end", "Hm."))
    ignored = InboxIgnored(what="CancelRequested", ref=RUN, reason=clean("it has ended"))
    assert grown(ignored) == [(1, ("note", "CancelRequested", "ignored", "it has ended"))]


def test_no_records_no_tree() -> None:
    with pytest.raises(NotFound, match="no records of the run ''"):
        decision_tree([])
    with pytest.raises(NotFound, match="no records of the run 'run_7'"):
        decision_tree(records(started()), "run_7")


def test_every_node_knows_when_and_where() -> None:
    tree = decision_tree(records(started(), asked(), answered("", ("pay_bill", "{}")), ASK))
    assert {node.run for node in tree.walk()} == {RUN}
    assert all(node.time_ms >= START_MS for node in tree.walk())
    assert Counter(node.kind for node in tree.walk()) == {
        "run": 1,
        "question": 1,
        "thought": 1,
        "spend": 1,
        "call": 1,
        "approval": 1,
    }


def test_an_image_is_told_in_words() -> None:
    part = image(b"bytes", "image/png", Origin(kind="user", name="ann"))
    first = started()
    given = first.model_copy(update={"input": (*first.input, part)})
    questions = [line for _, line in lines(decision_tree(records(given)))[2:]]
    assert questions == [("question", "ann", "", described(part))]
