"""Tools that a JSON Schema describes: operations of an API, tools of a server."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from remit.errors import ArgumentError, SpecError
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.machine.lexemes import compact
from remit.machine.schema_arguments import schema_arguments
from remit.machine.source import ToolSource
from remit.machine.spec import OnCrash
from remit.machine.tools import AnyTool, Tool
from remit.policy.permission import Access, Risk

Carry = Callable[[Mapping[str, object], Call], Awaitable[str]]
"""Carries a call out: validated arguments (fractions are `Decimal`) and the call's context."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What is declared of one tool that comes from elsewhere."""

    name: str
    description: str
    schema: str
    """JSON Schema of the arguments, as JSON text."""
    access: Access
    risk: Risk = "low"
    on_crash: OnCrash | None = None
    timeout: str = "60s"
    version: str = "1"
    credential: str = ""


def schema_tool(contract: Contract, carry: Carry, source: ToolSource) -> AnyTool:
    """The tool of a source. Raises `SpecError` for a name or schema that will not do."""

    async def send(arguments: dict[str, object], call: Call) -> str:
        return await carry(arguments, call)

    made: Tool[..., object] = tool(
        access=contract.access,
        risk=contract.risk,
        on_crash=contract.on_crash,
        name=contract.name,
        description=contract.description,
        timeout=contract.timeout,
        version=contract.version,
        credential=contract.credential or None,
        free_text=True,  # the function's one argument; those that count are in the schema
    )(send)
    try:
        arguments = schema_arguments(contract.schema)
        parameters = compact(contract.schema)
    except (ArgumentError, SpecError) as exc:
        raise SpecError(f"tool {contract.name!r}: its schema: {exc}") from exc
    spec = made.spec.model_copy(
        update={"parameters": parameters, "server": source.name, "free_text": False}
    )
    return replace(made, spec=spec, arguments=arguments, source=source)
