"""Asking tools about calls: user code that must not hold up the run."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from remit.machine.agent import Agent
from remit.machine.inputs import Inspection
from remit.machine.state import State
from remit.runtime.cleaning import INVALID, Cleaner
from remit.runtime.hooking import Hooking, view_of
from remit.runtime.previewing import with_preview
from remit.values.message import CallPart, Part

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspector:
    """What tools and hooks say of the calls of one run, before anything is decided."""

    agent: Agent[object]
    hooking: Hooking
    cleaner: Cleaner

    async def ask_tool(self, state: State, call: str, tool: str, arguments: str) -> Inspection:
        """What the tool says of one exact call and what it would do; cleaned."""
        found = cleaned(await inspect_call(self.agent, call, tool, arguments), self.cleaner)
        declared, spec = self.agent.tool(tool), state.spec.tool(tool)
        if found.error is not None or declared is None or spec is None:
            return found
        view = view_of(state, spec, call, found.arguments)
        return await with_preview(declared, found, view, self.cleaner, self.hooking.threads)

    async def look(self, state: State, call: str, tool: str, arguments: str) -> Inspection:
        """What the tool says of one exact call, and then the hooks; both cleaned."""
        again = partial(self.ask_tool, state, call, tool)
        found = await again(arguments)
        if found.error is not None or not state.spec.hooks:
            return found
        return await self.hooking.before(state, tool, found, again, self.cleaner)

    async def look_at_all(self, state: State, parts: tuple[Part, ...]) -> dict[str, Inspection]:
        """The same of each call that a model proposes."""
        found: dict[str, Inspection] = {}
        for part in parts:
            if not isinstance(part, CallPart):
                continue
            if part.arguments.startswith(f'{{"{INVALID}":'):
                error = "the arguments are not a JSON object (cut off, or not JSON)"
                found[part.call] = Inspection(call=part.call, error=error)
            else:
                found[part.call] = await self.look(state, part.call, part.tool, part.arguments)
        return found
