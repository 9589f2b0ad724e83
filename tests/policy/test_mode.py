"""Modes: plan, default, auto, bypass; by user, tenant, agent, default; and their kill switches."""

from typing import get_args

import pytest
from pydantic import ValidationError

from remit.policy.mode import MODES, Mode, Modes, least_mode
from remit.policy.permission import Access, Question, Risk, Rule, Verdict, judge
from remit.policy.phase import Phase

DENY = Rule(id="no", effect="deny", tool="t")
ASK = Rule(id="ask", effect="ask", tool="t", needed=2)
ALLOW = Rule(id="yes", effect="allow", tool="t")


def verdict(
    mode: Mode,
    *rules: Rule,
    access: Access = "write",
    risk: Risk = "low",
    killed: tuple[Mode, ...] = (),
    environment: str = "dev",
    phase: Phase = "autonomous",
    personal_data: bool = False,
) -> Verdict:
    question = Question(
        tool="t",
        access=access,
        risk=risk,
        arguments="{}",
        mode=mode,
        killed=frozenset(killed),
        environment=environment,
        personal_data=personal_data,
    )
    return judge(rules, phase, question)


@pytest.mark.requirement("PERM-4")
@pytest.mark.parametrize("mode", MODES)
def test_no_mode_lifts_a_rule_that_denies(mode: Mode) -> None:
    assert verdict(mode, DENY, ALLOW, ASK).rule == "no"


@pytest.mark.requirement("PERM-4")
def test_plan_only_reads() -> None:
    for rules in ((), (ALLOW,), (ASK,)):
        assert (verdict("plan", *rules).effect, verdict("plan", *rules).rule) == (
            "deny",
            "mode.plan",
        )
    assert verdict("plan", access="read").effect == "allow"
    assert verdict("plan", access="read", personal_data=True).effect == "deny"
    assert verdict("plan", ALLOW, access="read", personal_data=True).effect == "allow"


@pytest.mark.requirement("PERM-4")
def test_auto_lets_low_risk_writes_happen_unasked_and_asks_for_high_risk_ones() -> None:
    assert (verdict("auto").effect, verdict("auto").rule) == ("allow", "mode.auto")
    assert (verdict("auto", risk="high").effect, verdict("auto", risk="high").needed) == ("ask", 1)
    assert verdict("auto", ASK).rule == "ask"
    assert verdict("auto", ALLOW).rule == "yes"
    assert verdict("auto", ALLOW, risk="high").effect == "ask"


@pytest.mark.requirement("PERM-4")
def test_auto_that_is_switched_off_asks() -> None:
    killed = verdict("auto", killed=("auto",))
    assert (killed.effect, killed.rule, killed.needed) == ("ask", "switch.mode:auto", 1)
    assert verdict("auto", ALLOW, killed=("auto",)).effect == "allow"


@pytest.mark.requirement("PERM-4")
def test_bypass_allows_all_but_deny_rules_and_only_outside_production() -> None:
    for rules in ((), (ASK,), (ALLOW,)):
        assert verdict("bypass", *rules, risk="high").rule == "mode.bypass"
        assert verdict("bypass", *rules, risk="high").effect == "allow"
    assert verdict("bypass", environment="production").effect == "deny"
    assert verdict("bypass", access="read").rule == "builtin.read"


@pytest.mark.requirement("PERM-4")
def test_bypass_that_is_switched_off_denies_every_action() -> None:
    for rules in ((), (ASK,), (ALLOW,)):
        killed = verdict("bypass", *rules, killed=("bypass",))
        assert (killed.effect, killed.rule) == ("deny", "switch.mode:bypass")
    assert verdict("bypass", killed=("auto",)).effect == "allow"


@pytest.mark.requirement("PERM-4", "ROL-1")
@pytest.mark.parametrize("phase", get_args(Phase))
@pytest.mark.parametrize("mode", MODES)
def test_no_mode_gives_more_than_the_phase(mode: Mode, phase: Phase) -> None:
    found = verdict(mode, ALLOW, phase=phase)
    if phase != "autonomous":
        assert found.effect != "allow" or found.record_only
    if phase == "off":
        assert found.effect == "deny"


@pytest.mark.requirement("PERM-6")
def test_a_read_of_personal_data_needs_authority_as_a_write_does() -> None:
    def read(*rules: Rule, phase: Phase = "autonomous", risk: Risk = "low") -> Verdict:
        return verdict("default", *rules, access="read", personal_data=True, phase=phase, risk=risk)

    assert (read().effect, read().rule) == ("deny", "builtin.default-deny")
    assert "read of personal data" in read().reason
    assert read(ALLOW).effect == "allow"
    assert read(ASK).needed == 2
    assert read(ALLOW, phase="supervised").effect == "ask"
    assert not read(ALLOW, phase="shadow").record_only
    assert read(ALLOW, risk="high").effect == "ask"


@pytest.mark.requirement("PERM-5")
def test_the_nearest_mode_wins() -> None:
    modes = Modes(
        default="plan", tenants={"acme": "auto"}, users={"acme/ann": "bypass", "bob": "default"}
    )
    assert modes.of("acme", "ann", "plan") == "bypass"
    assert modes.of("acme", "bob", "plan") == "default"
    assert modes.of("acme", "eve", "plan") == "auto"
    assert modes.of("other", "ann", "auto") == "auto"
    assert modes.of("other", "ann", None) == "plan"
    assert modes.may_bypass
    assert not Modes().may_bypass


@pytest.mark.parametrize("name", ["", "a/b/c", "/a", "a/"])
def test_a_user_is_named_with_or_without_the_tenant(name: str) -> None:
    with pytest.raises(ValidationError, match="names no user"):
        Modes(users={name: "plan"})


def test_the_mode_of_less_trust() -> None:
    assert least_mode("auto", "plan") == "plan"
    assert least_mode("default", "bypass") == "default"
