"""Remarks beside the nodes of a tree: another model, a larger limit, a continuation, a count."""

from collections.abc import Callable

from remit.journal.events import (
    ContinuationAsked,
    Event,
    InputCounted,
    ModelDrifted,
    ModelSwitched,
    OutputEscalated,
    PeersAborted,
)


def _switched(event: ModelSwitched) -> tuple[str, str]:
    return "other model", f"{event.model} instead of {event.instead_of} ({event.reason})"


def _drifted(event: ModelDrifted) -> tuple[str, str]:
    return "drift", f"{event.answered} answered, {event.asked} was asked"


def _escalated(event: OutputEscalated) -> tuple[str, str]:
    return "cut", f"the answer is asked for again with up to {event.max_output_tokens} tokens"


def _continued(event: ContinuationAsked) -> tuple[str, str]:
    why = "cut" if event.text else "paused"
    return "continued", f"{why} after {event.tokens} tokens, continuation {event.number}"


def _counted(event: InputCounted) -> tuple[str, str]:
    if event.tokens is None:
        return "not counted", f"the bound by bytes holds: {event.detail}"
    return "counted", f"{event.tokens} tokens of input, by the provider"


def _aborted(event: PeersAborted) -> tuple[str, str]:
    return "peers given up", f"{event.call} failed: {', '.join(event.peers)}"


_REMARKS: dict[str, Callable[..., tuple[str, str]]] = {
    "ModelSwitched": _switched,
    "ModelDrifted": _drifted,
    "OutputEscalated": _escalated,
    "ContinuationAsked": _continued,
    "InputCounted": _counted,
    "PeersAborted": _aborted,
    "WrapUpAsked": lambda _: ("wrap-up", "the time is nearly over: what is there is asked for"),
}


def remark(event: Event) -> tuple[str, str] | None:
    """Label and text of the remark that an event is worth; None where it has another place."""
    made = _REMARKS.get(event.type)
    return None if made is None else made(event)
