"""A conversation as a page shows it: who said what, calls and results folded, files by name."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from remit.journal.events import ApprovalRequested, CallJudged, ToolCompleted
from remit.journal.record import Body
from remit.values.media import described
from remit.values.message import CallPart, Message, ResultPart, TextPart, ThinkingPart

Kind = Literal["text", "thinking", "call", "result", "file"]
_CHARS = 20_000  # of one part; the API gives the whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One part of a message."""

    role: str
    kind: Kind
    who: str
    text: str
    origin: str
    """Where it came from, with its labels."""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Artifact:
    """A whole result that is kept beside the journal, because it was cut for the model."""

    digest: str
    tool: str


def artifacts_of(bodies: Iterable[Body]) -> tuple[Artifact, ...]:
    """The artifacts that a run's records name, in order, each once."""
    tools: dict[str, str] = {}
    found: dict[str, Artifact] = {}
    for event in (each for body in bodies for each in body.events):
        if isinstance(event, CallJudged):
            tools[event.call] = event.tool
        elif isinstance(event, ToolCompleted) and event.artifact:
            known = Artifact(event.artifact, tools.get(event.call, event.call))
            found.setdefault(event.artifact, known)
        elif isinstance(event, ApprovalRequested) and event.preview and event.preview.artifact:
            digest = event.preview.artifact
            found.setdefault(digest, Artifact(digest, f"{event.tool}: what it would do"))
    return tuple(found.values())


def said_of(messages: Iterable[Message]) -> tuple[Said, ...]:
    """The parts of these messages in order."""
    found: list[Said] = []
    for message in messages:
        for part in message.parts:
            origin = " ".join((part.origin.kind, part.origin.name, *part.origin.labels)).strip()
            kind: Kind = "file"
            who, text, failed = part.origin.name or part.origin.kind, "", False
            match part:
                case TextPart():
                    kind, text = "text", str(part.text)
                case ThinkingPart():
                    kind, text = "thinking", str(part.text) or "(withheld by the provider)"
                case CallPart():
                    kind, who, text = "call", part.tool, plain(part.arguments)
                case ResultPart():
                    kind, who, text = "result", part.tool, plain(part.text)
                    failed = part.is_error
                case _:
                    text = described(part)
            found.append(
                Said(
                    role=message.role,
                    kind=kind,
                    who=who,
                    text=_cut(text),
                    origin=origin,
                    failed=failed,
                )
            )
    return tuple(found)


def plain(text: str) -> str:
    """A JSON string as the text it holds; anything else exactly as it is."""
    try:
        value: object = json.loads(text) if text.startswith('"') else None
    except ValueError:
        return text
    return value if isinstance(value, str) else text


def _cut(text: str) -> str:
    return text if len(text) <= _CHARS else f"{text[: _CHARS - 1]}…"
