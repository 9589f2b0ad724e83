"""The conversation of a run: what is said, by whom, and its rolling digest and size."""

import json

from remit.machine.changing import replace
from remit.machine.measure import bound_of, roll
from remit.machine.state import CallState, State, is_out
from remit.values.clean import Clean
from remit.values.message import (
    DocumentPart,
    ImagePart,
    Message,
    Origin,
    OriginKind,
    Part,
    ResultPart,
    Role,
)

RUNTIME = Origin(kind="runtime")


def say(state: State, role: Role, parts: tuple[Part, ...]) -> State:
    """The state with parts added to the conversation; one role's turn stays one message."""
    if not parts:
        return state
    messages = state.messages
    if messages and messages[-1].role == role:
        merged = messages[-1].model_copy(update={"parts": messages[-1].parts + parts})
        messages = (*messages[:-1], merged)
    else:
        messages = (*messages, Message(role=role, parts=parts))
    return replace(
        state,
        messages=messages,
        digest=roll(state.digest, role, parts),
        context_bound=state.context_bound + bound_of(parts),
        shows=state.shows or any(isinstance(part, ImagePart | DocumentPart) for part in parts),
    )


def result_part(call: CallState) -> ResultPart:
    """What the model is told about a call."""
    kind: OriginKind = "agent" if call.child else "tool"
    text = call.result
    if call.status != "done":
        # The next run of the session must not take it for free to repeat.
        unknown = call.unsure or is_out(call)
        what = "it is not known whether this was carried out" if unknown else "not carried out"
        text = f"{what}: the run was stopped"
    if call.proposed and call.tool != call.proposed:
        text = f"[{call.proposed} does not work; {call.tool} stands in for it]\n{text}"
    return ResultPart(
        call=call.call,
        provider_id=call.provider_id,
        tool=call.proposed or call.tool,
        text=Clean.vouch(text),
        is_error=call.is_error or call.status != "done",
        origin=Origin(kind=kind, name=call.tool, labels=call.labels),
    )


def with_results(state: State) -> State:
    """The state with the results of the turn's calls told to the model."""
    if not state.calls:
        return state
    told = say(state, "user", tuple(result_part(call) for call in state.calls))
    return replace(told, calls=())


def json_text(text: str) -> str:
    """Plain text as JSON text: how an answer without an output type is kept."""
    return json.dumps(text, ensure_ascii=False)


def answer_of(state: State) -> str | None:
    """The final answer as JSON text: of the final tool, else the text the model ended with."""
    if state.answer is not None or state.calls or state.spec.output_schema is not None:
        return state.answer
    last = state.messages[-1] if state.messages else None
    if last is None or last.role != "assistant":
        return None
    return json_text(state.kept + last.text)


def history_of(state: State) -> tuple[Message, ...]:
    """The conversation that a later run of the session continues; no call is left unanswered."""
    return with_results(state).messages
