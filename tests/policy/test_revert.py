"""A revert is a switch whose target says of which agent, of which tenant, and to what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.journal.rows import Switch
from remit.policy.revert import MAX_TO, Revert, What, in_force, revert_of

pytestmark = pytest.mark.requirement("OPS-1")
NOW = 1_000
DIGEST = "a" * 64
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", fullmatch=True)
WHATS: tuple[What, ...] = ("prompt", "model")


def switch(
    to: str,
    *,
    agent: str = "support",
    what: What = "model",
    tenant: str = "",
    since_ms: int = 1,
    until_ms: int | None = None,
) -> Switch:
    revert = Revert(agent=agent, what=what, to=to, tenant=tenant)
    return Switch(revert.target, "odd", "ann", since_ms, until_ms)


@given(
    agent=NAMES,
    tenant=st.just("") | NAMES,
    what=st.sampled_from(WHATS),
    to=st.text(
        st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=MAX_TO
    ),
)  # fmt: skip
def test_a_target_has_one_reading(agent: str, tenant: str, what: What, to: str) -> None:
    revert = Revert(agent=agent, what=what, to=to, tenant=tenant)
    assert revert_of(revert.target) == revert
    assert revert.target == f"{revert.place}={to}"


@pytest.mark.parametrize(
    "target",
    [
        "all",
        "agent:support",
        "tenant:acme/agent:support",
        "agent:support/prompt",
        "agent:support/prompt=",
        "agent:support/tools=x",
        "agent:a/b/model=x",
        "agent:support/model=x y",
        "agent:support/model=x\n",
        f"agent:support/model={'x' * (MAX_TO + 1)}",
        "tool:x/model=y",
    ],
)
def test_what_is_no_revert(target: str) -> None:
    assert revert_of(target) is None


def counting(*switches: Switch, tenant: str = "acme") -> list[str]:
    return [each.switch.target for each in in_force(switches, tenant, NOW)]


@pytest.mark.requirement("TEN-3")
def test_a_tenants_own_goes_before_everybodys() -> None:
    own = switch("p:own", tenant="acme", since_ms=1)
    shared = switch("p:shared", since_ms=2)
    assert counting(own, shared) == counting(shared, own) == [own.target]
    assert counting(own, shared, tenant="beta") == [shared.target]
    assert counting(own, shared, tenant="*") == [shared.target]


def test_the_later_decision_counts_and_of_one_instant_the_same_everywhere() -> None:
    first, later = switch("p:z", since_ms=1), switch("p:a", since_ms=2)
    assert counting(first, later) == counting(later, first) == [later.target]
    one, other = switch("p:a"), switch("p:b")
    assert counting(one, other) == counting(other, one) == [other.target]


def test_what_is_over_counts_no_more() -> None:
    assert counting(switch("p:x", until_ms=NOW)) == []
    assert counting(switch("p:x", until_ms=NOW + 1)) != []
    assert counting(switch("p:old"), switch("p:new", since_ms=5, until_ms=NOW)) == [
        switch("p:old").target
    ]


def test_agents_and_kinds_are_apart_and_other_switches_are_none() -> None:
    prompt = switch(DIGEST, what="prompt")
    model = switch("p:x")
    other = switch("p:x", agent="clerk")
    off = Switch("agent:support", "odd", "ann", 1, None)
    assert counting(prompt, off, model, other) == [other.target, model.target, prompt.target]
