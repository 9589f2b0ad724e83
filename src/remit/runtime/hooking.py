"""Asks hooks about calls and results: functions of the program that must not hold up the run."""

import asyncio
import hashlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from remit.journal.events import HookAnswered, ResultHooked
from remit.journal.rows import Blob
from remit.machine.hooks import (
    AfterAnswer,
    BeforeAnswer,
    Hook,
    HookedCall,
    HookedResult,
    changed_text,
    frozen,
    hooks_on,
)
from remit.machine.inputs import Inspection
from remit.machine.spec import HookSpec, ToolSpec
from remit.machine.state import CallState, State
from remit.runtime.cleaning import Cleaner
from remit.values.clean import Clean

Inspect = Callable[[str], Awaitable[Inspection]]
"""What the tool says of other arguments."""
AnswerT = TypeVar("AnswerT", BeforeAnswer, AfterAnswer)
_DIGEST_CHARS = 32  # 128 bits, as digests of calls have


@dataclass(frozen=True, slots=True)
class Heard:
    """What is left of a text once the hooks have heard it."""

    text: Clean
    hooks: tuple[ResultHooked, ...] = ()
    kept: Blob | None = None
    """The whole of what was withheld, where the hook wants it kept for people."""

    @property
    def is_withheld(self) -> bool:
        """The model learns nothing of it."""
        return bool(self.hooks) and self.hooks[-1].word == "withheld"


@dataclass(frozen=True, slots=True)
class Hooking:
    """Asks the hooks of one process; what goes wrong in one refuses or withholds."""

    known: Mapping[str, Hook]
    threads: Executor

    async def before(
        self, state: State, tool: str, found: Inspection, again: Inspect, cleaner: Cleaner
    ) -> Inspection:
        """The call as its hooks leave it, and what they said; each sees what those before made.

        The first refusal is the last word.
        """
        spec = state.spec.tool(tool)
        said: list[HookAnswered] = []
        for hook in hooks_on(state.spec.hooks, "before", spec):
            if spec is None or found.error is not None or (said and said[-1].word == "refused"):
                break
            view = view_of(state, spec, found.call, found.arguments)
            answer = await self._ask(hook, view, BeforeAnswer)
            if isinstance(answer, BeforeAnswer) and answer.word == "change":
                changed = await _changed(answer, found, again, cleaner)
                if isinstance(changed, Inspection):
                    if changed.digest != found.digest:
                        said.append(_change(hook, found, changed))
                    found = changed
                    continue
                answer = changed
            if isinstance(answer, str):
                answer = BeforeAnswer(word="refuse", reason=answer)
            if answer.word != "go-on":
                said.append(_said(hook, answer, found, cleaner))
        return replace(found, hooked=tuple(said)) if said else found

    async def after(
        self, state: State, call: CallState, text: Clean, cleaner: Cleaner, *, is_error: bool
    ) -> Heard:
        """What the model may read of what a call came to."""
        heard, spec = Heard(text), call.spec
        for hook in hooks_on(state.spec.hooks, "after", spec):
            if spec is None or heard.is_withheld:
                break
            view = view_of(state, spec, call.call, call.arguments)
            result = HookedResult(call=view, text=heard.text, is_error=is_error)
            try:
                answer = await self._ask(hook, result, AfterAnswer)
            except asyncio.CancelledError:  # the call was made: that must be told
                answer = "the run was stopped before the hook answered"
            if isinstance(answer, str):
                answer = AfterAnswer(word="withhold", reason=answer)
            heard = _told(hook, answer, heard, cleaner)
        return heard

    async def _ask(
        self, hook: HookSpec, view: HookedCall | HookedResult, kind: type[AnswerT]
    ) -> AnswerT | str:
        """What the hook answers, or why that is none."""
        declared = self.known.get(hook.name)
        if declared is None or declared.spec.when != hook.when:
            return "the run began with this hook, and the program has it no more"
        limit = asyncio.timeout(hook.timeout_ms / 1000)
        try:
            async with limit:
                answer = await self._call(declared.function, view)
        except (Exception, SystemExit) as exc:  # noqa: BLE001  # a hook may raise anything: a no
            if limit.expired():
                return f"it did not answer within {hook.timeout_ms / 1000:g} s"
            return f"it raised {type(exc).__name__}: {exc}"
        if not isinstance(answer, kind):
            return f"it answered with {type(answer).__name__}, not {kind.__name__}"
        return answer

    async def _call(
        self, function: Callable[..., object], view: HookedCall | HookedResult
    ) -> object:
        if inspect.iscoroutinefunction(function):
            return await function(view)
        loop = asyncio.get_running_loop()
        answer = await loop.run_in_executor(self.threads, partial(function, view))
        return await answer if inspect.isawaitable(answer) else answer


def view_of(state: State, spec: ToolSpec, call: str, arguments: str) -> HookedCall:
    """A call as the program's own functions see it."""
    return HookedCall(
        tool=spec.name,
        server=spec.server,
        access=spec.access,
        risk=spec.risk,
        arguments=frozen(arguments),
        agent=state.spec.name,
        tenant=state.tenant,
        user=state.user,
        roles=state.roles,
        session=state.session,
        run=state.run,
        call=call,
        labels=state.labels,
        environment=state.environment,
    )


def _said(
    hook: HookSpec, answer: BeforeAnswer, found: Inspection, cleaner: Cleaner
) -> HookAnswered:
    return HookAnswered(
        call=found.call,
        hook=hook.name,
        word="held" if answer.word == "hold" else "refused",
        reason=cleaner.error(str(answer.reason) or "it gives no reason"),
        before=found.digest,
    )


async def _changed(
    answer: BeforeAnswer, found: Inspection, again: Inspect, cleaner: Cleaner
) -> Inspection | str:
    """The call with the arguments that the hook wants, as the tool sees them, or why not."""
    try:
        text = cleaner.json(changed_text(frozen(found.arguments), answer.arguments))
    except (TypeError, ValueError, RecursionError) as exc:
        return f"its arguments are no JSON: {exc}"
    changed = await again(text)
    if changed.error is not None:
        return f"what it made of the arguments does not fit: {changed.error}"
    return changed


def _change(hook: HookSpec, before: Inspection, after: Inspection) -> HookAnswered:
    return HookAnswered(
        call=before.call,
        hook=hook.name,
        word="changed",
        before=before.digest,
        after=after.digest,
        arguments=Clean.vouch(after.arguments),
    )


def _told(hook: HookSpec, answer: AfterAnswer, heard: Heard, cleaner: Cleaner) -> Heard:
    if answer.word == "keep":
        return heard
    before, reason, kept = heard.text, Clean(""), heard.kept
    if answer.word == "change":
        text = cleaner.text(str(answer.text))
        if text == before:
            return heard
    else:
        reason = cleaner.error(str(answer.reason) or "it gives no reason")
        text = Clean.vouch(f"what came of this call is withheld: {reason} (hook.{hook.name})")
        if answer.keep_whole:
            whole = before.encode()
            kept = Blob(hashlib.sha256(whole).hexdigest(), whole)
    done = ResultHooked(
        hook=hook.name,
        word="changed" if answer.word == "change" else "withheld",
        reason=reason,
        before=_digest(before),
        after=_digest(text),
    )
    return Heard(text, (*heard.hooks, done), kept)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARS]
