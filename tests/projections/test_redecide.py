"""Whatever happened in a run, deciding again from its journal gives the same events."""

from dataclasses import replace

import pytest
from hypothesis import settings
from typing_extensions import override

from remit.journal.events import CallJudged, InboxIgnored, StandInInspected, ToolCompleted
from remit.journal.record import Body
from remit.machine.agent import Remit
from remit.machine.decide import ENGINE
from remit.machine.previewing import NO_PREVIEW
from remit.machine.tools import AnyTool
from remit.projections import redecide as redecide_module
from remit.projections.redecide import Redecision, redecide
from tests.machine import test_machine
from tests.machine.bench import Bench, make_agent, types
from tests.machine.toolbox import Tree, commit_tree, look_up, pay_bill, send_mail
from tests.projections.facts import clean
from tests.projections.journals import pairs_of

_EXAMPLES = 60


def again(bench: Bench) -> list[Redecision]:
    return list(redecide(bench.first, pairs_of(bench)))


def assert_same(found: list[Redecision]) -> None:
    for each in found:
        assert each.same, (each.cause, each.problem, each.journalled, each.decided)


class Decided(test_machine.Runs):
    """Anything in any order, then everything decided once more."""

    @override
    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "bench"):
            assert_same(again(self.bench))


TestDecided = Decided.TestCase
TestDecided.settings = settings(max_examples=_EXAMPLES, stateful_step_count=40)


@pytest.mark.requirement("AUD-5")
def test_an_outdated_approval_is_asked_for_again() -> None:
    Tree.state = "tree-1"
    bench = Bench(make_agent(commit_tree, remit=Remit(approvals={commit_tree: 1})))
    bench.start()
    bench.answer("", ("commit_tree", '{"name":"main"}'))
    Tree.state = "tree-2"
    events = bench.approve()
    assert types(events)[:2] == ["ApprovalGiven", "ApprovalRequested"]
    bench.approve("boss")
    assert "ToolRequested" in types(bench.log)
    assert_same(again(bench))


@pytest.mark.requirement("AUD-5")
def test_the_dice_that_forbade_a_retry_are_in_the_journal() -> None:
    bench = Bench(make_agent(look_up))
    bench.start(timeout_ms=600)
    bench.world = replace(bench.world, jitter=1_000_000)
    assert "RunStopping" in types(bench.model_fails("overloaded"))
    assert_same(again(bench))


def test_what_a_letter_was_ignored_for_is_taken_as_told() -> None:
    Tree.state = "tree-1"
    bench = Bench(make_agent(pay_bill, remit=Remit(approvals={pay_bill: 1})))
    bench.start()
    bench.answer("", ("pay_bill", '{"amount":1.50}'))
    bench.approve(approval="another")
    bench.approve(arguments='{"amount":2.50}')
    bench.done()
    bench.answer("Paid.")
    bench.cancel()
    ignored = [event for event in bench.log if isinstance(event, InboxIgnored)]
    assert len(ignored) == 2
    assert_same(again(bench))


@pytest.mark.parametrize("tool", [look_up, send_mail])
def test_what_was_cut_after_the_deadline_decides_the_same(tool: AnyTool) -> None:
    bench = Bench(make_agent(tool, remit=Remit(approvals={send_mail: 0})))
    bench.start(timeout_ms=60_000)
    bench.answer("", (tool.name, '{"to":"x"}' if tool is send_mail else '{"path":"x"}'))
    bench.pass_ms(60_000)
    assert types(bench.cut())[:2] == ["ToolUnknown", "RunStopping"]
    assert_same(again(bench))


def test_an_outcome_that_came_too_late_is_as_if_only_time_had_passed() -> None:
    bench = Bench(make_agent(look_up))
    bench.start(timeout_ms=60_000)
    bench.answer("", ("look_up", '{"path":"a"}'))
    bench.pass_ms(60_000)
    call = bench.call()
    bench.give(ToolCompleted(call=call.call, attempt=7, text=clean("of another attempt")))
    assert types(bench.log)[-1] == "RunStopping"
    assert_same(again(bench))


def looked() -> Bench:
    bench = Bench(make_agent(look_up))
    bench.start()
    bench.answer("", ("look_up", '{"path":"a"}'))
    bench.done()
    bench.answer("Done.")
    return bench


def test_other_rules_show_as_a_difference_with_both_sides() -> None:
    bench = looked()
    generous = bench.first.spec.model_copy(update={"max_output_tokens": 2000})
    found = list(redecide(replace(bench.first, spec=generous), pairs_of(bench)))
    wrong = [each for each in found if not each.same]
    assert [each.header.version for each in wrong] == [1, 3]
    assert types(wrong[0].journalled) == types(wrong[0].decided)
    assert "max_output_tokens=2000" in str(wrong[0].decided)
    assert not wrong[0].engine_differs


def test_a_judgement_that_the_rules_do_not_give_is_found() -> None:
    bench = looked()
    pairs = pairs_of(bench)
    header, body = pairs[1]
    verdict = body.events[1].model_copy(update={"rule": "builtin.another"})
    pairs[1] = header, Body(causes=body.causes, events=(body.events[0], verdict, *body.events[2:]))
    found = list(redecide(bench.first, pairs))
    assert [each.header.version for each in found if not each.same] == [2]


def test_what_cannot_be_decided_says_why() -> None:
    bench = looked()
    unpriced = bench.first.spec.model_copy(update={"model": "scripted:unknown"})
    first = next(redecide(replace(bench.first, spec=unpriced), pairs_of(bench)))
    assert not first.same
    assert "without a price" in first.problem
    assert first.decided == ()


def test_another_engine_is_named() -> None:
    (header, body), *_ = pairs_of(looked())
    older = replace(header, engine=f"{ENGINE}0")
    (found,) = redecide(looked().first, [(older, body)])
    assert found.engine_differs
    assert found.same


def test_a_call_that_could_not_even_be_read_decides_the_same() -> None:
    bench = Bench(make_agent(look_up))
    bench.start()
    bench.answer("", ("unheard_of", "not json"), ("look_up", "not json"))
    assert_same(again(bench))


@pytest.mark.requirement("AUD-5", "PERM-8")
def test_a_call_that_could_not_be_shown_is_refused_again() -> None:
    bench = Bench(make_agent(commit_tree, remit=Remit(approvals={commit_tree: 1})))
    bench.hook = lambda _bench, _tool, found: replace(found, unseen="it is dark")
    bench.start()
    bench.answer("", ("commit_tree", '{"name":"main"}'))
    assert bench.last(CallJudged).rule == NO_PREVIEW
    assert_same(again(bench))


@pytest.mark.requirement("TOOL-18")
def test_a_stand_in_for_a_call_that_is_gone_was_asked_in_vain() -> None:
    """The run was stopped while it was asked: there is no verdict to take as told."""
    bench = looked()
    told = StandInInspected(call="c9-1", tool="look_up")
    assert redecide_module._inspections(bench.state, (told,)) == {}
