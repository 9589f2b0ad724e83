"""Between our conversation and the messages of pydantic-ai, in both directions.

What their parts know beyond ours (ids, details that a provider wants back, such as signatures on
calls) travels as JSON in the opaque text of a thinking part: of the part itself where it is one,
else of an empty one right before it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic_ai import messages as theirs

from remit.errors import ProviderError
from remit.values.message import (
    CallPart,
    DocumentPart,
    ImagePart,
    Message,
    Part,
    ResultPart,
    TextPart,
    ThinkingPart,
)
from remit.values.model import ModelRequest, RawCall, RawPart, RawText, RawThinking
from remit.wire.media import content_of, text_of

_MARK = "remit.pydantic-ai"
_OPEN = f'{{"{_MARK}":'


@dataclass(frozen=True, slots=True)
class Details:
    """What a part of theirs knows beyond ours."""

    id: str | None = None
    provider_name: str | None = None
    provider_details: dict[str, object] | None = None

    def text(self) -> str:
        """As JSON, empty where there is nothing. Raises `TypeError` for what JSON cannot hold."""
        if self.id is None and not self.provider_details:
            return ""
        known = {
            "id": self.id,
            "provider_name": self.provider_name,
            "provider_details": self.provider_details,
        }
        return json.dumps({_MARK: known}, ensure_ascii=False)


_NONE = Details()


def details_of(text: str) -> Details:
    """What `Details.text` wrote; nothing for any other text."""
    if not text.startswith(_OPEN):
        return _NONE
    try:
        return Details(**json.loads(text)[_MARK])
    except (ValueError, TypeError, KeyError):
        return _NONE


# ---------------------------------------------------------------- to them


def sent_messages(request: ModelRequest, provider: str) -> list[theirs.ModelMessage]:
    """The conversation as they know it; `provider` is their name of who signs reasoning.

    Blank text is not sent. Raises `ProviderError` (`bad_request`) where nothing is left.
    """
    found: list[theirs.ModelMessage] = []
    for message in request.messages:
        if message.role == "user":
            parts = list(_asked(request, message.parts))
            if parts:
                found.append(theirs.ModelRequest(parts=parts))
        else:
            said = list(_said(message, provider))
            if said:
                found.append(theirs.ModelResponse(parts=said, provider_name=provider))
    if not found:
        raise ProviderError("nothing to send: no message has any content", kind="bad_request")
    last = found[-1]
    if isinstance(last, theirs.ModelResponse):
        last = theirs.ModelRequest(parts=[])  # they want a request at the end
        found.append(last)
    last.instructions = request.system or None
    return found


def _asked(request: ModelRequest, parts: Sequence[Part]) -> Iterator[theirs.ModelRequestPart]:
    """Results first, as protocols want them, then what else is said and shown."""
    content: list[theirs.UserContent] = []
    for part in parts:
        match part:
            case ResultPart():
                yield theirs.ToolReturnPart(
                    tool_name=part.tool,
                    content=part.text,
                    tool_call_id=part.provider_id or part.call,
                    outcome="failed" if part.is_error else "success",
                )
            case TextPart() if part.text.strip():
                content.append(str(part.text))
            case ImagePart():
                content.append(_binary(request, part))
            case DocumentPart() if part.media_type.startswith("text/"):
                content.append(text_of(request, part))
            case DocumentPart():
                content.append(_binary(request, part))
            case _:
                pass  # blank text
    if content:
        single = content[0] if len(content) == 1 else None
        yield theirs.UserPromptPart(content=single if isinstance(single, str) else content)


def _binary(request: ModelRequest, part: ImagePart | DocumentPart) -> theirs.BinaryContent:
    return theirs.BinaryContent(data=content_of(request, part), media_type=part.media_type)


def _said(message: Message, provider: str) -> Iterator[theirs.ModelResponsePart]:
    """An answer as they gave it."""
    known = _NONE
    for part in message.parts:
        match part:
            case ThinkingPart():
                found = details_of(part.redacted)
                if found is not _NONE and not (part.text or part.signature or part.item):
                    known = found
                    continue
                yield theirs.ThinkingPart(
                    content=part.text,
                    id=part.item or None,
                    signature=part.signature or None,
                    provider_name=found.provider_name or provider,
                    provider_details=found.provider_details,
                )
            case TextPart() if part.text.strip():
                yield theirs.TextPart(
                    content=part.text,
                    id=known.id,
                    provider_name=known.provider_name,
                    provider_details=known.provider_details,
                )
            case CallPart():
                yield theirs.ToolCallPart(
                    tool_name=part.tool,
                    args=str(part.arguments),
                    tool_call_id=part.provider_id or part.call,
                    id=known.id,
                    provider_name=known.provider_name,
                    provider_details=known.provider_details,
                )
            case _:
                pass
        known = _NONE


# ---------------------------------------------------------------- from them


def answered_parts(response: theirs.ModelResponse, left_out: list[str]) -> Iterator[RawPart]:
    """The parts of an answer; kinds that Remit has no part for are named in `left_out`."""
    for part in response.parts:
        match part:
            case theirs.ThinkingPart():
                known = _kept(part, left_out, with_id=False)
                yield RawThinking(part.content, part.signature or "", known, part.id or "")
            case theirs.TextPart():
                if part.content:
                    yield from _before(part, left_out)
                    yield RawText(part.content)
            case theirs.ToolCallPart():
                yield from _before(part, left_out)
                yield RawCall(part.tool_call_id, part.tool_name, _arguments(part))
            case _:
                left_out.append(f"part {part.part_kind!r}")


def _before(
    part: theirs.TextPart | theirs.ToolCallPart, left_out: list[str]
) -> Iterator[RawThinking]:
    known = _kept(part, left_out, with_id=True)
    if known:
        yield RawThinking("", redacted=known)


def _kept(
    part: theirs.ThinkingPart | theirs.TextPart | theirs.ToolCallPart,
    left_out: list[str],
    *,
    with_id: bool,
) -> str:
    details = part.provider_details or None
    known = Details(part.id if with_id else None, part.provider_name, details)
    try:
        return known.text()
    except (TypeError, ValueError):
        left_out.append(f"details of a part {part.part_kind!r}, which are no JSON")
        return ""


def _arguments(part: theirs.ToolCallPart) -> str:
    """The arguments as text: as the model wrote them where the provider hands text on."""
    if isinstance(part.args, str):
        return part.args or "{}"
    return json.dumps(part.args or {}, ensure_ascii=False)
