"""One way out for tools: check again, reveal, call under a deadline, clean, cut, label."""

import asyncio
import inspect
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from pydantic_core import to_json

from remit.errors import (
    ConfigError,
    NeedsInput,
    NotFound,
    OutcomeUnknown,
    OutsideError,
    RemitError,
    ToolRaised,
)
from remit.journal.events import (
    Event,
    InputRequested,
    ProbeCompleted,
    ProbeRequested,
    ResultHooked,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.machine.agent import Agent
from remit.machine.call import Call
from remit.machine.inputs import Input
from remit.machine.state import CallState, State
from remit.machine.tools import AnyTool
from remit.policy.credential_mask import CredentialMask
from remit.runtime.artifacts import read_page
from remit.runtime.child_tool import function_of
from remit.runtime.cleaning import Cleaner
from remit.runtime.confining import run_confined
from remit.runtime.hooking import Heard
from remit.runtime.inspecting import Inspector
from remit.runtime.marking import Marks
from remit.runtime.metering import Meter, refuse_charge
from remit.runtime.outcome import Outcome
from remit.runtime.results import as_text, completed, told
from remit.runtime.services import Services
from remit.runtime.threads import returned
from remit.values.clean import Clean
from remit.values.credential import Credential, Wanted
from remit.values.ids import idempotency_key
from remit.values.money import Nano

# A probe asks one question of one system.
_PROBE_S = 30.0
_PLACEHOLDER = re.compile(r"\[secret:([a-z0-9-]+):[0-9a-f]{16,64}\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Refused:
    why: str  # what the call depends on has changed since it was judged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One attempt at one call, with what its outcome needs."""

    state: State
    call: CallState
    event: ToolRequested
    cleaner: Cleaner
    ended: threading.Event
    """Nobody waits for the result any more."""
    meter: Meter = field(default_factory=Meter)
    marks: Marks = field(default_factory=Marks)
    probes: bool = False
    """It only asks whether an earlier attempt happened."""

    @property
    def key(self) -> tuple[str, str, str]:
        # What a tool did that another stands in for is no answer of that one.
        name = f"{self.call.call}:{self.call.tool}" if self.call.proposed else self.call.call
        return (self.state.tenant, self.state.run, name)

    def failed(
        self,
        kind: str,
        text: str,
        *,
        cut: bool = False,
        fault: bool = False,
        untouched: bool = False,
    ) -> Outcome:
        """It had no effect; but of an earlier attempt that was lost nobody knows yet."""
        if self.call.unsure:
            return self.unknown(text, cut=cut)
        fact = ToolFailed.model_validate(
            {
                "call": self.event.call,
                "attempt": self.event.attempt,
                "kind": kind,
                "text": self.cleaner.error(text),
                "charged": self.meter.charged(cut=cut),
                "fault": fault,
                **self.marks.fields(self.cleaner),
                "untouched": untouched,
            }
        )
        return Outcome(Input(kind="outcome", fact=fact), self.cleaner.rows)

    def unknown(self, why: str, *, cut: bool = True) -> Outcome:
        """It may have happened."""
        fact = ToolUnknown(
            call=self.event.call,
            attempt=self.event.attempt,
            reason=self.cleaner.error(why),
            charged=self.meter.charged(cut=cut),
        ).model_copy(update=self.marks.fields(self.cleaner))
        return Outcome(Input(kind="outcome", fact=fact), self.cleaner.rows)

    def cut(self, tool: AnyTool, kind: str, why: str) -> Outcome:
        """A read that was cut failed; of a write nobody knows."""
        if tool.spec.access == "write":
            return self.unknown(why)
        return self.failed(kind, why, cut=True)

    def lost(self, tool: AnyTool, why: str) -> Outcome:
        """The answer was lost: a read failed through a fault, of a write nobody knows."""
        if tool.spec.access == "write":
            return self.unknown(why)
        return self.failed("error", why, fault=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolGate:
    """Carries out the tool calls of one run."""

    services: Services
    agent: Agent[object]
    cleaner: Callable[[], Cleaner]
    fence: int
    mask: CredentialMask = field(default_factory=CredentialMask)
    """What the calls of this run were given, to be kept out of what they say."""

    async def call(self, state: State, call: CallState, event: ToolRequested) -> Outcome:
        """Carry out a released call; the outcome says what is known of its effect."""
        attempt = _Attempt(
            state=state, call=call, event=event, cleaner=self._cleaner(), ended=threading.Event()
        )
        tool = self.agent.tool(call.tool)
        if tool is None:
            return attempt.failed("error", f"{call.tool} is not there any more")
        attempt.marks.came_from(tool)
        try:
            outcome = await self._attempt(tool, attempt)
        finally:
            attempt.ended.set()
        fact = outcome.input.fact
        if not isinstance(fact, ToolFailed) or fact.kind != "error":
            return outcome
        heard = await self._hear(state, call, fact.text, attempt.cleaner, is_error=True)
        if not heard.hooks:
            return outcome
        less = fact.model_copy(update={"text": heard.text, "hooks": heard.hooks})
        return Outcome(Input(kind="outcome", fact=less), attempt.cleaner.rows)

    async def _hear(
        self,
        state: State,
        call: CallState,
        text: Clean,
        cleaner: Cleaner,
        *,
        is_error: bool = False,
    ) -> Heard:
        """What the hooks leave of a text that the model is about to read."""
        return await self.services.hooking.after(state, call, text, cleaner, is_error=is_error)

    async def _attempt(self, tool: AnyTool, attempt: _Attempt) -> Outcome:
        started_ms = self.services.clock.now_ms()
        left_s = (attempt.event.until_ms - started_ms) / 1000
        if left_s <= 0:
            return attempt.failed("timeout", "it was not started: its time was over")
        limit = asyncio.timeout(left_s)
        try:
            async with limit:
                result = await self._result(tool, attempt)
        except TimeoutError as exc:
            own = f"TimeoutError: {exc}"
            why = f"it was cut after {left_s:g} s" if limit.expired() else own
            return attempt.cut(tool, "timeout", why)
        except asyncio.CancelledError:
            return attempt.cut(tool, "cancelled", "the run was stopped")
        except NeedsInput as exc:
            if attempt.cleaner.text(exc.key) != exc.key:  # the answer is found again by its key
                return attempt.failed("error", "the key of its question holds a secret")
            asked = _question(attempt, exc)
            return Outcome(Input(kind="outcome", fact=asked), attempt.cleaner.rows)
        except OutcomeUnknown as exc:
            return attempt.lost(tool, str(exc))
        except RemitError as exc:
            # Where it may have been done, `OutcomeUnknown` says so.
            outside = isinstance(exc, OutsideError)
            fault = outside or isinstance(exc, ToolRaised)
            return attempt.failed("error", str(exc), fault=fault, untouched=outside)
        except (Exception, SystemExit) as exc:  # noqa: BLE001  # a tool may raise anything; the model is told
            return attempt.failed("error", f"{type(exc).__name__}: {exc}", fault=True)
        if isinstance(result, _Refused):
            return attempt.failed("denied", result.why)
        latency_ms = self.services.clock.now_ms() - started_ms
        text = told(result, attempt.cleaner)
        heard = await self._hear(attempt.state, attempt.call, text, attempt.cleaner)
        fact, blobs = completed(attempt.event, heard, attempt.state.spec.limits.result_chars)
        measured = {"latency_ms": latency_ms, "charged": attempt.meter.charged()}
        timed = fact.model_copy(update={**measured, **attempt.marks.fields(attempt.cleaner)})
        return Outcome(Input(kind="outcome", fact=timed), attempt.cleaner.rows, blobs)

    async def _result(self, tool: AnyTool, attempt: _Attempt) -> object:
        """What the tool returned; what an earlier attempt returned after it was cut counts."""
        call = attempt.call
        earlier = await self.services.cut_threads.earlier(attempt.key)
        if earlier is not None and returned(earlier):
            return earlier.result()
        if tool.depends is not None or (tool.preview is not None and call.effect == "ask"):
            hooking = self.services.hooking
            look = Inspector(agent=self.agent, hooking=hooking, cleaner=attempt.cleaner)
            now = await look.ask_tool(attempt.state, call.call, call.tool, call.arguments)
            if now.digest != call.digest:
                why = now.error or now.unseen
                return _Refused(why or "refused: what the call depends on has changed")
        arguments = await self._reveal(attempt.state, tool, call.arguments)
        context = await self._context(tool, attempt)
        values = tool.bind(tool.parse(arguments), context)
        return await self._invoke(function_of(tool, context, arguments), values, attempt)

    async def probe(self, state: State, call: CallState, event: ProbeRequested) -> Outcome:
        """Ask the system whether a call in doubt happened."""
        tool = self.agent.tool(call.tool)
        cleaner = self._cleaner()
        if tool is None or tool.probe is None:
            return _probed(event, "unknown", cleaner.error(f"{call.tool} has no probe"), cleaner)
        released = ToolRequested(call=call.call, attempt=call.attempt, until_ms=call.until_ms)
        attempt = _Attempt(
            state=state,
            call=call,
            event=released,
            cleaner=cleaner,
            ended=threading.Event(),
            probes=True,
        )
        try:
            async with asyncio.timeout(_PROBE_S):
                found = await self._ask(tool, tool.probe.function, attempt)
            if found is None:
                return _probed(event, "absent", Clean.vouch("it did not happen"), cleaner)
            heard = await self._hear(state, call, cleaner.text(as_text(found)), cleaner)
            return _probed(event, "happened", heard.text, cleaner, heard.hooks)
        except asyncio.CancelledError:
            return _probed(event, "unknown", Clean.vouch("the run was stopped"), cleaner)
        except TimeoutError:
            text = Clean.vouch(f"no certain answer within {_PROBE_S:g} s")
            return _probed(event, "unknown", text, cleaner)
        except (Exception, SystemExit) as exc:  # noqa: BLE001  # whatever it raises, nothing certain is known
            return _probed(event, "unknown", cleaner.error(f"{type(exc).__name__}: {exc}"), cleaner)
        finally:
            attempt.ended.set()

    async def _ask(
        self, tool: AnyTool, function: Callable[..., object], attempt: _Attempt
    ) -> object:
        """What the probe says, once no thread of the call can still change the answer."""
        earlier = await self.services.cut_threads.earlier(attempt.key)
        if earlier is not None and returned(earlier):
            result = earlier.result()
            return "done" if result is None else result
        arguments = await self._reveal(attempt.state, tool, attempt.call.arguments)
        takes = inspect.signature(function).parameters
        chosen = {name: value for name, value in tool.parse(arguments).items() if name in takes}
        chosen |= {"call": await self._context(tool, attempt)} if "call" in takes else {}
        return await self._invoke(function, chosen, attempt)

    async def _invoke(
        self,
        function: Callable[..., object],
        values: dict[str, object],
        attempt: _Attempt,
    ) -> object:
        """Call the function; a tool's thread that goes on after a cut is remembered."""
        attempt.meter.begun = True
        if inspect.iscoroutinefunction(function):
            return await function(**values)
        thread = self.services.threads.submit(partial(function, **values))
        try:
            result = await asyncio.wrap_future(thread)
        except asyncio.CancelledError:
            if thread.cancel():
                attempt.meter.begun = False
            elif not attempt.probes:
                self.services.cut_threads.add(attempt.key, thread)
            raise
        return await result if inspect.isawaitable(result) else result

    async def _reveal(self, state: State, tool: AnyTool, arguments: str) -> str:
        """Placeholders replaced by the real values that the tool's contract allows."""
        reveals = tool.spec.reveals
        if not reveals or "[secret:" not in arguments:
            return arguments
        for name, kind in {(match[0], match[1]) for match in _PLACEHOLDER.finditer(arguments)}:
            if "*" not in reveals and kind not in reveals:
                continue
            sealed = await self.services.store.vault(state.tenant, name)
            if sealed is None:
                raise NotFound(f"{name} is not in the vault: it was erased or made up")
            secret = self.services.vault.open(state.tenant, name, sealed)
            arguments = arguments.replace(name, to_json(secret).decode()[1:-1])
        return arguments

    async def _context(self, tool: AnyTool, attempt: _Attempt) -> Call:
        state, call, event = attempt.state, attempt.call, attempt.event
        clock, ended = self.services.clock, attempt.ended
        answers = {key: await self._reveal(state, tool, value) for key, value in call.answers}
        return Call(
            tenant=state.tenant,
            user=state.user,
            session=state.session,
            run=state.run,
            call=call.call,
            attempt=event.attempt,
            idempotency_key=idempotency_key(state.run, call.call),
            fence=self.fence,
            until_ms=event.until_ms,
            approved_by=call.given,
            credential=await self._credential(tool, state),
            answers=answers,
            run_confined=partial(run_confined, self.services, attempt.marks),
            read_result=partial(self._page, state, attempt.marks),
            tell_refused=attempt.marks.refuse,
            enter_charge=_meter_of(tool, attempt),
            is_cancelled=lambda: ended.is_set() or clock.now_ms() >= event.until_ms,
        )

    def _cleaner(self) -> Cleaner:
        return self.cleaner().masking(self.mask)

    async def _credential(self, tool: AnyTool, state: State) -> Credential | None:
        """What the tool shows to the system it calls; from then on it is in no text of the run."""
        name = tool.spec.credential
        if not name:
            return None
        desk = self.services.credentials
        if desk is None:
            raise ConfigError(f"the tool {tool.name!r} needs the credential {name!r}: declare it")
        wanted = Wanted(name=name, tenant=state.tenant, tool=tool.name, user=state.user)
        found = await desk.get(wanted)
        self.mask.learn(name, found.reveal())
        return found

    async def _page(self, state: State, marks: Marks, artifact: str, offset: int) -> str:
        chars = state.spec.limits.result_chars
        store = self.services.store
        page = await read_page(store, state.tenant, state.run, artifact, offset, chars)
        marks.label(page.labels)
        return page.text


def _meter_of(tool: AnyTool, attempt: _Attempt) -> Callable[[Nano], None]:
    """Where the call's `charge` goes."""
    if attempt.probes:
        return lambda _nano: refuse_charge(tool, "the probe of the tool")
    if not tool.spec.reports_price:
        return lambda _nano: refuse_charge(tool, "the tool")
    return attempt.meter.enter


def _probed(
    event: ProbeRequested,
    verdict: str,
    text: Clean,
    cleaner: Cleaner,
    hooks: tuple[ResultHooked, ...] = (),
) -> Outcome:
    fact = ProbeCompleted.model_validate(
        {"call": event.call, "verdict": verdict, "text": text, "hooks": hooks}
    )
    return Outcome(Input(kind="outcome", fact=fact), cleaner.rows)


def _question(attempt: _Attempt, asked: NeedsInput) -> Event:
    state, call = attempt.state, attempt.call
    return InputRequested(
        question=f"{state.run}:{call.call}:q{call.questions + 1}",
        call=call.call,
        attempt=call.attempt,
        key=asked.key,
        text=attempt.cleaner.error(asked.question),
        answer_schema=attempt.cleaner.json(asked.answer_schema),
        charged=attempt.meter.charged(),
    )
