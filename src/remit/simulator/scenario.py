"""Scenarios: what the simulated provider answers to which conversation, and where it fails."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from remit.errors import ProviderError
from remit.simulator.compose import compose, redacted, signature
from remit.simulator.distortion import Distortion
from remit.simulator.spoiling import SPOILING, Flaw
from remit.simulator.template import fill, fill_json
from remit.simulator.view import View
from remit.values.model import (
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.wire.jsontext import Json, write

FaultKind = Literal[
    "latency",
    "rate_limited",
    "overloaded",
    "server_error",
    "hang",
    "hang_midstream",
    "reset",
    "cut",
    "malformed",
    "invalid_sse",
    "stream_error",
    "wrong_type",
    "retired",
    "cut_arguments",
    "unknown_tool",
    "tool_loop",
    "empty",
    "max_tokens",
    "drift",
    "no_usage",
    "secret",
    "giant",
]
FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)

GIANT_BYTES = 4 * 1024**2
"""Longer than any answer of any model: the largest output limits are 128,000 tokens."""

BUILT_IN_NAMES = frozenset({"task", "note", "result", "tool", "results", "model"})
"""Names a template may use without a group in a pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Conditions on a conversation; all that are given must hold.

    Patterns are searched anywhere in the text; their named groups fill `${name}` in the reply.
    """

    model: re.Pattern[str] | None = None
    system: re.Pattern[str] | None = None
    task: re.Pattern[str] | None = None
    """In the newest user message without tool results."""
    note: re.Pattern[str] | None = None
    """In text that stands beside the tool results answered now."""
    tool: re.Pattern[str] | None = None
    """The whole name of the tool of a result answered now."""
    result: re.Pattern[str] | None = None
    """In the text of a result answered now."""
    is_error: bool | None = None
    """Whether that result is an error."""
    results: int | None = None
    """Exactly so many tool results since the task."""
    offers: str | None = None
    """A tool of this name is offered."""

    def match(self, view: View) -> dict[str, str] | None:
        """The texts for templates, or None if a condition does not hold."""
        captures = {
            "task": view.task,
            "note": view.note,
            "results": str(view.results),
            "model": view.model,
            "tool": "",
            "result": "",
        }
        if self.results is not None and self.results != view.results:
            return None
        if self.offers is not None and self.offers not in view.tools:
            return None
        for pattern, text in (
            (self.model, view.model),
            (self.system, view.system),
            (self.task, view.task),
            (self.note, view.note),
        ):
            if pattern is not None and not _search(pattern, text, captures):
                return None
        return captures if self._match_result(view, captures) else None

    def _match_result(self, view: View, captures: dict[str, str]) -> bool:
        wanted = self.tool is not None or self.result is not None or self.is_error is not None
        for part in view.latest:
            found = {"tool": part.tool, "result": part.text}
            if self.tool is not None and not self.tool.fullmatch(part.tool):
                continue
            if self.is_error is not None and self.is_error != part.is_error:
                continue
            if self.result is not None and not _search(self.result, part.text, found):
                continue
            captures.update(found)
            return True
        return not wanted

    def groups(self) -> frozenset[str]:
        """The names of all groups in the patterns."""
        patterns = (self.model, self.system, self.task, self.note, self.result)
        return frozenset(
            name for pattern in patterns if pattern is not None for name in pattern.groupindex
        )


def _search(pattern: re.Pattern[str], text: str, captures: dict[str, str]) -> bool:
    found = pattern.search(text)
    if found is None:
        return False
    captures.update({name: value or "" for name, value in found.groupdict().items()})
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call of a reply. Either `arguments`, filled text by text, or `raw`, filled as text."""

    tool: str
    arguments: Mapping[str, Json] | None = None
    raw: str = "{}"

    def render(self, captures: Mapping[str, str]) -> RawCall:
        """The call with its holes filled."""
        if self.arguments is None:
            return RawCall("", self.tool, fill(self.raw, captures))
        return RawCall("", self.tool, write(fill_json(dict(self.arguments), captures)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model says: texts are templates."""

    text: str = ""
    thinking: str = ""
    redacted_thinking: str = ""
    calls: tuple[Call, ...] = ()
    stop: StopReason | None = None
    model: str = ""
    """Another name than was asked for: the model has drifted."""
    input_tokens: int = 0
    output_tokens: int = 0

    def render(self, request: ModelRequest, captures: Mapping[str, str]) -> ModelAnswer:
        """The answer to a request."""
        parts: list[RawPart] = []
        if self.thinking:
            text = fill(self.thinking, captures)
            parts.append(RawThinking(text, signature(text)))
        if self.redacted_thinking:
            data = redacted(fill(self.redacted_thinking, captures))
            parts.append(RawThinking("", redacted=data))
        if self.text:
            parts.append(RawText(fill(self.text, captures)))
        parts.extend(one.render(captures) for one in self.calls)
        return compose(
            request,
            *parts,
            stop=self.stop,
            model=self.model,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A reply and when it is given. The first rule that matches is used."""

    when: When = When()
    reply: Reply = Reply()
    latency_ms: int = 0
    """Wait before the first byte."""
    pace_ms: int = 0
    """Wait between the events of a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure and when it happens.

    `first` = n: only at the first n identical requests, so that a retry gets through. The count is
    the one thing the simulator remembers besides its prompt cache; it is kept by the digest of
    the request (without its `stream` flag), so another conversation does not change it.
    `probability` is drawn from `seed` and that digest: the same request always has the same luck.
    `nth` counts all requests that meet `when`, from 1; `from_s` and `until_s` are a window of time
    since the server began. These two depend on the past: a resumed run may meet another fault.
    """

    kind: FaultKind
    when: When = When()
    first: int | None = None
    nth: tuple[int, ...] = ()
    from_s: float = 0.0
    until_s: float | None = None
    probability: float = 1.0
    status: int | None = None
    """Another HTTP status than the kind's own."""
    retry_after_s: float | None = None
    resets_in_s: float | None = None
    """The rate-limit headers say that nothing is left until then."""
    latency_ms: int = 0
    after_events: int | None = None
    """How much of a stream is sent before it fails; half of it if not said."""
    model: str = ""
    """Of `drift`: who answers."""
    size_bytes: int = GIANT_BYTES
    """Of `giant`: how long the answer is."""

    def is_due(self, at_s: float) -> bool:
        """Whether a moment, in seconds since the server began, is in its window."""
        return self.from_s <= at_s and (self.until_s is None or at_s < self.until_s)


Script = Callable[[ModelRequest], ModelAnswer | Fault]
"""A scenario as a function. It must depend on its argument alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Rules, faults, and the world around them."""

    rules: tuple[Rule, ...] = ()
    faults: tuple[Fault, ...] = ()
    reports: tuple[Distortion, ...] = ()
    """What is wrong with the usage reports; without any they tell what was answered."""
    seed: int = 0
    models: tuple[str, ...] = ()
    """Names of the models that exist; none means that every name exists."""
    context_tokens: int = 200_000
    cache_min_tokens: int = 1024
    """Shorter prefixes are not cached: the limit of most models."""
    source: str = "scenario"

    def reply(self, request: ModelRequest) -> tuple[Rule, ModelAnswer]:
        """The rule for a request, and its answer. Raises `ProviderError` if there is none."""
        view = View.of(request)
        for rule in self.rules:
            captures = rule.when.match(view)
            if captures is not None:
                return rule, rule.reply.render(request, captures)
        raise ProviderError(
            f"{self.source}: no rule for this conversation ({view.describe()})",
            kind="bad_request",
        )

    def fault(
        self,
        request: ModelRequest,
        digest: str,
        seen: int,
        *,
        at_s: float = 0.0,
        met: dict[int, int] | None = None,
    ) -> Fault | None:
        """The fault for the (`seen` + 1)-th request with this digest, if any.

        `at_s` is the time since the server began; `met` counts the requests that met each fault
        with `nth`, and is kept up here.
        """
        view = View.of(request)
        counts: dict[int, int] = {} if met is None else met
        found: Fault | None = None
        for number, fault in enumerate(self.faults):
            if not fault.is_due(at_s) or fault.when.match(view) is None:
                continue
            if fault.nth:
                counts[number] = counts.get(number, 0) + 1
                if counts[number] not in fault.nth:
                    continue
            passed = fault.first is not None and seen >= fault.first
            if found is None and not passed and self._drawn(fault, number, digest):
                found = fault  # and go on: those behind it count this request too
        return found

    def _drawn(self, fault: Fault, number: int, digest: str) -> bool:
        draw = hashlib.sha256(f"{self.seed}:{number}:{digest}".encode()).digest()
        # 53 bits: what a float holds exactly.
        return (int.from_bytes(draw, "big") >> (256 - 53)) / 2**53 < fault.probability


ECHO = Scenario(rules=(Rule(reply=Reply(text="${task}")),), source="echo")
"""Says what it was told."""


@dataclass(frozen=True, slots=True)
class Play:
    """What happens to one request."""

    answer: ModelAnswer | None
    fault: Fault | None
    latency_ms: int = 0
    pace_ms: int = 0


def play(
    scenario: Scenario | Script,
    request: ModelRequest,
    digest: str,
    seen: int,
    *,
    at_s: float = 0.0,
    met: dict[int, int] | None = None,
) -> Play:
    """What a scenario or script does with a request. Raises `ProviderError` for an error answer."""
    if isinstance(scenario, Scenario):
        fault = scenario.fault(request, digest, seen, at_s=at_s, met=met)
        rule, answer = scenario.reply(request)
        return Play(_spoiled(answer, fault, request), fault, rule.latency_ms, rule.pace_ms)
    try:
        made = scenario(request)
    except Exception as exc:  # a user's function: its bug must reach the client
        raise ProviderError(
            f"the scenario's function raised {type(exc).__name__}: {exc}", kind="bad_request"
        ) from exc
    if not isinstance(made, Fault):
        return Play(made, None)
    _, answer = ECHO.reply(request)  # something there must be to spoil
    return Play(_spoiled(answer, made, request), made)


def _spoiled(answer: ModelAnswer, fault: Fault | None, request: ModelRequest) -> ModelAnswer:
    spoil = SPOILING.get(fault.kind) if fault is not None else None
    if fault is None or spoil is None:
        return answer
    return spoil(answer, request, Flaw(model=fault.model, size_bytes=fault.size_bytes))
