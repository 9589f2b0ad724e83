"""Every decision on a call is one line: what, by which rule or person, when, for whom."""

import pytest

from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    ToolCompleted,
    ToolFailed,
)
from remit.projections.audit import Decision, decisions, proposed
from remit.projections.timeline import Pair
from tests.projections.facts import RUN, START_MS, answered, asked, clean, judged, records, started

ASK = ApprovalRequested(
    approval=f"{RUN}:c1-1",
    call="c1-1",
    tool="pay_bill",
    digest="d-c1-1",
    needed=1,
    rule="remit.approvals.pay_bill",
    reason=clean("1 must agree"),
    expires_ms=9,
)
PAY = answered("", ("pay_bill", '{"amount":1}'))
PAY_JUDGED = judged(effect="ask", tool="pay_bill", rule="remit.approvals.pay_bill")


def asking(*after: ApprovalGiven | ApprovalDenied | ApprovalExpired | ToolFailed) -> list[Pair]:
    return records(started(), asked(), PAY, PAY_JUDGED, ASK, *after)


@pytest.mark.requirement("PERM-3", "APR-4")
def test_a_judged_call_has_its_whole_line() -> None:
    pairs = records(started(), asked(), answered("", ("look_up", '{"path":"a"}')), judged())
    assert decisions(pairs) == [
        Decision(
            time_ms=START_MS + 3000,
            tenant="acme",
            run=RUN,
            version=4,
            agent="clerk",
            call="c1-1",
            tool="look_up",
            arguments='{"path":"a"}',
            digest="d-c1-1",
            what="judged",
            effect="allow",
            rule="builtin.read",
            reason="because",
            principal="ann",
        )
    ]


@pytest.mark.requirement("APR-4")
def test_a_human_who_agrees_is_named_with_the_changed_arguments() -> None:
    given = ApprovalGiven(
        approval=ASK.approval,
        digest="d2",
        principal="boss",
        channel="cli",
        comment=clean("half of it"),
        arguments=clean('{"amount":0.5}'),
    )
    last = decisions(asking(given))[-1]
    assert (last.what, last.effect, last.principal, last.channel) == (
        "approved",
        "allow",
        "boss",
        "cli",
    )
    assert (last.arguments, last.digest, last.reason) == ('{"amount":0.5}', "d2", "half of it")
    assert last.time_ms == START_MS + 5000


def test_a_human_who_agrees_to_the_call_as_it_is_leaves_it_so() -> None:
    given = ApprovalGiven(approval=ASK.approval, digest="d-c1-1", principal="boss", channel="cli")
    assert decisions(asking(given))[-1].arguments == '{"amount":1}'


@pytest.mark.requirement("APR-4")
def test_a_no_and_a_silence_are_decisions_too() -> None:
    no = ApprovalDenied(
        approval=ASK.approval, principal="boss", channel="cli", comment=clean("too much")
    )
    denied = decisions(asking(no))[-1]
    assert (denied.what, denied.effect, denied.principal) == ("denied", "deny", "boss")
    assert denied.reason == "too much"
    late = decisions(asking(ApprovalExpired(approval=ASK.approval)))[-1]
    assert (late.what, late.effect, late.principal) == ("expired", "deny", "")


def test_a_call_that_was_let_through_and_then_refused_says_by_what() -> None:
    refused = ToolFailed(
        call="c1-1", kind="denied", text=clean("switched off"), rule="switch.tool:look_up"
    )
    looked = answered("", ("look_up", "{}"))
    found = decisions(records(started(), asked(), looked, judged(), refused))
    assert [each.what for each in found] == ["judged", "refused"]
    assert (found[1].rule, found[1].reason) == ("switch.tool:look_up", "switched off")


def test_a_refusal_is_not_counted_twice() -> None:
    refused = ToolFailed(call="c1-1", kind="denied", text=clean("no"), rule="r")
    looked = answered("", ("look_up", "{}"))
    pairs = records(started(), asked(), looked, judged(effect="deny"), refused)
    assert [each.what for each in decisions(pairs)] == ["judged"]


def test_words_about_calls_whose_records_were_erased_are_left_out() -> None:
    no = ApprovalDenied(approval="gone", principal="boss", channel="cli")
    failed = ToolFailed(call="c9-1", kind="denied", text=clean("no"), rule="r")
    assert decisions(records(started(), no, failed)) == []


@pytest.mark.requirement("PERM-3")
def test_there_are_as_many_verdicts_as_proposed_calls() -> None:
    looked = answered("", ("look_up", "{}"), ("read_doc", "{}"))
    done = ToolCompleted(call="c1-1", text=clean("ok"))
    pairs = records(started(), asked(), looked, judged(), judged("c1-2"), done, answered("x"))
    assert proposed(pairs) == len(decisions(pairs)) == 2
