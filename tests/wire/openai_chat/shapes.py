"""Requests and answers in the form that Chat Completions keeps, for property tests."""

from hypothesis import strategies as st

from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import CallPart, Message, Origin, Part, ResultPart, TextPart, ThinkingPart
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawPart, RawText, RawThinking
from remit.values.usage import Usage
from tests.wire.strategies import (
    MODEL,
    PDFS,
    USER,
    counts,
    json_objects,
    spoken,
    texts,
    titles,
    tool_names,
    tools,
)

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")


@st.composite
def usages(draw: st.DrawFn, *, hours: bool = False) -> Usage:
    """Counts as OpenAI tells them; only Responses tells of caches that last for hours."""
    read, written, plain, output = draw(counts), draw(counts), draw(counts), draw(counts)
    return Usage(
        input=plain + read + written,
        output=output,
        cache_read=read,
        cache_write=written,
        cache_write_1h=draw(st.integers(0, written)) if hours else 0,
        reasoning=draw(st.integers(0, output)),
    )


@st.composite
def chat_answers(draw: st.DrawFn) -> ModelAnswer:
    """At most one thought and one text, then calls; the stop reason says what they say."""
    parts: list[RawPart] = []
    if draw(st.booleans()):
        parts.append(RawThinking(draw(texts.filter(bool))))
    if draw(st.booleans()):
        parts.append(RawText(draw(texts.filter(bool))))
    calls = draw(st.lists(st.builds(RawCall, texts, tool_names, json_objects), max_size=3))
    parts.extend(calls)
    return ModelAnswer(
        parts=tuple(parts),
        stop=draw(st.sampled_from(["tools" if calls else "end", "max_tokens", "refusal"])),
        usage=draw(usages()),
        model=draw(texts),
        provider_id=draw(texts),
        service_tier=draw(st.sampled_from(["", "default", "priority"])),
    )


@st.composite
def shown(draw: st.DrawFn, found: dict[str, bytes]) -> Part:
    """A text, an image or a document; bytes are left in `found`."""
    part: Part
    match draw(st.integers(0, 3)):
        case 0:
            content = draw(st.binary(max_size=20))
            types = ["image/png", "image/jpeg", "image/gif", "image/webp"]
            part = image(content, draw(st.sampled_from(types)), USER)
        case 1:
            content = draw(st.sampled_from(PDFS))
            part = document(content, PDF, USER, Clean.vouch(draw(titles)))
        case 2:
            content = draw(st.binary(max_size=20))
            media_type = draw(st.sampled_from(["text/plain", "text/csv"]))
            part = document(content, media_type, USER, Clean.vouch(draw(titles)))
        case _:
            return TextPart(text=Clean.vouch(draw(spoken)), origin=USER)
    found[part.digest] = content
    return part


@st.composite
def conversations(
    draw: st.DrawFn, found: dict[str, bytes], replies: st.SearchStrategy[list[Part]]
) -> tuple[Message, ...]:
    """Turns in the form the wire keeps: roles alternate, results come first and answer calls."""
    messages: list[Message] = []
    number = 0
    for _ in range(draw(st.integers(0, 3))):
        before = messages[-1].calls if messages else ()
        parts: list[Part] = [_result(draw, call) for call in before]
        parts.extend(draw(st.lists(shown(found), min_size=0 if parts else 1, max_size=3)))
        messages.append(Message(role="user", parts=tuple(parts)))
        said = draw(replies)
        renamed: list[Part] = []
        for part in said:
            number += 1
            if isinstance(part, CallPart):
                name = f"call_{number}"
                renamed.append(part.model_copy(update={"call": name, "provider_id": name}))
            else:
                renamed.append(part)
        messages.append(Message(role="assistant", parts=tuple(renamed)))
    last: list[Part] = [_result(draw, call) for call in (messages[-1].calls if messages else ())]
    if not last:
        last.append(TextPart(text=Clean.vouch(draw(spoken)), origin=USER))
    return (*messages, Message(role="user", parts=tuple(last)))


def _result(draw: st.DrawFn, call: CallPart) -> ResultPart:
    return ResultPart(
        call=call.call,
        provider_id=call.provider_id,
        tool=call.tool,
        text=Clean.vouch(draw(texts)),
        is_error=draw(st.booleans()),
        origin=Origin(kind="tool", name=call.tool),
    )


called = st.builds(
    lambda tool, arguments: CallPart(
        call="", tool=tool, arguments=Clean.vouch(arguments), origin=MODEL
    ),
    tool_names,
    json_objects,
)
said = st.builds(lambda text: TextPart(text=Clean.vouch(text), origin=MODEL), spoken)
thought = st.builds(
    lambda text: ThinkingPart(text=Clean.vouch(text), origin=MODEL), texts.filter(bool)
)


@st.composite
def replies(draw: st.DrawFn, *, thinks: bool) -> list[Part]:
    """A model's turn: perhaps a thought, texts, then calls."""
    parts: list[Part] = []
    if thinks:
        parts.extend(draw(st.lists(thought, max_size=1)))
    spoken_parts = draw(st.lists(said, max_size=2))
    calls = draw(st.lists(called, min_size=0 if spoken_parts else 1, max_size=3))
    return [*parts, *spoken_parts, *calls]


@st.composite
def chat_requests(draw: st.DrawFn, *, thinks: bool = False) -> ModelRequest:
    """Requests as the wire keeps them; only compatible servers are sent reasoning."""
    found: dict[str, bytes] = {}
    stream: bool = draw(st.booleans())
    return ModelRequest(
        model=draw(st.sampled_from(["gpt-6-sol", "gpt-4o-2024-11-20", "llama-4"])),
        system=draw(st.just("") | spoken),
        messages=draw(conversations(found, replies(thinks=thinks))),
        tools=tuple(draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name))),
        max_output_tokens=draw(st.integers(1, 100_000)),
        effort=draw(st.none() | st.sampled_from(EFFORTS)),
        output_schema=draw(st.just("") | json_objects),
        media=found,
        stream=stream,
        stream_usage=not stream or draw(st.booleans()),
    )
