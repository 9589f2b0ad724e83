"""Rules decide tool calls from data alone: deny wins, then ask, then allow; else no write."""

import json
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from remit.errors import SpecError
from remit.policy.permission import (
    Access,
    ArgumentPattern,
    Effect,
    Question,
    Risk,
    Rule,
    judge,
    matches,
)
from remit.policy.phase import Phase


def ask_about(
    arguments: object = None, tool: str = "send_mail", access: Access = "write", risk: Risk = "low"
) -> Question:
    text = json.dumps({} if arguments is None else arguments)
    return Question(tool=tool, access=access, risk=risk, arguments=text)


def rule(effect: Effect, tool: str = "send_mail", needed: int = 1, **patterns: str) -> Rule:
    wanted = tuple(ArgumentPattern(name=name, pattern=text) for name, text in patterns.items())
    return Rule(
        id=f"r.{effect}.{needed}", effect=effect, tool=tool, arguments=wanted, needed=needed
    )


EVERY_EFFECT: tuple[Effect, ...] = get_args(Effect)


@pytest.mark.requirement("PERM-2")
def test_a_write_that_no_rule_covers_is_denied_and_a_read_is_allowed() -> None:
    denied = judge([], "autonomous", ask_about())
    assert (denied.effect, denied.rule) == ("deny", "builtin.default-deny")
    allowed = judge([], "autonomous", ask_about(access="read"))
    assert (allowed.effect, allowed.rule) == ("allow", "builtin.read")


@pytest.mark.requirement("PERM-2")
@given(effects=st.lists(st.sampled_from(EVERY_EFFECT), max_size=6))
def test_deny_wins_over_ask_and_ask_over_allow_in_any_order(effects: list[Effect]) -> None:
    verdict = judge([rule(effect) for effect in effects], "autonomous", ask_about())
    strongest = next((each for each in ("deny", "ask", "allow") if each in effects), "deny")
    assert verdict.effect == strongest


def test_of_two_rules_that_ask_the_one_that_needs_more_humans_decides() -> None:
    verdict = judge([rule("ask"), rule("ask", needed=2)], "autonomous", ask_about())
    assert (verdict.needed, verdict.rule) == (2, "r.ask.2")


def test_the_verdict_carries_the_rule_and_its_reason() -> None:
    own = Rule(id="no-mail", effect="deny", tool="send_*", reason="mail is for humans")
    verdict = judge([own], "autonomous", ask_about())
    assert (verdict.rule, verdict.reason) == ("no-mail", "mail is for humans")
    for effect in EVERY_EFFECT:
        assert judge([rule(effect)], "autonomous", ask_about()).reason


@pytest.mark.parametrize(
    ("glob", "covered"),
    [("send_mail", True), ("send_*", True), ("*", True), ("SEND_MAIL", False), ("send", False)],
)
def test_a_rule_names_tools_by_a_glob(glob: str, covered: bool) -> None:
    assert matches(rule("deny", tool=glob), ask_about()) is covered


@pytest.mark.parametrize(
    ("name", "pattern", "arguments", "hit"),
    [
        ("to", r"@evil\.example$", {"to": "x@evil.example"}, True),
        ("to", r"@evil\.example$", {"to": "x@good.example"}, False),
        ("to", r"@evil", {"cc": "x@evil.example"}, False),
        ("*", r"@evil", {"cc": "x@evil.example"}, True),
        ("mail.to", r"@evil", {"mail": {"to": "x@evil.example"}}, True),
        ("to", r"@evil", {"to": ["a@good.example", "x@evil.example"]}, True),
        ("deep", r"evil", {"deep": [["good", ["evil"]]]}, True),
        ("amount", r"^500$", {"amount": 500}, True),
        ("sure", r"^true$", {"sure": True}, True),
        ("sure", r"^null$", {"sure": None}, True),
        ("to", r".", {}, False),
    ],
)
def test_a_deny_rule_searches_every_value_of_an_argument(
    name: str, pattern: str, arguments: object, hit: bool
) -> None:
    own = Rule(
        id="r",
        effect="deny",
        tool="*",
        arguments=(ArgumentPattern(name=name, pattern=pattern),),
    )
    assert matches(own, ask_about(arguments)) is hit


@pytest.mark.parametrize("lexeme", ["500", "5e2", "5E+2", "0.5e3", "50000e-2"])
def test_a_number_is_matched_by_its_digits_however_it_is_written(lexeme: str) -> None:
    question = Question(tool="pay", access="write", risk="low", arguments=f'{{"amount":{lexeme}}}')
    assert matches(rule("deny", tool="pay", amount=r"^500(\.0+)?$"), question)


def test_a_number_of_absurd_size_is_matched_as_written_and_hangs_nothing() -> None:
    for lexeme in ("1e999999999", "-1e-999999999", "9" * 10_000):
        question = Question(
            tool="pay", access="write", risk="low", arguments=f'{{"amount":{lexeme}}}'
        )
        assert matches(rule("deny", tool="pay", amount="[0-9]"), question)


def test_all_patterns_of_a_rule_must_match() -> None:
    both = rule("deny", to="@evil", body="secret")
    assert matches(both, ask_about({"to": "x@evil", "body": "a secret"}))
    assert not matches(both, ask_about({"to": "x@evil", "body": "hello"}))


@pytest.mark.parametrize(
    "urls",
    [["https://good.example/a", "https://evil.example"], ["https://evil.example"], [], None],
)
def test_an_allow_rule_needs_every_value_to_match(urls: Sequence[str] | None) -> None:
    good = rule("allow", tool="fetch", urls=r"^https://good\.example/")
    harmless = ask_about({"urls": ["https://good.example/a"]}, tool="fetch")
    assert judge([good], "autonomous", harmless).effect == "allow"
    arguments = {} if urls is None else {"urls": urls}
    verdict = judge([good], "autonomous", ask_about(arguments, tool="fetch"))
    assert verdict.rule == "builtin.default-deny"


@pytest.mark.parametrize(("effect", "covered"), [("deny", True), ("ask", True), ("allow", False)])
def test_a_star_means_any_value_for_a_refusal_and_all_values_for_a_permission(
    effect: Effect, covered: bool
) -> None:
    own = Rule(
        id="r", effect=effect, tool="*", arguments=(ArgumentPattern(name="*", pattern="^a"),)
    )
    assert matches(own, ask_about({"x": "a", "y": "b"})) is covered
    assert matches(own, ask_about({"x": "a", "y": "ab"}))


@pytest.mark.requirement("ROL-1", "ROL-2")
@pytest.mark.parametrize(
    ("phase", "effect", "expected"),
    [
        ("off", "allow", ("deny", "phase.off", 0, False)),
        ("off", "deny", ("deny", "r.deny.1", 0, False)),
        ("shadow", "allow", ("allow", "phase.shadow", 0, True)),
        ("shadow", "ask", ("allow", "phase.shadow", 0, True)),
        ("shadow", "deny", ("deny", "r.deny.1", 0, False)),
        ("supervised", "allow", ("ask", "phase.supervised", 1, False)),
        ("supervised", "ask", ("ask", "r.ask.1", 1, False)),
        ("supervised", "deny", ("deny", "r.deny.1", 0, False)),
        ("autonomous", "allow", ("allow", "r.allow.1", 0, False)),
        ("autonomous", "ask", ("ask", "r.ask.1", 1, False)),
    ],
)
def test_what_a_phase_adds_to_the_rules_for_writes(
    phase: Phase, effect: Effect, expected: tuple[str, str, int, bool]
) -> None:
    verdict = judge([rule(effect)], phase, ask_about())
    assert (verdict.effect, verdict.rule, verdict.needed, verdict.record_only) == expected


@pytest.mark.parametrize("phase", ["shadow", "supervised", "autonomous"])
def test_reads_follow_the_rules_in_every_phase_but_off(phase: Phase) -> None:
    question = ask_about(access="read")
    assert judge([], phase, question).effect == "allow"
    assert judge([rule("ask")], phase, question).effect == "ask"
    assert judge([], "off", question).rule == "phase.off"


@pytest.mark.requirement("TOOL-13", "ROL-3")
@given(effects=st.lists(st.sampled_from(EVERY_EFFECT), max_size=4))
def test_a_high_risk_write_is_never_carried_out_without_a_human(effects: list[Effect]) -> None:
    question = ask_about(risk="high")
    for phase in get_args(Phase):
        verdict = judge([rule(effect) for effect in effects], phase, question)
        assert verdict.effect != "allow" or verdict.record_only
        assert verdict.effect != "ask" or verdict.needed >= 1


@pytest.mark.requirement("ROL-3")
def test_a_low_risk_write_runs_unasked_where_a_rule_allows_it() -> None:
    assert judge([rule("allow")], "autonomous", ask_about(risk="low")).effect == "allow"
    high = judge([rule("allow")], "autonomous", ask_about(risk="high"))
    assert (high.rule, high.needed) == ("builtin.high-risk", 1)


def test_a_pattern_that_is_not_valid_is_refused_when_it_is_declared() -> None:
    with pytest.raises(SpecError, match="not valid RE2"):
        ArgumentPattern(name="to", pattern="(")


@pytest.mark.parametrize("needed", [0, 3])
def test_a_rule_needs_one_or_two_humans(needed: int) -> None:
    with pytest.raises(ValidationError, match="needed"):
        Rule(id="r", effect="ask", tool="x", needed=needed)
