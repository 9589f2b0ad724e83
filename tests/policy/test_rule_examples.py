"""Examples beside a rule are tried, with what they leave open taken as fitting."""

import pytest

from remit.policy.permission import ArgumentPattern, Rule
from remit.policy.rule_examples import needs_examples, problems_of
from remit.policy.where import Where


def rule(**given_as: object) -> Rule:
    base: dict[str, object] = {
        "id": "no-big",
        "effect": "deny",
        "tool": "refund",
        "where": [{"name": "amount", "above": 500}],
        "must_match": [{"arguments": {"amount": 501}}],
        "must_not_match": [{"arguments": {"amount": 500}}],
    }
    return Rule.model_validate({**base, **given_as})


@pytest.mark.requirement("PERM-1")
def test_a_rule_that_does_what_its_examples_say_is_good() -> None:
    assert problems_of(rule()) == ()
    assert problems_of(rule(effect="ask", must_match=[])) == ()


@pytest.mark.requirement("PERM-1")
def test_a_rule_that_denies_a_pattern_needs_examples() -> None:
    bare = rule(must_match=[], must_not_match=[])
    assert [each.partition(" ")[0] for each in problems_of(bare)] == [
        "must_match",
        "must_not_match",
    ]
    assert needs_examples(rule(where=[], arguments=[ArgumentPattern(name="a", pattern="x")]))
    assert not needs_examples(rule(effect="ask"))
    assert not needs_examples(rule(where=[]))
    assert not needs_examples(rule(where=[Where(name="a", danger=("shell",))]))
    assert not needs_examples(rule(where=[Where(name="a", private_host=True)]))


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize(
    ("given_as", "problem"),
    [
        ({"must_match": [{"arguments": {"amount": 1}}]}, "is not matched: amount > 500"),
        ({"must_not_match": [{"arguments": {"amount": 900}}]}, "is matched"),
        ({"tool": "ref*"}, "which tool?"),
        (
            {"users": ["ann"], "must_match": [{"arguments": {"amount": 501}, "user": "bob"}]},
            "is not matched: user ann",
        ),
    ],
)
def test_an_example_that_does_not_hold_is_told(given_as: dict[str, object], problem: str) -> None:
    assert problem in problems_of(rule(**given_as))[0]


@pytest.mark.requirement("PERM-1")
def test_what_an_example_leaves_open_is_taken_as_fitting() -> None:
    picky = {
        "tool": "crm/ref*",
        "users": ["ann"],
        "tenants": ["acme"],
        "roles": ["clerk"],
        "agents": ["payer"],
        "phases": ["shadow"],
        "modes": ["auto"],
        "hours": [{"days": ["sat"], "start": "20:00", "end": "24:00"}],
        "origins": ["tool:*"],
    }
    given_all = {
        "tool": "crm/refund",
        "arguments": {"amount": 501},
        "user": "ann",
        "tenant": "acme",
        "roles": ["clerk"],
        "agent": "payer",
        "at": "sat 23:59",
        "origins": ["tool:x"],
    }
    good = rule(
        **picky,
        must_match=[given_all, {"tool": "crm/refund", "arguments": {"amount": 501}}],
        must_not_match=[
            {**given_all, "at": "sun 23:59"},
            {**given_all, "roles": []},
            {**given_all, "origins": ["user:x"]},
            {**given_all, "tool": "other/refund"},
        ],
    )
    assert problems_of(good) == ()
