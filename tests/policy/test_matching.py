"""A rule made ready: its circumstances and predicates, each made once and told in words."""

import pytest

from remit.policy.hours import Hours
from remit.policy.matching import Ready, any_of
from remit.policy.permission import Question, Rules, matches
from remit.policy.predicate import Seen
from remit.policy.rule import ArgumentPattern, Effect, Rule
from tests.policy.calls import ask


def test_every_circumstance_is_told() -> None:
    ready = Ready(
        Rule(
            id="r",
            effect="ask",
            tool="t",
            agents=("clerk",),
            tenants=("acme",),
            users=("ann", "bob"),
            roles=("sales",),
            phases=("supervised",),
            modes=("auto",),
            hours=(Hours(days=("sat",), start="08:00", end="09:00"),),
            origins=("tool:*",),
            arguments=(ArgumentPattern(name="a", pattern="x"),),
        )
    )
    assert [told for told, _ in ready.circumstances] == [
        "agent clerk",
        "tenant acme",
        "user ann, bob",
        "role sales",
        "phase supervised",
        "mode auto",
        "hours sat 08:00-09:00",
        "origin tool:*",
    ]
    assert [each.told for each in ready.arguments] == ["a pattern 'x'"]
    assert (ready.verdict.effect, ready.verdict.needed) == ("ask", 1)
    assert not ready.matches(ask(), "autonomous", Seen("{}"))


@pytest.mark.requirement("PERM-1")
def test_half_a_surrogate_pair_hides_nothing_from_a_pattern() -> None:
    rule = Rule(
        id="r",
        effect="deny",
        tool="t",
        arguments=(ArgumentPattern(name="a", pattern="^.*evil"),),
    )
    for text, hit in (('{"a":"\\ud800evil"}', True), ('{"a":"\\ud800good"}', False)):
        assert Ready(rule).matches(ask(text), "autonomous", Seen(text)) is hit


def test_names_fit_any_of_several_globs() -> None:
    fits = any_of(("ann", "team-*"))
    assert [fits(each) for each in ("ann", "team-a", "anna", "team")] == [True, True, False, False]


@pytest.mark.requirement("TOOL-14", "PERM-1")
@pytest.mark.parametrize(("effect", "hit"), [("deny", True), ("ask", True), ("allow", False)])
def test_rules_about_an_agent_hold_for_what_undoes_it_but_leave_does_not(
    effect: Effect, hit: bool
) -> None:
    undoing = Question(
        tool="t",
        access="write",
        risk="low",
        arguments="{}",
        agent="clerk.undo",
        acts_for=("clerk", "writer"),
    )
    for name in ("clerk", "writer", "wr*"):
        rule = Rule(id="r", effect=effect, tool="t", agents=(name,))
        assert matches(rule, undoing) is hit
        assert (Rules([rule] * 3).first("autonomous", undoing) is not None) is hit
    assert matches(Rule(id="r", effect=effect, tool="t", agents=("clerk.undo",)), undoing)
    assert not matches(Rule(id="r", effect=effect, tool="t", agents=("other",)), undoing)
