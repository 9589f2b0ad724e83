"""Models without a provider: scripted replies and an echo, for fast tests (TST-1)."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence

from remit.errors import ProviderError
from remit.values.message import Message, ResultPart, TextPart
from remit.values.model import (
    Delta,
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    StopReason,
)
from remit.values.usage import Usage

Reply = str | Mapping[str, object] | Sequence[object] | Exception | ModelAnswer
"""Text; one call as `{"tool": {...arguments}}`; several of these; an error; or a whole answer."""

_WORDS = re.compile(r"\s*\S+\s*$|\s*\S+")
_BYTES_PER_TOKEN = 4  # a usual rule of thumb; a scripted model needs a number, not a tokenizer


class ScriptedModel:
    """Gives the n-th reply to the n-th turn of a conversation.

    The turn is read off the conversation, never counted here, so a resumed run goes on with the
    right reply. A reply may be a function of the request.
    """

    provider = "scripted"

    def __init__(self, *replies: Reply | Callable[[ModelRequest], Reply]) -> None:
        self.replies = replies
        self.requests: list[ModelRequest] = []

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The reply for this turn. Raises `ProviderError` after the last one."""
        del deadline_s  # it answers at once
        self.requests.append(request)
        await asyncio.sleep(0)
        turn = turn_of(request.messages)
        if turn >= len(self.replies):
            raise ProviderError(
                f"the script has {len(self.replies)} replies and turn {turn + 1} was asked for",
                kind="bad_request",
            )
        reply = self.replies[turn]
        if callable(reply):
            reply = reply(request)
        if isinstance(reply, Exception):
            raise reply
        answer = reply if isinstance(reply, ModelAnswer) else answer_for(request, reply, turn)
        if request.stream:
            _stream(answer, emit)
        return answer

    async def count(self, request: ModelRequest, *, deadline_s: float) -> int | None:
        """The input that an answer's usage will say, where the script leaves it to be made up."""
        del deadline_s  # it answers at once
        await asyncio.sleep(0)
        return _heard(request)

    async def close(self) -> None:
        """Nothing to release."""


class EchoModel:
    """Says what it was told last: the simplest model there is."""

    provider = "echo"

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """The last text or tool result of the conversation."""
        del deadline_s  # it answers at once
        await asyncio.sleep(0)
        said = request.messages[-1] if request.messages else None
        texts = [
            str(part.text)
            for part in (said.parts if said else ())
            if isinstance(part, TextPart | ResultPart)
        ]
        answer = answer_for(request, "\n".join(texts) or "(nothing)", 0)
        if request.stream:
            _stream(answer, emit)
        return answer

    async def close(self) -> None:
        """Nothing to release."""


def turn_of(messages: Sequence[Message]) -> int:
    """How many times the model has spoken in this conversation."""
    return sum(1 for message in messages if message.role == "assistant")


def answer_for(request: ModelRequest, reply: object, turn: int) -> ModelAnswer:
    """A whole answer made from a short reply, with usage counted from bytes."""
    parts = _parts(reply, turn)
    stop: StopReason = "tools" if any(isinstance(p, RawCall) for p in parts) else "end"
    said = sum(len(str(part)) for part in parts)
    usage = Usage(
        input=_heard(request),
        output=min(request.max_output_tokens, -(-said // _BYTES_PER_TOKEN)),
    )
    return ModelAnswer(parts=parts, stop=stop, usage=usage, model=request.model)


def _heard(request: ModelRequest) -> int:
    """Tokens of a request's input, by the rule of thumb."""
    heard = sum(
        len(part.model_dump_json()) for message in request.messages for part in message.parts
    )
    return -(-(heard + len(request.system)) // _BYTES_PER_TOKEN)


def _parts(reply: object, turn: int) -> tuple[RawPart, ...]:
    items = reply if isinstance(reply, list | tuple) else [reply]
    parts: list[RawPart] = []
    for item in items:
        if isinstance(item, str):
            parts.append(RawText(item))
        elif isinstance(item, Mapping):
            for tool, arguments in item.items():
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)
                parts.append(RawCall(f"call_{turn}_{len(parts)}", str(tool), text))
        else:
            raise TypeError(f"a scripted reply is text, a mapping or a list of these, not {item!r}")
    return tuple(parts)


def _stream(answer: ModelAnswer, emit: Callable[[Delta], None]) -> None:
    for index, part in enumerate(answer.parts):
        if isinstance(part, RawText):
            for piece in _WORDS.findall(part.text):
                emit(Delta(index, "text", piece))
        elif isinstance(part, RawCall):
            emit(Delta(index, "call", part.arguments, part.tool, part.provider_id))
