"""Looks for what may serve while a tool does not work: another tool, its last good answer."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from remit.errors import OutsideError
from remit.journal.events import StandInInspected, ToolFailed, ToolRequested
from remit.machine.agent import Agent
from remit.machine.inputs import Input
from remit.machine.state import CallState, State
from remit.runtime.cleaning import Cleaner
from remit.runtime.inspecting import Inspector
from remit.runtime.last_good import Answer
from remit.runtime.outcome import Outcome
from remit.runtime.results import completed
from remit.runtime.services import Services
from remit.values.clean import Clean
from remit.values.instant import span_text, utc_text

# Looking through the journal; longer means that its database does not work either.
_FIND_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resorts:
    """Looks at what is tried instead of calls of one run; nothing here has an effect."""

    services: Services
    agent: Agent[object]
    cleaner: Callable[[], Cleaner]

    async def look(self, state: State, call: CallState) -> Outcome:
        """What the tool that stands in says of the call, or the last good answer to it."""
        if call.degraded is not None and call.degraded.to:
            return await self._stand_in(state, call)
        return await self._last_good(state, call)

    async def _stand_in(self, state: State, call: CallState) -> Outcome:
        cleaner, hooking = self.cleaner(), self.services.hooking
        inspector = Inspector(agent=self.agent, hooking=hooking, cleaner=cleaner)
        found = await inspector.look(state, call.call, call.tool, call.arguments)
        fact = StandInInspected(call=call.call, tool=call.tool)
        given = Input(kind="outcome", fact=fact, inspections={call.call: found})
        return Outcome(given, cleaner.rows)

    async def _last_good(self, state: State, call: CallState) -> Outcome:
        now_ms = self.services.clock.now_ms()
        found = await self._find(state, call, now_ms)
        if found is None:
            none = "there is no earlier answer that may serve. Say so; make none up."
            said = f"{_down(call)}; and {none}"
            failed = ToolFailed(
                call=call.call,
                attempt=call.attempt,
                kind="error",
                text=Clean.vouch(said),
                rule=f"breaker.tool:{call.tool}",
                labels=call.labels,
            )
            return Outcome(Input(kind="outcome", fact=failed))
        return await self._told(state, call, found, now_ms)

    async def _find(self, state: State, call: CallState, now_ms: int) -> Answer | None:
        last_good, store = self.services.last_good, self.services.store
        try:
            async with asyncio.timeout(_FIND_S):
                return await last_good.find(store, self.agent, state, call, now_ms)
        except (OutsideError, TimeoutError):
            return None  # a journal that does not work is told of by the next append

    async def _told(self, state: State, call: CallState, found: Answer, now_ms: int) -> Outcome:
        """The old answer, with its age in front, after the hooks of today."""
        cleaner = self.cleaner()
        text = cleaner.text(found.text)
        heard = await self.services.hooking.after(state, call, text, cleaner, is_error=False)
        age_ms = max(0, now_ms - found.time_ms)
        note = (
            f"[not fresh: {_down(call)}. This is what it answered at {utc_text(found.time_ms)}, "
            f"{span_text(age_ms)} ago]\n"
        )
        event = ToolRequested(call=call.call, attempt=call.attempt, until_ms=call.until_ms)
        fact, blobs = completed(event, heard, state.spec.limits.result_chars)
        told = {
            "text": Clean.vouch(note + fact.text),
            "age_ms": age_ms,
            # The words of the failure stand in the note.
            "labels": tuple(dict.fromkeys((*found.labels, *call.labels))),
        }
        given = Input(kind="outcome", fact=fact.model_copy(update=told))
        return Outcome(given, cleaner.rows, blobs)


def _down(call: CallState) -> str:
    """What does not work, since when, and what was tried in its place."""
    last = call.degraded
    others = [name for name in call.tried if name != call.tool]
    since = "" if last is None else f" since {utc_text(last.since_ms)}"
    why = "" if last is None or others else f" ({last.reason})"
    tried = f"; {', '.join(others)}, tried in its place, does not work either" if others else ""
    return f"{call.tool} does not work{since}{why}{tried}"
