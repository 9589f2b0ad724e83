"""A tool that a schema describes is judged, validated and carried out as any other."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from remit import Call
from remit.errors import ArgumentError, SpecError
from remit.machine.schema_tool import Contract, schema_tool

SCHEMA = '{"type":"object","properties":{"amount":{"type":"number"}},"required":["amount"]}'


class Crm:
    name = "crm"

    async def close(self) -> None: ...


async def refund(arguments: Mapping[str, object], call: Call) -> str:
    return f"{arguments['amount']} {call.tenant}"


def contract(**changes: object) -> Contract:
    fields: dict[str, object] = {
        "name": "crm_refund",
        "description": "Refund.",
        "schema": SCHEMA,
        "access": "write",
        **changes,
    }
    return Contract(**fields)  # type: ignore[arg-type]  # fields of a contract


A_CALL = Call(
    tenant="acme",
    user="ann",
    session="s",
    run="r",
    call="c1-1",
    attempt=1,
    idempotency_key="k",
    fence=1,
    until_ms=1,
)


@pytest.mark.requirement("TOOL-8", "TOOL-12")
async def test_it_is_a_tool() -> None:
    made = schema_tool(contract(credential="crm"), refund, Crm())
    values = made.bind(made.parse('{"amount": 1.10}'), A_CALL)
    assert values["arguments"] == {"amount": Decimal("1.10")}
    result = made.function(**values)
    assert await result == "1.10 acme"  # type: ignore[misc]  # a tool's result is an object
    assert (made.spec.server, made.spec.credential, made.spec.on_crash) == ("crm", "crm", "ask")
    assert '"amount"' in made.spec.parameters
    inspection = await made.inspect("c1-1", '{"amount": "much"}')
    assert inspection.error == "the arguments are not valid: amount: must be number"
    with pytest.raises(ArgumentError, match="larger than"):
        made.parse("x" * 2_000_000)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schema": "[]"}, "tool 'crm_refund': its schema: a schema of arguments is an object"),
        ({"schema": "{"}, "tool 'crm_refund': its schema: not JSON"),
        ({"name": "Refund!"}, "a name is 2 to 64"),
        ({"description": ""}, "it needs a docstring or description"),
    ],
)
def test_what_will_not_do_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        schema_tool(contract(**changes), refund, Crm())
