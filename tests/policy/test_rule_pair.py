"""Two sets of rules over one call come to what each says by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.policy.permission import Question, Rule, Rules, Verdict
from remit.policy.phase import Phase
from remit.policy.predicate import Seen
from remit.policy.rule import Example
from remit.policy.rule_pair import RulePair
from remit.policy.where import Where
from tests.policy.calls import CALLS, RULES, ask, json_of

PHASES: list[Phase] = ["shadow", "supervised", "autonomous"]


def change(
    old: list[Rule], new: list[Rule], question: Question, phase: Phase = "autonomous"
) -> tuple[Verdict, Verdict] | None:
    seen = Seen(question.arguments, question.left_out)
    return RulePair(old, new).change(phase, question, seen)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[list[Rule], list[Rule]]:
    """A set, and the same with rules left out, turned round and put in another order."""
    rules = draw(RULES)
    kept = [rule for rule in rules if draw(st.integers(0, 3))]
    turned = [
        rule if draw(st.integers(0, 2)) else rule.model_copy(update={"effect": "ask"})
        for rule in kept
    ]
    return rules, draw(st.permutations(turned))


@pytest.mark.requirement("AUD-6")
@settings(max_examples=300)
@given(pair=pairs(), question=CALLS, phase=st.sampled_from(PHASES))
def test_both_verdicts_are_those_of_each_set_by_itself(
    pair: tuple[list[Rule], list[Rule]], question: Question, phase: Phase
) -> None:
    old, new = pair
    was, now = Rules(old).judge(phase, question), Rules(new).judge(phase, question)
    found = change(old, new, question, phase)
    if (was.effect, was.needed) == (now.effect, now.needed):
        assert found is None
    else:
        assert found == (was, now)


def rule(id_: str = "r", **given_as: object) -> Rule:
    return Rule.model_validate({"id": id_, "effect": "deny", "tool": "t", **given_as})


@pytest.mark.requirement("AUD-6")
def test_what_one_set_adds_decides_only_where_it_is_the_stricter() -> None:
    large = Where(name="amount", above="5")
    base = rule("base", effect="ask", where=(large,))
    allows, forbids = rule("more", effect="allow"), rule("more", where=(large,))
    call = ask(json_of({"amount": 6}))
    assert change([base], [base, allows], call) is None
    assert change([base, forbids], [base, forbids], call) is None
    was, now = change([base], [forbids, base], call) or (None, None)
    assert was is not None
    assert now is not None
    assert (was.effect, was.rule, now.effect, now.rule) == ("ask", "base", "deny", "more")
    assert change([base], [forbids, base], ask(json_of({"amount": 5}))) is None


def test_where_a_rule_stands_and_how_it_is_tested_is_no_change() -> None:
    tested = rule(source="b.toml", must_match=(Example(),))
    made = RulePair([rule(source="a.toml")], [tested])
    assert not made._old.rules
    assert not made._new.rules
    assert made._shared.rules == (tested,)
