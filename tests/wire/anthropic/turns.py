"""Turns of a conversation for tests of requests."""

from remit.values.clean import Clean
from remit.values.message import CallPart, Message, Origin, ResultPart, TextPart
from remit.values.model import ModelRequest, ToolSchema
from tests.wire.strategies import MODEL, USER

clean = Clean.vouch


def said(text: str, role: str = "user") -> Message:
    if role == "user":
        return Message(role="user", parts=(TextPart(text=clean(text), origin=USER),))
    return Message(role="assistant", parts=(TextPart(text=clean(text), origin=MODEL),))


def called(arguments: str = "{}", call: str = "c1", provider_id: str = "") -> Message:
    part = CallPart(
        call=call,
        provider_id=provider_id,
        tool="find",
        arguments=clean(arguments),
        origin=MODEL,
    )
    return Message(role="assistant", parts=(part,))


def answered(text: str, call: str = "c1", *, is_error: bool = False) -> Message:
    part = ResultPart(
        call=call,
        tool="find",
        text=clean(text),
        is_error=is_error,
        origin=Origin(kind="tool", name="find"),
    )
    return Message(role="user", parts=(part,))


def request(
    *messages: Message, tools: tuple[ToolSchema, ...] = (), system: str = ""
) -> ModelRequest:
    return ModelRequest(
        model="claude-sonnet-4-5-20250929",
        system=system,
        messages=messages or (said("hi"),),
        tools=tools,
        max_output_tokens=5000,
    )
