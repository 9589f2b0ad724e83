"""The index of a tool's rules gives the rule that asking each of them in turn gives."""

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.policy import rule_index
from remit.policy.matching import Ready
from remit.policy.permission import Question, Rule, Rules, matches
from remit.policy.phase import Phase
from remit.policy.predicate import Seen
from remit.policy.rule import Effect
from remit.policy.where import Where
from tests.policy.calls import CALLS, RULES, ask, json_of

ORDER: dict[Effect, int] = {"deny": 0, "ask": 1, "allow": 2}
PHASES: list[Phase] = ["shadow", "supervised", "autonomous"]


def plainly(rules: list[Rule], phase: Phase, question: Question) -> Rule | None:
    """The rule that decides, each asked by itself in the order that the documentation names."""
    ordered = sorted(rules, key=lambda rule: (ORDER[rule.effect], -rule.needed, rule.id))
    return next((rule for rule in ordered if matches(rule, question, phase)), None)


@pytest.mark.requirement("PERM-2", "AUD-6")
@settings(max_examples=200)
@given(rules=RULES, question=CALLS, phase=st.sampled_from(PHASES), few=st.sampled_from([1, 2]))
def test_the_verdict_is_exactly_that_of_asking_every_rule(
    rules: list[Rule], question: Question, phase: Phase, few: int
) -> None:
    expected = plainly(rules, phase, question)
    with patch.object(rule_index, "_FEW", few):
        made = Rules(rules)
        assert made.first(phase, question) == expected
        assert made.first(phase, question) == expected  # now from the index that is kept
    considered = made.explain(phase, question)
    assert next((each.rule for each in considered if each.matched), None) == expected


def kinds(at: int) -> list[dict[str, object]]:
    """Predicates of every kind, about a number."""
    return [
        {"name": "amount", "above": 10_000 + at},
        {"name": "amount", "at_most": -at},
        {"name": "to", "pattern": rf"@evil{at}\.example$"},
        {"name": "path", "beneath": f"/srv/secret{at}"},
        {"name": "url", "host_in": (f"evil{at}.example", f"*.bad{at}.example")},
        {"name": "to", "glob": (f"*@bad{at}.example", f"ann{at}*")},
        {"name": "code", "in": (f"X{at}", at + 100)},
    ]


def many(count: int) -> list[Rule]:
    """Rules of every kind for one tool, each about its own number."""
    wheres = [Where.model_validate(kinds(at)[at % 7]) for at in range(count)]
    return [
        Rule(id=f"r{at:05}", effect="deny", tool="t", where=(where,))
        for at, where in enumerate(wheres)
    ]


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"amount": 10_500}, "r00000"),
        ({"amount": 9_000}, None),
        ({"amount": -1_000}, "r00001"),
        ({"to": "x@evil901.example"}, None),
        ({"to": "x@evil2.example"}, "r00002"),
        ({"path": "/srv/secret3/x"}, "r00003"),
        ({"path": "/srv/secret3x"}, None),
        ({"url": "https://a.bad4.example/"}, "r00004"),
        ({"to": "x@bad5.example"}, "r00005"),
        ({"to": "ann12"}, "r00012"),
        ({"code": "X6"}, "r00006"),
        ({"code": "1.06e2"}, "r00006"),
        ({}, None),
    ],
)
def test_one_of_very_many_rules_is_found(arguments: dict[str, object], rule: str | None) -> None:
    found = Rules(many(1_500)).first("autonomous", ask(json_of(arguments)))
    assert (found and found.id) == rule


def test_only_rules_that_may_match_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    really = Ready.matches

    def counted(ready: Ready, question: Question, phase: Phase, sight: Seen) -> bool:
        asked.append(ready.rule.id)
        return really(ready, question, phase, sight)

    monkeypatch.setattr(Ready, "matches", counted)
    made = Rules([*many(1_400), Rule(id="rest", effect="allow", tool="t")])
    call = {"amount": 5, "to": "x@bad5.example", "path": "/a/b", "url": "https://c.example/"}
    assert made.judge("autonomous", ask(json_of(call))).rule == "r00005"
    assert asked == ["r00005"]
    asked.clear()
    assert made.judge("autonomous", ask(json_of(call | {"to": "ann"}))).rule == "rest"
    assert asked == ["rest"]


@pytest.mark.requirement("PERM-5")
def test_rules_of_thousands_of_users_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_index, "_NAMES", 2)
    rules = [
        Rule(id=f"r{at}", effect="allow", tool="t", users=(f"user{at}",)) for at in range(2_000)
    ]
    made = Rules([*rules, Rule(id="z", effect="allow", tool="t", users=("team-*",))])
    for name, rule in (("user7", "r7"), ("user1999", "r1999"), ("team-a", "z"), ("user7", "r7")):
        assert made.judge("autonomous", ask(user=name)).rule == rule
    assert made.judge("autonomous", ask(user="user70000")).rule == "builtin.default-deny"
