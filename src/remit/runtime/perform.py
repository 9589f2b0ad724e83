"""perform(state, intent): carries out one released intent through a port, under its deadline."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import get_args

from pydantic import ValidationError

from remit.errors import ProviderError, RemitError
from remit.journal.events import (
    CheckCompleted,
    CheckRequested,
    CountRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
)
from remit.machine.agent import Agent
from remit.machine.conversation import answer_of
from remit.machine.inputs import Input
from remit.machine.spec import schemas
from remit.machine.state import State
from remit.machine.tools import problems
from remit.policy.redact import RedactedStream, Redactor
from remit.runtime.cleaning import Cleaner
from remit.runtime.counting import count_input, shown
from remit.runtime.effort import effort_for
from remit.runtime.hub import StreamDelta, StreamRetraction
from remit.runtime.inspecting import Inspector
from remit.runtime.outcome import Outcome
from remit.runtime.services import Services
from remit.values.model import Delta, FailureKind, ModelAnswer, ModelRequest

# A predicate looks at one answer; longer means it hangs.
_CHECK_S = 30.0
# A model call ends this long before the run does, so that its outcome is still journalled.
_SETTLE_S = 0.05
# A provider's word for how it served a call; the known ones have under 20 characters.
_WORD_CHARS = 64
_KINDS = frozenset(get_args(FailureKind))


@dataclass(slots=True)
class Deltas:
    """Passes deltas of one model call on, cleaned; nothing is kept back longer than needed."""

    publish: Callable[[StreamDelta | StreamRetraction], None]
    redactor: Redactor
    cleaner: Cleaner
    run: str
    call: str
    attempt: int
    streams: dict[int, RedactedStream] = field(default_factory=dict)
    kinds: dict[int, Delta] = field(default_factory=dict)
    offsets: dict[int, int] = field(default_factory=dict)
    whole: bool = False

    def emit(self, delta: Delta) -> None:
        """Pass one delta on. Of calls only the tool's name: arguments come with the outcome."""
        if delta.kind == "call":
            if delta.tool:
                self._put(delta.index, delta, self.cleaner.name(delta.tool))
            return
        if delta.index not in self.streams:
            self.streams[delta.index] = self.redactor.stream()
            self.kinds[delta.index] = delta
        self._put(delta.index, delta, self.streams[delta.index].feed(delta.text))

    def finish(self) -> None:
        """Pass on what the streams still hold back; the answer stands."""
        self.whole = True
        for index, stream in self.streams.items():
            self._put(index, self.kinds[index], stream.finish())

    def retract(self) -> None:
        """Take back what was passed on of an answer that broke: nothing of it will stand."""
        if self.offsets and not self.whole:
            self.offsets.clear()
            self.publish(StreamRetraction(self.run, self.call, self.attempt))

    def _put(self, index: int, delta: Delta, text: str) -> None:
        if not text:
            return
        offset = self.offsets.get(index, 0)
        self.offsets[index] = offset + len(text)
        self.publish(
            StreamDelta(self.run, self.call, self.attempt, index, offset, delta.kind, text)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Carries out the model calls and checks of one run."""

    services: Services
    agent: Agent[object]
    redactor: Redactor
    cleaner: Callable[[], Cleaner]

    async def ask_model(self, state: State, event: ModelRequested) -> Outcome:
        """Ask the model; the outcome is its cleaned answer with what the tools say of its calls."""
        clock, hub = self.services.clock, self.services.hub
        started_ms = clock.now_ms()
        cleaner = self.cleaner()
        provider, _, name = event.model.partition(":")
        until_ms = state.deadline_ms if event.until_ms is None else event.until_ms
        left_s = max(0.0, (until_ms - started_ms) / 1000 - _SETTLE_S)
        listens = hub.listens(state.tenant, state.root)
        deltas = Deltas(
            lambda item: hub.publish(state.tenant, state.root, item),
            self.redactor,
            cleaner,
            state.run,
            event.call,
            event.attempt,
        )
        request = ModelRequest(
            model=name,
            system=state.spec.instructions,
            messages=state.messages,
            tools=schemas(state.spec),
            max_output_tokens=event.max_output_tokens,
            thinking_tokens=min(state.spec.thinking_tokens, event.max_output_tokens - 1),
            effort=effort_for(event.model, state.spec.effort),
            stream=listens and event.stream,
        )
        try:
            model = self.services.model(provider)
        except RemitError as exc:  # nothing was sent, so nothing is billed
            return self._failed(event, started_ms, "auth", str(exc))
        try:
            emit = deltas.emit if listens else _nowhere
            async with asyncio.timeout(left_s):
                request = await shown(self.services, state, request)
                answer = await model.answer(request, deadline_s=left_s, emit=emit)
            outcome = await self._completed(state, event, answer, started_ms, cleaner)
            deltas.finish()
            return outcome
        except asyncio.CancelledError:
            return self._failed(event, started_ms, "cancelled", "the run was stopped")
        except TimeoutError:
            return self._failed(event, started_ms, "timeout", f"no answer within {left_s:g} s")
        except ProviderError as exc:
            return self._failed(event, started_ms, exc.kind, str(exc), exc)
        except ValidationError as exc:
            text = f"the adapter's answer is none: {problems(exc)}"
            return self._failed(event, started_ms, "malformed", text)
        except Exception as exc:  # noqa: BLE001  # an adapter's fault ends the call, not the process
            return self._failed(event, started_ms, "unknown", f"{type(exc).__name__}: {exc}")
        finally:
            deltas.retract()  # nothing, where the answer came whole

    async def _completed(
        self,
        state: State,
        event: ModelRequested,
        answer: ModelAnswer,
        started_ms: int,
        cleaner: Cleaner,
    ) -> Outcome:
        if not answer.usage.credible:
            # A store could not even count it; and what is posted cannot be taken back.
            text = f"the provider reports {answer.usage.total} tokens of use, which cannot be"
            raise ProviderError(text, kind="malformed")
        parts = cleaner.parts(answer, event.call, event.model)
        fact = ModelCompleted(
            call=event.call,
            attempt=event.attempt,
            parts=parts,
            stop=answer.stop,
            usage=answer.usage,
            model=cleaner.opaque(answer.model),
            provider_id=cleaner.opaque(answer.provider_id),
            left_behind=answer.left_behind,
            service_tier=cleaner.opaque(answer.service_tier[:_WORD_CHARS]),
            latency_ms=self.services.clock.now_ms() - started_ms,
        )
        hooking = self.services.hooking
        inspector = Inspector(agent=self.agent, hooking=hooking, cleaner=cleaner)
        inspections = await inspector.look_at_all(state, parts)
        return Outcome(Input(kind="outcome", fact=fact, inspections=inspections), cleaner.rows)

    def _failed(
        self,
        event: ModelRequested,
        started_ms: int,
        kind: str,
        text: str,
        error: ProviderError | None = None,
    ) -> Outcome:
        cleaner = self.cleaner()
        fact = ModelFailed.model_validate(
            {
                "call": event.call,
                "attempt": event.attempt,
                "kind": kind if kind in _KINDS else "unknown",
                "detail": cleaner.error(text),
                "status": error.status if error else None,
                "retry_after_ms": error.retry_after_ms if error else None,
                "latency_ms": self.services.clock.now_ms() - started_ms,
            }
        )
        return Outcome(Input(kind="outcome", fact=fact), cleaner.rows)

    async def count_input(self, state: State, event: CountRequested) -> Outcome:
        """Ask the provider how long the next request is."""
        return await count_input(self.services, self.cleaner(), state, event)

    async def check(self, state: State, event: CheckRequested) -> Outcome:
        """Evaluate the success predicate on the answer; an error or a timeout is a no."""
        cleaner = self.cleaner()
        predicate = self.agent.remit.success
        passed, detail = False, "the remit declares no predicate any more"
        try:
            if predicate is not None:
                answer = self.agent.read_answer(answer_of(state) or "null")
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(_CHECK_S):
                    passed = bool(
                        await loop.run_in_executor(self.services.threads, predicate, answer)
                    )
                detail = ""
        except asyncio.CancelledError:
            detail = "the run was stopped"
        except Exception as exc:  # noqa: BLE001  # user code may raise anything; that is a no
            detail = f"{type(exc).__name__}: {exc}"
        fact = CheckCompleted(call=event.call, passed=passed, detail=cleaner.error(detail))
        return Outcome(Input(kind="outcome", fact=fact), cleaner.rows)


def _nowhere(_delta: Delta) -> None:
    """Nobody listens."""
