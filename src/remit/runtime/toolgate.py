"""One way out for tools: check again, reveal, call under a deadline, clean, cut, label."""

import asyncio
import hashlib
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from pydantic import BaseModel
from pydantic_core import to_json

from remit.errors import NeedsInput, NotFound, RemitError, SandboxUnavailable, ToolError
from remit.journal.events import (
    Event,
    InputRequested,
    ProbeCompleted,
    ProbeRequested,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.journal.rows import Blob
from remit.machine.agent import Agent
from remit.machine.call import Call
from remit.machine.inputs import Input
from remit.machine.state import CallState, State
from remit.machine.tools import AnyTool
from remit.runtime.cleaning import Cleaner
from remit.runtime.outcome import Outcome
from remit.runtime.services import Services
from remit.values.clean import Clean
from remit.values.command import Command, Finished

# A result is read into memory before it is cut; a larger one belongs into a file.
MAX_RESULT_BYTES = 16 * 1024 * 1024
# A probe asks one question of one system.
_PROBE_S = 30.0
_PLACEHOLDER = re.compile(r"\[secret:([a-z0-9-]+):[0-9a-f]{16,64}\]", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolGate:
    """Carries out the tool calls of one run."""

    services: Services
    agent: Agent[object]
    cleaner: Callable[[], Cleaner]
    fence: int

    async def call(self, state: State, call: CallState, event: ToolRequested) -> Outcome:
        """Carry out a released call; the outcome says what is known of its effect."""
        tool = self.agent.tool(call.tool)
        cleaner = self.cleaner()
        if tool is None:
            return _failed(event, "error", cleaner.error(f"{call.tool} is not there any more"))
        if tool.depends is not None:
            now = await tool.inspect(call.call, call.arguments)
            if now.digest != call.digest:
                why = "refused: what the call depends on has changed since it was judged"
                return _failed(event, "denied", cleaner.error(now.error or why))
        started_ms = self.services.clock.now_ms()
        left_s = max(0.0, (event.until_ms - started_ms) / 1000)
        try:
            arguments = await self._reveal(state, tool, call.arguments)
            values = tool.bind(tool.parse(arguments), self._context(state, call, event))
            async with asyncio.timeout(left_s):
                result = await self._invoke(tool.function, values)
            fact, blobs = self._completed(state, event, result, cleaner)
        except TimeoutError:
            return self._cut(tool, event, "timeout", f"it was cut after {left_s:g} s", cleaner)
        except asyncio.CancelledError:
            return self._cut(tool, event, "cancelled", "the run was stopped", cleaner)
        except NeedsInput as exc:
            return Outcome(Input(kind="outcome", fact=_question(state, call, exc, cleaner)))
        except RemitError as exc:
            return _failed(event, "error", cleaner.error(str(exc)), cleaner)
        except Exception as exc:  # noqa: BLE001  # a tool may raise anything; the model is told
            return _failed(event, "error", cleaner.error(f"{type(exc).__name__}: {exc}"), cleaner)
        latency_ms = self.services.clock.now_ms() - started_ms
        timed = fact.model_copy(update={"latency_ms": latency_ms})
        return Outcome(Input(kind="outcome", fact=timed), cleaner.rows, blobs)

    async def probe(self, state: State, call: CallState, event: ProbeRequested) -> Outcome:
        """Ask the system whether a call in doubt happened."""
        tool = self.agent.tool(call.tool)
        cleaner = self.cleaner()
        if tool is None or tool.probe is None:
            return _probed(event, "unknown", cleaner.error(f"{call.tool} has no probe"))
        released = ToolRequested(call=call.call, attempt=call.attempt, until_ms=call.until_ms)
        try:
            arguments = await self._reveal(state, tool, call.arguments)
            values = tool.parse(arguments)
            context = self._context(state, call, released)
            takes = inspect.signature(tool.probe.function).parameters
            chosen = {name: value for name, value in values.items() if name in takes}
            chosen |= {"call": context} if "call" in takes else {}
            async with asyncio.timeout(_PROBE_S):
                found = await self._invoke(tool.probe.function, chosen)
            if found is None:
                return _probed(event, "absent", Clean.vouch("it did not happen"))
            return _probed(event, "happened", cleaner.text(as_text(found)), cleaner)
        except asyncio.CancelledError:
            return _probed(event, "unknown", Clean.vouch("the run was stopped"))
        except Exception as exc:  # noqa: BLE001  # whatever it raises, nothing certain is known
            return _probed(event, "unknown", cleaner.error(f"{type(exc).__name__}: {exc}"), cleaner)

    async def _invoke(self, function: Callable[..., object], values: dict[str, object]) -> object:
        if inspect.iscoroutinefunction(function):
            return await function(**values)
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self.services.threads, partial(function, **values))
        return await result if inspect.isawaitable(result) else result

    async def _reveal(self, state: State, tool: AnyTool, arguments: str) -> str:
        """Placeholders replaced by the real values that the tool's contract allows."""
        reveals = tool.spec.reveals
        if not reveals or "[secret:" not in arguments:
            return arguments
        for match in set(_PLACEHOLDER.finditer(arguments)):
            if "*" not in reveals and match[1] not in reveals:
                continue
            sealed = await self.services.store.vault(state.tenant, match[0])
            if sealed is None:
                raise NotFound(f"{match[0]} is not in the vault: it was erased or made up")
            secret = self.services.vault.open(state.tenant, match[0], sealed)
            arguments = arguments.replace(match[0], to_json(secret).decode()[1:-1])
        return arguments

    def _context(self, state: State, call: CallState, event: ToolRequested) -> Call:
        return Call(
            tenant=state.tenant,
            user=state.user,
            session=state.session,
            run=state.run,
            call=call.call,
            attempt=event.attempt,
            idempotency_key=f"{state.run}:{call.call}",
            fence=self.fence,
            until_ms=event.until_ms,
            approved_by=call.given,
            answers=dict(call.answers),
            run_confined=self._confined,
            is_cancelled=lambda: self.services.clock.now_ms() >= event.until_ms,
        )

    async def _confined(self, command: Command) -> Finished:
        if self.services.sandbox is None:
            raise SandboxUnavailable(
                "no sandbox works on this machine, so programs are not run: "
                "install bubblewrap or use a kernel with Landlock"
            )
        hidden = (*command.hide, *self.services.hidden)
        return await self.services.sandbox.run(replace(command, hide=hidden))

    def _completed(
        self, state: State, event: ToolRequested, result: object, cleaner: Cleaner
    ) -> tuple[ToolCompleted, tuple[Blob, ...]]:
        text = as_text(result)
        if len(text) > MAX_RESULT_BYTES:
            raise ToolError(f"the result has {len(text)} characters, more than {MAX_RESULT_BYTES}")
        clean = cleaner.text(text)
        limit = state.spec.limits.result_chars
        if len(clean) <= limit:
            return ToolCompleted(call=event.call, attempt=event.attempt, text=clean), ()
        whole = clean.encode()
        digest = hashlib.sha256(whole).hexdigest()
        note = f"\n[cut: {limit} of {len(clean)} characters; the whole is artifact {digest[:16]}]"
        fact = ToolCompleted(
            call=event.call,
            attempt=event.attempt,
            text=Clean.vouch(clean[:limit] + note),
            artifact=digest,
            artifact_bytes=len(whole),
        )
        return fact, (Blob(digest, whole),)

    def _cut(
        self, tool: AnyTool, event: ToolRequested, kind: str, why: str, cleaner: Cleaner
    ) -> Outcome:
        """A read that was cut failed; of a write nobody knows."""
        if tool.spec.access == "write":
            reason = cleaner.error(why)
            fact = ToolUnknown(call=event.call, attempt=event.attempt, reason=reason)
            return Outcome(Input(kind="outcome", fact=fact))
        return _failed(event, "timeout" if kind == "timeout" else "cancelled", cleaner.error(why))


def as_text(result: object) -> str:
    """A tool's result as the model reads it: text as it is, anything else as JSON."""
    if isinstance(result, str):
        return result
    if result is None:
        return "done"
    if isinstance(result, BaseModel):
        return result.model_dump_json()
    return to_json(result, fallback=str).decode()


def _failed(
    event: ToolRequested, kind: str, text: Clean, cleaner: Cleaner | None = None
) -> Outcome:
    known: dict[str, object] = {"call": event.call, "attempt": event.attempt, "kind": kind}
    fact = ToolFailed.model_validate({**known, "text": text})
    return Outcome(Input(kind="outcome", fact=fact), cleaner.rows if cleaner else ())


def _probed(
    event: ProbeRequested, verdict: str, text: Clean, cleaner: Cleaner | None = None
) -> Outcome:
    fact = ProbeCompleted.model_validate({"call": event.call, "verdict": verdict, "text": text})
    return Outcome(Input(kind="outcome", fact=fact), cleaner.rows if cleaner else ())


def _question(state: State, call: CallState, asked: NeedsInput, cleaner: Cleaner) -> Event:
    return InputRequested(
        question=f"{state.run}:{call.call}:q{call.questions + 1}",
        call=call.call,
        attempt=call.attempt,
        key=asked.key,
        text=cleaner.error(asked.question),
        answer_schema=asked.answer_schema,
    )
