"""Asking tools about calls: user code that must not hold up the run."""

import asyncio
from dataclasses import replace

from remit.machine.agent import Agent
from remit.machine.inputs import Inspection
from remit.runtime.cleaning import Cleaner

# `depends` asks one system one question; longer means it hangs.
_INSPECT_S = 10.0


def cleaned(found: Inspection, cleaner: Cleaner) -> Inspection:
    """The inspection without secrets in what the tool's own code said."""
    return replace(found, error=cleaner.error(found.error)) if found.error else found


async def inspect_call(agent: Agent[object], call: str, tool: str, arguments: str) -> Inspection:
    """What the tool says about one exact call; one that takes too long cannot be made."""
    try:
        async with asyncio.timeout(_INSPECT_S):
            return await agent.inspect(call, tool, arguments)
    except TimeoutError:
        error = f"{tool} cannot be prepared: what it depends on did not answer in {_INSPECT_S:g} s"
        return Inspection(call=call, error=error)
    except Exception as exc:  # noqa: BLE001  # a fault in the tool's own code refuses the call
        return Inspection(call=call, error=f"{tool} cannot be prepared: {type(exc).__name__}")
