"""A call as the rules see it, from the state of its run: who, when, and what was read before."""

from collections.abc import Iterable

from remit.machine.inputs import World
from remit.machine.left_out import left_out
from remit.machine.spec import ToolSpec
from remit.machine.state import CallState, State
from remit.policy.mode import MODES
from remit.policy.permission import Question, Verdict, ready
from remit.values.message import Message, Origin

# What the model wrote was made of what it read, and the runtime's own words tell nothing.
_UNREAD = ("model", "runtime", "developer")
# Verdicts of a mode, as long as that is not switched off.
_BY_MODE = {"mode.auto": "auto", "mode.bypass": "bypass"}


def question_of(state: State, world: World, spec: ToolSpec, arguments: str) -> Question:
    """What the rules are asked about a call with these validated arguments."""
    wants_origins = ready(state.spec.rules).wants_origins
    return Question(
        tool=spec.name,
        access=spec.access,
        risk=spec.risk,
        arguments=arguments,
        left_out=left_out(spec.parameters, arguments),
        server=spec.server,
        personal_data=spec.personal_data,
        agent=state.spec.name,
        acts_for=state.spec.whose(spec.name),
        tenant=state.tenant,
        user=state.user,
        roles=state.roles,
        mode=state.mode,
        killed=frozenset(mode for mode in MODES if f"mode:{mode}" in world.off),
        environment=state.environment,
        now_ms=world.now_ms,
        calendar=state.calendar,
        origins=origins_in(state.messages) if wants_origins else (),
    )


def judge_question(state: State, question: Question) -> Verdict:
    """What the rules, the mode and the phase of a run say."""
    return ready(state.spec.rules).judge(state.spec.phase, question)


def origins_in(messages: Iterable[Message]) -> tuple[str, ...]:
    """Where all that was read came from, each once, in the order it came."""
    found: dict[str, None] = {}
    for message in messages:
        for part in message.parts:
            found |= dict.fromkeys(origin_names(part.origin))
    return tuple(found)


def origin_names(origin: Origin) -> tuple[str, ...]:
    """An origin as rules name it: `kind:name`, and `label:name` for each of its labels."""
    labels = (f"label:{each}" for each in origin.labels)
    own = () if origin.kind in _UNREAD else (f"{origin.kind}:{origin.name}",)
    return (*own, *labels)


def switched_off(call: CallState, off: frozenset[str]) -> Verdict | None:
    """The verdict on a call whose tool is switched off, or the mode that alone allowed it."""
    target = f"tool:{call.tool}"
    if target in off:
        return Verdict("deny", f"switch.{target}", "this tool is switched off")
    mode = _BY_MODE.get(call.rule, "")
    if mode and call.effect == "allow" and f"mode:{mode}" in off:
        return Verdict("deny", f"switch.mode:{mode}", f"mode {mode} is switched off")
    return None
