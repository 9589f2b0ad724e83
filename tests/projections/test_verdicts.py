"""Past calls judged again under other rules; a run's circumstances are learned from its events."""

import pytest

from remit.journal.events import CallJudged, HookAnswered
from remit.journal.record import Body, Cause, Header
from remit.machine.agent import Remit
from remit.policy.permission import Rule
from remit.policy.where import Where
from remit.projections.verdicts import Change, Counterfactual, RunSight, learn
from tests.machine.bench import Bench, make_agent
from tests.machine.toolbox import look_up, send_mail, writer
from tests.projections.facts import clean

MAIL = ("send_mail", '{"to":"x"}')
NO_X = Rule(id="no-x", effect="deny", tool="send_*", where=(Where(name="to", equals="x"),))


def lived() -> Bench:
    """Mail, a read, mail again; calls that no rule decided on."""
    remit = Remit(approvals={send_mail: 0}, tool_calls=9)
    bench = Bench(make_agent(look_up, send_mail, remit=remit))
    bench.start()
    bench.answer("", MAIL, ("unheard_of", "{}"), ("look_up", "{}"))
    bench.done()
    bench.answer("", ("look_up", '{"path":"a"}'))
    bench.done()
    bench.answer("", ("send_mail", '{"to":"y"}'))
    return bench


def changes(bench: Bench, rules: Counterfactual) -> list[Change]:
    sight = RunSight(bench.spec)
    found: list[Change] = []
    for version, body in enumerate(bench.bodies, start=1):
        found += rules.changes(sight, bench.spec.digest, (header_of(version), body))
    return found


def header_of(version: int) -> Header:
    return Header(tenant="acme", run="run_1", version=version, epoch=1, time_ms=0, engine="2")


@pytest.mark.requirement("AUD-6")
def test_calls_whose_verdict_would_change_are_found() -> None:
    bench = lived()
    rules = Counterfactual((), (NO_X,))
    (change,) = changes(bench, rules)
    assert (change.call, change.question.tool, change.journalled) == (
        "c1-1",
        "send_mail",
        "remit.approvals.send_mail",
    )
    assert (change.old.effect, change.new.effect, change.new.rule) == ("allow", "deny", "no-x")
    assert rules.judged == 3
    assert changes(bench, Counterfactual(None, ())) == []


@pytest.mark.requirement("AUD-6")
def test_what_was_read_before_counts() -> None:
    tainted = Rule(id="tainted", effect="ask", tool="send_*", origins=("tool:look_up",))
    rules = Counterfactual(None, (tainted,))
    assert rules.wants_origins
    assert [each.call for each in changes(lived(), rules)] == ["c3-1"]


def test_an_empty_body_changes_nothing() -> None:
    bench = lived()
    rules = Counterfactual((), (NO_X,))
    sight = RunSight(bench.spec)
    assert list(rules.changes(sight, "d", (header_of(1), Body(causes=(), events=())))) == []


@pytest.mark.requirement("AUD-6")
def test_what_a_sub_agent_said_was_read_too_and_cut_arguments_are_no_question() -> None:
    remit = Remit(approvals={send_mail: 0}, tool_calls=9)
    bench = Bench(make_agent(look_up, send_mail, remit=remit, agents=(writer,)))
    bench.start()
    bench.answer("", ("ask_writer", '{"brief":"Write."}'))
    bench.child_ends()
    bench.answer("", MAIL)
    tainted = Rule(id="tainted", effect="ask", tool="send_*", origins=("agent:*",))
    assert [each.call for each in changes(bench, Counterfactual(None, (tainted,)))] == ["c2-1"]
    sight = RunSight(bench.spec)
    sight.arguments = {"c2-1": "{"}
    judged = Body(
        causes=(Cause(kind="outcome", count=1),),
        events=(bench.last(CallJudged),),
    )
    rules = Counterfactual((), (NO_X,))
    assert list(rules.changes(sight, "d", (header_of(1), judged))) == []
    assert rules.judged == 0


@pytest.mark.requirement("BUD-9")
def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("remit.projections.verdicts._SPECS", 1)
    monkeypatch.setattr("remit.projections.verdicts._ORIGINS", 0)
    bench = lived()
    rules = Counterfactual((), (NO_X,))
    for digest in ("one", "two"):
        rules.pair(bench.spec, digest)
    assert list(rules._made) == ["two"]
    tainted = Rule(id="tainted", effect="ask", tool="send_*", origins=("tool:look_up",))
    assert changes(bench, Counterfactual(None, (tainted,))) == []


def test_results_matter_only_where_a_rule_asks_for_origins() -> None:
    tainted = Rule(id="tainted", effect="ask", tool="send_*", origins=("tool:look_up",))
    plain, asking = Counterfactual(None, (NO_X,)), Counterfactual(None, (tainted,))
    assert set(plain.telling) < set(asking.telling)


@pytest.mark.requirement("TOOL-11")
def test_arguments_that_a_hook_changed_are_those_that_were_judged() -> None:
    sight = RunSight(lived().spec)
    sight.arguments = {"c1-1": "{}"}
    said = clean('{"to":"y"}')
    learn(sight, HookAnswered(call="c1-1", hook="mask", word="changed", arguments=said))
    assert sight.arguments == {"c1-1": '{"to":"y"}'}
