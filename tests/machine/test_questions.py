"""What the rules are asked: who, in which mode, what was read before; and switches of modes."""

import pytest

from remit.journal.events import CallJudged, ToolFailed, ToolRequested
from remit.machine.agent import Remit
from remit.machine.questions import origin_names, origins_in, question_of
from remit.policy.mode import Mode
from remit.policy.permission import Rule
from remit.values.message import Origin
from tests.machine.bench import Bench, make_agent, one
from tests.machine.toolbox import look_up, pay_bill, send_mail

MAIL = ("send_mail", '{"to":"x"}')
LOOK = ("look_up", '{"path":"a"}')


def bench_in(mode: Mode, *rules: Rule) -> Bench:
    remit = Remit(mode=mode, rules=rules, settings_rules=True)
    bench = Bench(make_agent(look_up, send_mail, pay_bill, remit=remit), mode=mode)
    bench.start()
    return bench


def rules_of(bench: Bench) -> list[str]:
    return [event.rule for event in bench.all_of(CallJudged)]


@pytest.mark.requirement("PERM-4")
def test_a_mode_is_that_of_the_run() -> None:
    plan, auto, bypass = bench_in("plan"), bench_in("auto"), bench_in("bypass")
    for bench in (plan, auto, bypass):
        bench.answer("", MAIL, ("pay_bill", '{"amount":"1"}'), LOOK)
    assert rules_of(plan) == ["mode.plan", "mode.plan", "builtin.read"]
    assert rules_of(auto) == ["mode.auto", "mode.auto", "builtin.read"]
    assert [event.effect for event in auto.all_of(CallJudged)] == ["allow", "ask", "allow"]
    assert rules_of(bypass) == ["mode.bypass", "mode.bypass", "builtin.read"]


@pytest.mark.requirement("PERM-4")
def test_a_running_bypass_run_is_flipped_to_deny() -> None:
    bench = bench_in("bypass")
    bench.answer("", MAIL)
    bench.done()
    bench.off("mode:bypass")
    bench.answer("", ("send_mail", '{"to":"y"}'), LOOK)
    assert rules_of(bench) == ["mode.bypass", "switch.mode:bypass", "builtin.read"]
    assert bench.state.phase != "ended"


@pytest.mark.requirement("PERM-4")
def test_a_running_auto_run_is_flipped_to_ask() -> None:
    bench = bench_in("auto")
    bench.off("mode:auto")
    bench.answer("", MAIL)
    assert rules_of(bench) == ["switch.mode:auto"]
    assert bench.all_of(CallJudged)[0].effect == "ask"


@pytest.mark.requirement("PERM-4")
def test_what_a_mode_let_through_and_still_waits_is_refused_once_it_is_off() -> None:
    bench = bench_in("bypass")
    bench.answer("", MAIL, ("send_mail", '{"to":"y"}'))
    assert len(bench.all_of(ToolRequested)) == 1  # a write without keys goes alone
    bench.off("mode:bypass")
    bench.done()
    assert len(bench.all_of(ToolRequested)) == 1
    assert one(bench.log, ToolFailed).rule == "switch.mode:bypass"


def test_other_switches_of_modes_do_nothing() -> None:
    bench = bench_in("auto")
    bench.off("mode:bypass")
    bench.answer("", MAIL)
    assert rules_of(bench) == ["mode.auto"]


def test_a_rule_may_depend_on_what_was_read_before() -> None:
    own = Rule(id="tainted", effect="deny", tool="send_*", origins=("tool:look_up",))
    bench = bench_in("auto", own)
    bench.answer("", MAIL)
    bench.done()
    bench.answer("", LOOK)
    bench.done()
    bench.answer("", ("send_mail", '{"to":"y"}'))
    assert rules_of(bench) == ["mode.auto", "builtin.read", "tainted"]


def test_where_things_came_from() -> None:
    assert origin_names(Origin(kind="tool", name="a", labels=("x",))) == ("tool:a", "label:x")
    assert origin_names(Origin(kind="model", name="m", labels=("x",))) == ("label:x",)
    bench = bench_in("auto")
    assert origins_in(bench.state.messages) == ("user:",)
    spec = bench.spec.tool("look_up")
    assert spec is not None
    asked = question_of(bench.state, bench.world, spec, "{}")
    assert (asked.agent, asked.user, asked.tenant, asked.origins) == ("worker", "ann", "acme", ())
