"""Under reverts a declaration has another prompt or model; its tools and rules stay as they are."""

import pytest

from remit.journal.facts_of_switches import Reverted
from remit.machine.reverting import agents_in, concerning, reverted
from remit.machine.spec import AgentSpec, ToolSpec
from remit.policy.permission import Rule
from remit.policy.routing import Candidate

pytestmark = pytest.mark.requirement("OPS-1", "OPS-2")
PAY = ToolSpec(name="pay", description="Pays.", parameters="{}", access="write")
RULES = (Rule(id="r", effect="ask", tool="pay"),)
CHILD = AgentSpec(name="child", model="p:c", instructions="New child.")
SPEC = AgentSpec(
    name="root", model="p:new", instructions="New.", prompt="root 2", rules=RULES, agents=(CHILD,)
)
OLD = AgentSpec(name="root", model="p:old", instructions="Old.", prompt="root 1", tools=(PAY,))


def names(spec: AgentSpec) -> list[tuple[str, int]]:
    return [(each.model, each.weight) for each in spec.candidates]


def test_only_the_prompt_comes_back_never_tools_or_authority() -> None:
    made = reverted(SPEC, {"root": OLD}, {})
    assert (made.instructions, made.prompt) == ("Old.", "root 1")
    assert made == SPEC.model_copy(update={"instructions": "Old.", "prompt": "root 1"})
    assert made.tools == ()
    assert made.model == "p:new"
    assert made.prompt_digest == OLD.prompt_digest != SPEC.prompt_digest


def test_a_model_takes_the_place_of_those_that_share_the_calls() -> None:
    shared = SPEC.model_copy(
        update={
            "models": (
                Candidate(model="p:new", weight=3),
                Candidate(model="p:also", weight=1),
                Candidate(model="p:b", weight=0),
                Candidate(model="p:c", weight=0),
            )
        }
    )
    made = reverted(shared, {}, {"root": "p:b"})
    assert made.model == "p:b"
    assert names(made) == [("p:b", 1), ("p:c", 0)]
    assert made.instructions == "New."


def test_without_fallbacks_it_is_declared_as_one_model() -> None:
    made = reverted(SPEC, {}, {"root": "p:old"})
    assert made.models == ()
    assert made.digest == SPEC.model_copy(update={"model": "p:old"}).digest


def test_agents_below_are_reverted_where_they_stand() -> None:
    old_child = CHILD.model_copy(update={"instructions": "Old child."})
    made = reverted(SPEC, {"child": old_child}, {"child": "p:x"})
    assert (made.model, made.instructions) == ("p:new", "New.")
    (child,) = made.agents
    assert (child.model, child.instructions) == ("p:x", "Old child.")


def test_nothing_to_revert_leaves_the_digest() -> None:
    assert reverted(SPEC, {"other": OLD}, {"other": "p:x"}).digest == SPEC.digest


def test_a_sub_run_is_told_only_what_concerns_it() -> None:
    def fact(agent: str) -> Reverted:
        return Reverted(agent=agent, what="model", to="p:x", target="t", principal="a", since_ms=1)

    both = (fact("root"), fact("child"))
    assert agents_in(SPEC) == {"root", "child"}
    assert concerning(both, SPEC) == both
    assert concerning(both, CHILD) == (fact("child"),)
