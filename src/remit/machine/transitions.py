"""The two tables of the state machine: what may follow what, for a run and for a tool call.

An event that stands in neither table leaves the phase as it is; one that stands in a table but not
under the present phase cannot happen, and a journal that holds it is refused.
"""

from typing import Literal

Phase = Literal["new", "ready", "counting", "thinking", "acting", "checking", "stopping", "ended"]
"""new: not begun; ready: a decision is due; counting: the provider counts the next request;
thinking: a model call is out or waits for its retry (and may be counted first);
acting: tool calls are under way; checking: the success predicate runs; stopping: what is in flight
is being cut; ended."""

CallStatus = Literal[
    "proposed",
    "judged",
    "asking",
    "delayed",
    "queued",
    "released",
    "probing",
    "input",
    "doubt",
    "degraded",
    "done",
]
"""proposed: the model wants it; judged: a verdict stands; asking: humans are asked; delayed: waits
for its instant; queued: may go when its resources are free; released: may have begun; probing: the
system is asked whether it happened; input: it asked a human a question; doubt: nobody knows whether
it happened; degraded: its tool does not work, and what may stand in is looked at; done: the model
gets its result."""

RUN: dict[tuple[Phase, str], Phase] = {
    ("new", "RunStarted"): "ready",
    ("ready", "RunRecovered"): "ready",
    ("thinking", "RunRecovered"): "thinking",
    ("acting", "RunRecovered"): "acting",
    ("counting", "RunRecovered"): "ready",
    ("checking", "RunRecovered"): "ready",
    ("stopping", "RunRecovered"): "stopping",
    ("ready", "CountRequested"): "counting",
    ("acting", "CountRequested"): "counting",
    ("thinking", "CountRequested"): "thinking",
    ("counting", "InputCounted"): "ready",
    ("thinking", "InputCounted"): "thinking",
    ("stopping", "InputCounted"): "stopping",
    ("ready", "ModelRequested"): "thinking",
    ("acting", "ModelRequested"): "thinking",
    ("thinking", "ModelRequested"): "thinking",
    ("thinking", "ModelCompleted"): "ready",
    ("thinking", "ModelFailed"): "ready",
    ("stopping", "ModelCompleted"): "stopping",
    ("stopping", "ModelFailed"): "stopping",
    ("ready", "OutputEscalated"): "ready",
    ("ready", "ContinuationAsked"): "ready",
    ("ready", "RetryPlanned"): "thinking",
    ("ready", "CallJudged"): "acting",
    ("acting", "CallJudged"): "acting",
    ("stopping", "CallJudged"): "stopping",
    ("acting", "ToolRequested"): "acting",
    ("acting", "ProbeRequested"): "acting",
    ("acting", "ToolDegraded"): "acting",
    ("acting", "SubrunRequested"): "acting",
    ("ready", "CheckRequested"): "checking",
    ("acting", "CheckRequested"): "checking",
    ("checking", "CheckCompleted"): "ready",
    ("stopping", "CheckCompleted"): "stopping",
    ("ready", "RunStopping"): "stopping",
    ("counting", "RunStopping"): "stopping",
    ("thinking", "RunStopping"): "stopping",
    ("acting", "RunStopping"): "stopping",
    ("checking", "RunStopping"): "stopping",
    ("ready", "RunEnded"): "ended",
    ("acting", "RunEnded"): "ended",
    ("stopping", "RunEnded"): "ended",
}

CALL: dict[tuple[CallStatus, str], CallStatus] = {
    ("proposed", "HookAnswered"): "proposed",
    ("proposed", "CallJudged"): "judged",
    ("asking", "HookAnswered"): "asking",
    ("judged", "ApprovalRequested"): "asking",
    ("asking", "ApprovalRequested"): "asking",
    ("asking", "ApprovalGiven"): "asking",
    ("asking", "ApprovalDenied"): "asking",
    ("asking", "ApprovalExpired"): "asking",
    ("judged", "ToolQueued"): "queued",
    ("asking", "ToolQueued"): "queued",
    ("judged", "ToolDelayed"): "delayed",
    ("asking", "ToolDelayed"): "delayed",
    ("delayed", "ToolQueued"): "queued",
    ("queued", "ToolPostponed"): "delayed",
    ("queued", "ApprovalRequested"): "asking",
    ("delayed", "CallRecalled"): "delayed",
    ("queued", "CallRecalled"): "queued",
    ("queued", "ToolDegraded"): "degraded",
    ("done", "ToolDegraded"): "degraded",
    ("degraded", "ToolDegraded"): "degraded",
    ("degraded", "StandInInspected"): "proposed",
    ("degraded", "ToolCompleted"): "done",
    ("degraded", "ToolFailed"): "done",
    ("doubt", "ToolQueued"): "queued",
    ("input", "ToolQueued"): "queued",
    ("queued", "ToolRequested"): "released",
    ("queued", "SubrunRequested"): "released",
    ("released", "SubrunEnded"): "done",
    ("judged", "ToolCompleted"): "done",
    ("released", "ToolCompleted"): "done",
    ("doubt", "ToolCompleted"): "done",
    ("judged", "ToolFailed"): "done",
    ("asking", "ToolFailed"): "done",
    ("delayed", "ToolFailed"): "done",
    ("queued", "ToolFailed"): "done",
    ("input", "ToolFailed"): "done",
    ("released", "ToolFailed"): "done",
    ("doubt", "ToolFailed"): "done",
    ("released", "ToolUnknown"): "doubt",
    ("probing", "ToolUnknown"): "doubt",
    ("queued", "ToolUnknown"): "doubt",
    ("doubt", "ProbeRequested"): "probing",
    ("probing", "ProbeCompleted"): "doubt",
    ("doubt", "ToolResolved"): "doubt",
    ("released", "InputRequested"): "input",
    ("input", "InputReceived"): "input",
}

RUN_EVENTS = frozenset(event for _, event in RUN)
CALL_EVENTS = frozenset(event for _, event in CALL)


def diagram() -> str:
    """Both tables as Mermaid state diagrams, for the documentation."""

    def draw(name: str, start: str, table: dict[tuple[str, str], str]) -> str:
        edges: dict[tuple[str, str], list[str]] = {}
        for (source, event), target in table.items():
            if source != target:
                edges.setdefault((source, target), []).append(event)
        lines = [f"%% {name}", "stateDiagram-v2", f"    [*] --> {start}"]
        lines += [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in edges.items()]
        return "\n".join(lines)

    run = {(str(phase), event): str(target) for (phase, event), target in RUN.items()}
    call = {(str(status), event): str(target) for (status, event), target in CALL.items()}
    return draw("a run", "new", run) + "\n\n" + draw("a tool call", "proposed", call)
