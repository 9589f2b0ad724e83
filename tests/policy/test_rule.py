"""Rules as data: whose calls, which tools, what was read; the text of older rules stays."""

import json
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from remit.policy import permission
from remit.policy.permission import ArgumentPattern, Effect, Question, Rule, Rules, judge, matches
from remit.policy.rule import Example, covers, is_glob, write_json
from remit.policy.where import Where


def ask(**given_as: object) -> Question:
    base: dict[str, object] = {"tool": "t", "access": "write", "risk": "low", "arguments": "{}"}
    return Question(**{**base, **given_as})  # type: ignore[arg-type]  # each test gives fitting ones


def rule(effect: Effect = "deny", **given_as: object) -> Rule:
    return Rule.model_validate({"id": "r", "effect": effect, "tool": "*", **given_as})


def test_a_rule_of_the_first_kind_keeps_its_text() -> None:
    old = Rule(id="r", effect="deny", tool="x", arguments=(ArgumentPattern(name="a", pattern="b"),))
    assert json.loads(old.model_dump_json()) == {
        "id": "r",
        "effect": "deny",
        "tool": "x",
        "arguments": [{"name": "a", "pattern": "b"}],
        "reason": "",
        "needed": 1,
    }


def test_a_rule_with_everything_can_be_stored_and_read_again() -> None:
    full = rule(
        where=[{"name": "a", "in": [1, "b"]}, {"name": "b", "not": True, "above": Decimal("1.10")}],
        agent="a*",
        tenant=["acme", "b*"],
        user="ann",
        role="manager",
        phases=["shadow"],
        modes=["auto"],
        hours=[{"days": ["mon"], "start": "08:00", "end": "12:00"}],
        origin="tool:*",
        must_match=[
            {"arguments": {"a": Decimal("1.10"), "b": [None, True, "x"]}, "at": "mon 09:00"}
        ],
    )
    assert Rule.model_validate_json(full.model_dump_json()) == full
    assert full.must_match[0].arguments == '{"a":1.10,"b":[null,true,"x"]}'
    assert full.bare.must_match == ()
    bare = full.bare
    assert bare.bare is bare


@pytest.mark.requirement("PERM-5")
@pytest.mark.parametrize(
    ("given_as", "fitting", "other"),
    [
        ({"users": ("ann", "b*")}, {"user": "bob"}, {"user": "eve"}),
        ({"tenants": ("acme",)}, {"tenant": "acme"}, {"tenant": "acme2"}),
        ({"agents": ("pay*",)}, {"agent": "payer"}, {"agent": "reader"}),
        ({"roles": ("manager",)}, {"roles": ("clerk", "manager")}, {"roles": ("clerk",)}),
        ({"modes": ("auto",)}, {"mode": "auto"}, {"mode": "default"}),
        ({"origins": ("tool:fetch_*",)}, {"origins": ("user:a", "tool:fetch_x")}, {"origins": ()}),
        ({"origins": ("label:pii",)}, {"origins": ("label:pii",)}, {"origins": ("tool:pii",)}),
    ],
)
def test_a_rule_is_about_some_people_and_circumstances(
    given_as: Mapping[str, object], fitting: Mapping[str, object], other: Mapping[str, object]
) -> None:
    assert matches(rule("deny", **given_as), ask(**fitting))
    assert not matches(rule("deny", **given_as), ask(**other))


def test_a_rule_may_be_about_a_phase() -> None:
    assert matches(rule(phases=("shadow",)), ask(), "shadow")
    assert not matches(rule(phases=("shadow",)), ask())


def test_a_rule_that_allows_by_origin_wants_all_that_was_read_to_be_such() -> None:
    own = rule("allow", origins=("user:*", "tool:look_up"))
    assert matches(own, ask(origins=("user:ann", "tool:look_up", "label:x")))
    assert not matches(own, ask(origins=("user:ann", "tool:fetch_page")))
    assert not matches(own, ask(origins=()))


@pytest.mark.parametrize(
    ("effect", "glob", "tool", "server", "covered"),
    [
        ("deny", "create_*", "create_issue", "github", True),
        ("allow", "create_*", "create_issue", "github", False),
        ("allow", "create_*", "create_issue", "", True),
        ("allow", "github/*", "create_issue", "github", True),
        ("allow", "github/*", "create_issue", "evil", False),
        ("deny", "*/delete_*", "delete_repo", "github", True),
        ("deny", "github/delete_*", "delete_repo", "", False),
    ],
)
def test_tools_of_servers_are_named_by_server_and_tool(
    effect: Effect, glob: str, tool: str, server: str, covered: bool
) -> None:
    assert covers(rule(effect, tool=glob), tool, server) is covered
    assert matches(rule(effect, tool=glob), ask(tool=tool, server=server)) is covered


EFFECTS: list[Effect] = ["allow", "ask", "deny"]
SETS = st.lists(
    st.builds(
        Rule,
        id=st.text("abcdef", min_size=1, max_size=3),
        effect=st.sampled_from(EFFECTS),
        tool=st.sampled_from(["t", "*", "u", "t*"]),
        needed=st.integers(1, 2),
        where=st.sampled_from([(), (Where(name="a", above="5"),), (Where(name="a", equals="x"),)]),
    ),
    max_size=8,
    unique_by=lambda each: each.id,
)
CALLS = st.sampled_from(["{}", '{"a":6}', '{"a":"x"}', '{"a":[1,9]}'])


@pytest.mark.requirement("PERM-2")
@given(rules=SETS, arguments=CALLS, dice=st.randoms(use_true_random=False))
def test_no_order_of_rules_changes_a_verdict(
    rules: list[Rule], arguments: str, dice: object
) -> None:
    first = judge(rules, "autonomous", ask(arguments=arguments))
    shuffled = list(rules)
    getattr(dice, "shuffle")(shuffled)  # noqa: B009  # hypothesis gives any Random
    assert judge(shuffled, "autonomous", ask(arguments=arguments)) == first


@pytest.mark.requirement("PERM-1", "PERM-2")
@given(rules=SETS, more=SETS, arguments=CALLS)
def test_adding_a_rule_that_denies_never_allows_more(
    rules: list[Rule], more: list[Rule], arguments: str
) -> None:
    strength = {"allow": 0, "ask": 1, "deny": 2}
    before = judge(rules, "autonomous", ask(arguments=arguments))
    denying = [each.model_copy(update={"effect": "deny"}) for each in more]
    after = judge([*rules, *denying], "autonomous", ask(arguments=arguments))
    assert strength[after.effect] >= strength[before.effect]


@pytest.mark.requirement("PERM-2")
@given(rules=SETS, arguments=CALLS)
def test_the_verdict_is_that_of_the_strictest_rule_that_matches(
    rules: list[Rule], arguments: str
) -> None:
    question = ask(arguments=arguments)
    hits = {each.effect for each in rules if matches(each, question)}
    strictest = next((each for each in reversed(EFFECTS) if each in hits), "deny")
    assert judge(rules, "autonomous", question).effect == strictest
    considered = Rules(rules).explain("autonomous", question)
    assert {each.rule.effect for each in considered if each.matched} == hits
    assert all(each.matched or each.failed for each in considered)


@pytest.mark.parametrize("wrong", ["[1]", "not json", 5, {"a": object()}, {"a": Decimal("NaN")}])
def test_an_example_is_an_object(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate({"arguments": wrong})


def test_small_words() -> None:
    assert is_glob("a*")
    assert not is_glob("a")
    assert write_json({"a": (1, "é")}) == '{"a":[1,"\\u00e9"]}'


def test_a_rule_is_about_arguments_or_about_a_tool_as_such() -> None:
    assert rule(where=[{"name": "a", "equals": "x"}]).looks_at_arguments
    assert not rule().looks_at_arguments


def test_an_explanation_says_what_a_deny_set_found() -> None:
    own = rule(where=[{"name": "a", "danger": "shell"}])
    (found,) = Rules([own]).explain("autonomous", ask(arguments='{"a":"rm -rf /"}'))
    assert found.why == "shell: it removes /"


def test_the_index_of_tools_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "_TOOLS", 2)
    made = Rules([rule(tool="a")])
    effects = [made.judge("autonomous", ask(tool=each, access="read")).effect for each in "abcab"]
    assert effects == ["deny", "allow", "allow", "deny", "allow"]


def test_rules_made_ready_are_kept_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission, "_SETS", 1)
    first, second = (rule(tool="a"),), (rule(tool="b"),)
    assert permission.ready(first) is permission.ready(first)
    assert permission.ready(second) is permission.ready(second)
    assert permission.ready(first).rules == first
