"""A declaration has one canonical text, and its digest changes with anything in its contract."""

import json

import pytest
from pydantic import ValidationError

from remit.machine.spec import (
    AgentSpec,
    ApproversOf,
    Confinement,
    HookSpec,
    ToolSpec,
    canonical,
    digest_of,
    schemas,
)
from remit.policy.allowance import Budget
from remit.policy.delay import Delay
from remit.policy.limits import Limits
from remit.policy.permission import Rule
from remit.policy.rate import Rate
from remit.policy.routing import Candidate

TOOL = ToolSpec(name="look_up", description="Look.", parameters='{"type":"object"}')
SPEC = AgentSpec(name="a", model="m:x", instructions="Work.", tools=(TOOL,))

TOOL_CHANGES: list[dict[str, object]] = [
    {"name": "look_at"},
    {"description": "Look at."},
    {"parameters": "{}"},
    {"kind": "agent"},
    {"access": "write"},
    {"risk": "high"},
    {"on_crash": "ask"},
    {"timeout_ms": 1},
    {"version": "2"},
    {"systems": ("crm",)},
    {"reveals": ("*",)},
    {"agent": "b"},
    {"price_nano": 1},
    {"reports_price": True},
    {"personal_data": True},
    {"undo": "take_back"},
    {"credential": "crm"},
    {"server": "crm"},
    {"delay_ms": 1},
    {"previews": True},
    {"sends": True},
    {"rates": (Rate(rate="1/day"),)},
    {"free_text": True},
    {"fallback": "other"},
    {"last_good_ms": 1},
    {"critical": True},
    {"on_failure": "abort-peers"},
    {"sandbox": Confinement()},
]
AGENT_CHANGES: list[dict[str, object]] = [
    {"name": "b"},
    {"model": "m:y"},
    {"models": (Candidate(model="m:x"), Candidate(model="m:y", weight=0))},
    {"instructions": "Rest."},
    {"prompt": "p 2"},
    {"tools": ()},
    {"agents": (AgentSpec(name="b", model="m:x", instructions="x"),)},
    {"rules": (Rule(id="r", effect="deny", tool="x"),)},
    {"acts_for": (("cancel_refund", ("clerk", "writer")),)},
    {"limits": Limits(turns=3)},
    {"budgets": (Budget(of="user", window="day", calls=3),)},
    {"delays": (Delay(tool="x", delay_ms=1),)},
    {"rates": (Rate(rate="1/day"),)},
    {"set_rates": (Rate(rate="1/day"),)},
    {"phase": "shadow"},
    {"mode": "plan"},
    {"approvers": ("ann",)},
    {"approvers_of": (ApproversOf(of="refund", who=("ann",)),)},
    {"self_approval": True},
    {"owner": "ops"},
    {"systems": ("crm",)},
    {"max_output_tokens": 1},
    {"output_ceiling": 9},
    {"thinking_tokens": 1},
    {"output_schema": "{}"},
    {"has_predicate": True},
    {"input_count": "always"},
    {"effort": "low"},
    {"unoffered": ("look_up",)},
    {"hooks": (HookSpec(name="guard", when="before", tools=("*",), timeout_ms=1),)},
]


@pytest.mark.parametrize("change", TOOL_CHANGES, ids=lambda change: next(iter(change)))
def test_every_part_of_a_tools_contract_changes_its_digest(change: dict[str, object]) -> None:
    changed = TOOL.model_copy(update=change)
    assert changed.contract != TOOL.contract
    assert SPEC.model_copy(update={"tools": (changed,)}).digest != SPEC.digest


@pytest.mark.parametrize("change", AGENT_CHANGES, ids=lambda change: next(iter(change)))
def test_every_part_of_an_agents_declaration_changes_its_digest(
    change: dict[str, object],
) -> None:
    assert SPEC.model_copy(update=change).digest != SPEC.digest


def test_no_part_of_a_contract_is_forgotten_here() -> None:
    assert {name for change in TOOL_CHANGES for name in change} == set(ToolSpec.model_fields)
    assert {name for change in AGENT_CHANGES for name in change} == set(AgentSpec.model_fields)


def test_a_tool_without_a_price_has_the_text_it_had_before_there_were_prices() -> None:
    assert b"price" not in canonical(TOOL)
    priced = TOOL.model_copy(update={"price_nano": 5})
    assert ToolSpec.model_validate_json(canonical(priced)) == priced


def test_the_canonical_text_has_sorted_keys_and_reads_back() -> None:
    text = canonical(SPEC)
    tree = json.loads(text)
    assert list(tree) == sorted(tree)
    assert b'", "' not in text
    assert AgentSpec.model_validate_json(text) == SPEC
    assert digest_of(AgentSpec.model_validate_json(text)) == SPEC.digest


def test_a_declaration_cannot_be_changed_or_carry_what_nobody_knows() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SPEC.name = "b"  # type: ignore[misc]  # what is refused
    with pytest.raises(ValidationError, match="extra"):
        ToolSpec.model_validate({**TOOL.model_dump(), "more": 1})


def test_tools_and_agents_are_found_by_name() -> None:
    sub = AgentSpec(name="b", model="m:x", instructions="x")
    spec = SPEC.model_copy(update={"agents": (sub,)})
    assert (spec.tool("look_up"), spec.tool("b")) == (TOOL, None)
    assert (spec.agent("b"), spec.agent("look_up")) == (sub, None)


def test_the_model_sees_name_description_and_schema() -> None:
    (schema,) = schemas(SPEC)
    assert (schema.name, schema.description, schema.schema_json) == (
        "look_up",
        "Look.",
        '{"type":"object"}',
    )


def test_whose_calls_a_tool_takes_back() -> None:
    spec = SPEC.model_copy(update={"acts_for": (("cancel_refund", ("clerk", "writer")),)})
    assert spec.whose("cancel_refund") == ("clerk", "writer")
    assert spec.whose("refund") == ()
