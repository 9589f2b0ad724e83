"""Conversations as a model is asked to continue them, for tests of scenarios."""

from remit.values.clean import Clean
from remit.values.message import CallPart, Message, Origin, Part, ResultPart, TextPart
from remit.values.model import ModelRequest, ToolSchema

USER = Origin(kind="user")
MODEL = Origin(kind="model")
clean = Clean.vouch


def user(*texts: str) -> Message:
    return Message(
        role="user", parts=tuple(TextPart(text=clean(text), origin=USER) for text in texts)
    )


def called(*calls: str, tool: str = "find") -> Message:
    parts = tuple(
        CallPart(call=call, provider_id=call, tool=tool, arguments=clean("{}"), origin=MODEL)
        for call in calls
    )
    return Message(role="assistant", parts=parts)


def answered(*results: tuple[str, str], tool: str = "find", note: str = "") -> Message:
    parts: list[Part] = [
        ResultPart(
            call=call,
            provider_id=call,
            tool=tool,
            text=clean(text),
            is_error=text.startswith("error"),
            origin=Origin(kind="tool", name=tool),
        )
        for call, text in results
    ]
    if note:
        parts.append(TextPart(text=clean(note), origin=USER))
    return Message(role="user", parts=tuple(parts))


def asked(
    *messages: Message,
    model: str = "claude-haiku-4-5-20251001",
    system: str = "",
    tools: tuple[str, ...] = (),
    limit: int = 1000,
    stream: bool = False,
) -> ModelRequest:
    return ModelRequest(
        model=model,
        system=system,
        messages=messages or (user("hello"),),
        tools=tuple(ToolSchema(name, "", '{"type":"object"}') for name in tools),
        max_output_tokens=limit,
        stream=stream,
    )
