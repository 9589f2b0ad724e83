"""Requests and answers in the form that Gemini's wire keeps, for property tests."""

from dataclasses import replace

from hypothesis import strategies as st

from remit.values.clean import Clean
from remit.values.message import DocumentPart, ImagePart, Message, Part
from remit.values.model import (
    Effort,
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    StopReason,
)
from remit.wire.gemini.schema import schema_text
from tests.wire.strategies import answers, requests

_EFFORTS: dict[Effort, Effort] = {"xhigh": "high", "max": "high"}

_TIERS = {"": "", "standard": "ON_DEMAND", "priority": "ON_DEMAND_PRIORITY"}


def _part(part: Part) -> Part:
    if isinstance(part, ImagePart) and part.media_type == "image/gif":
        return part.model_copy(update={"media_type": "image/png"})
    if isinstance(part, DocumentPart):
        return part.model_copy(update={"name": Clean.vouch("")})
    return part


def kept_request(given: ModelRequest) -> ModelRequest:
    """No GIF, no names of documents, either budget or effort."""
    effort = None if given.effort is None else _EFFORTS.get(given.effort, given.effort)
    return replace(
        given,
        messages=tuple(
            Message(role=message.role, parts=tuple(map(_part, message.parts)))
            for message in given.messages
        ),
        effort=None if given.thinking_tokens else effort,
        # `const` goes as an `enum` of one, and comes back as it went.
        output_schema=given.output_schema and schema_text(given.output_schema, "it"),
    )


def _says(part: RawPart) -> bool:
    match part:
        case RawText():
            return bool(part.text)
        case RawThinking():
            return bool(part.text or part.signature or part.redacted)
        case _:
            return True


def kept_parts(parts: tuple[RawPart, ...]) -> tuple[RawPart, ...]:
    """No empty parts; neighbours of one kind are one, if neither is signed."""
    found: list[RawPart] = []
    for part in filter(_says, parts):
        last = found[-1] if found else None
        before = found[-2] if len(found) > 1 else None
        signed = isinstance(before, RawThinking) and bool(before.redacted)
        if isinstance(part, RawText) and isinstance(last, RawText) and not signed:
            found[-1] = RawText(last.text + part.text)
        elif _unsigned(part) and last is not None and _unsigned(last):
            found[-1] = RawThinking(_text(last) + _text(part))
        else:
            found.append(part)
    return tuple(found)


def _unsigned(part: RawPart) -> bool:
    return isinstance(part, RawThinking) and not part.signature and not part.redacted


def _text(part: RawPart) -> str:
    return part.text if isinstance(part, RawThinking) else ""


def kept_answer(answer: ModelAnswer) -> ModelAnswer:
    """Stops follow from the parts, but for limits and refusals; nothing is written to a cache."""
    parts = kept_parts(answer.parts)
    calls = any(isinstance(part, RawCall) for part in parts)
    stop: StopReason = "tools" if calls else "end"
    if answer.stop in {"max_tokens", "refusal"}:
        stop = answer.stop
    usage = answer.usage.model_copy(update={"cache_write": 0, "cache_write_1h": 0})
    tier = _TIERS[answer.service_tier]
    return replace(answer, parts=parts, stop=stop, usage=usage, service_tier=tier)


kept_requests: st.SearchStrategy[ModelRequest] = requests().map(kept_request)
kept_answers: st.SearchStrategy[ModelAnswer] = answers.map(kept_answer)
