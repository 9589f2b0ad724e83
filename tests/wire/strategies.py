"""Requests, answers and chunkings that property tests of every codec draw from."""

from collections.abc import Iterable
from itertools import pairwise

from hypothesis import strategies as st

from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import (
    CallPart,
    Message,
    Origin,
    Part,
    ResultPart,
    TextPart,
    ThinkingPart,
)
from remit.values.model import (
    ModelAnswer,
    ModelRequest,
    RawCall,
    RawPart,
    RawText,
    RawThinking,
    ToolSchema,
)
from remit.values.usage import Usage
from remit.wire.jsontext import Json, Number, write

USER = Origin(kind="user")
MODEL = Origin(kind="model")

texts = st.text(max_size=40)
spoken = texts.filter(str.strip)
titles = st.just("") | st.from_regex(r"[a-z]{1,8}\.(pdf|txt)", fullmatch=True)
lexemes = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,5})?", fullmatch=True
)
tool_names = st.from_regex(r"[a-zA-Z0-9_-]{1,20}", fullmatch=True)
counts = st.integers(0, 10**9)

json_values: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | texts | lexemes.map(Number),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
json_objects = st.dictionaries(texts, json_values, max_size=4).map(write)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Counts as Anthropic tells them; others leave out what they do not know."""
    read, written, plain = draw(counts), draw(counts), draw(counts)
    output = draw(counts)
    return Usage(
        input=plain + read + written,
        output=output,
        cache_read=read,
        cache_write=written,
        cache_write_1h=draw(st.integers(0, written)),
        reasoning=draw(st.integers(0, output)),
    )


raw_parts: st.SearchStrategy[RawPart] = st.one_of(
    st.builds(RawText, texts),
    st.builds(RawThinking, texts, texts),
    st.builds(lambda data: RawThinking("", redacted=data), texts.filter(bool)),
    st.builds(RawCall, texts, tool_names, json_objects),
)

answers = st.builds(
    ModelAnswer,
    parts=st.lists(raw_parts, max_size=5).map(tuple),
    stop=st.sampled_from(["end", "tools", "max_tokens", "stop_sequence", "refusal", "pause"]),
    usage=usages(),
    model=texts,
    provider_id=texts,
    service_tier=st.sampled_from(["", "standard", "priority"]),
)

tools = st.builds(ToolSchema, tool_names, texts, json_objects)


# Two PDFs whose pages are counted, and one whose are not.
PDFS = (
    b"%PDF-1.4 /Type /Pages /Count 3 /Type /Page",
    b"%PDF-1.7 /Type/Page /Type/Page",
    b"%PDF-1.5 locked",
)


@st.composite
def media(draw: st.DrawFn, found: dict[str, bytes]) -> Part:
    """An image or a document; its bytes are left in `found`."""
    part: Part
    match draw(st.integers(0, 2)):
        case 0:
            content = draw(st.binary(max_size=20))
            types = ["image/png", "image/jpeg", "image/gif", "image/webp"]
            part = image(content, draw(st.sampled_from(types)), USER)
        case 1:
            content = draw(st.sampled_from(PDFS))
            part = document(content, PDF, USER, Clean.vouch(draw(titles)))
        case _:
            content = draw(spoken).encode("utf-8", "replace")
            part = document(content, "text/plain", USER, Clean.vouch(draw(titles)))
    found[part.digest] = content
    return part


@st.composite
def conversations(draw: st.DrawFn, found: dict[str, bytes]) -> tuple[Message, ...]:
    """Turns in the form the wire keeps: roles alternate, results come first and answer calls."""
    messages: list[Message] = []
    open_calls: list[CallPart] = []
    number = 0
    for _ in range(draw(st.integers(1, 3))):
        parts: list[Part] = [_result(draw, call) for call in open_calls]
        said = draw(st.lists(spoken, min_size=0 if parts else 1, max_size=2))
        parts.extend(TextPart(text=Clean.vouch(text), origin=USER) for text in said)
        parts.extend(draw(st.lists(media(found), max_size=2)))
        messages.append(Message(role="user", parts=tuple(parts)))
        replies = [_reply(draw, number + index) for index in range(draw(st.integers(1, 3)))]
        number += len(replies)
        messages.append(Message(role="assistant", parts=tuple(replies)))
        open_calls = [part for part in replies if isinstance(part, CallPart)]
    ends_with_user: bool = draw(st.booleans())
    if open_calls or ends_with_user:
        results: list[Part] = [_result(draw, call) for call in open_calls]
        if not results:
            results.append(TextPart(text=Clean.vouch(draw(spoken)), origin=USER))
        messages.append(Message(role="user", parts=tuple(results)))
    return tuple(messages)


def _result(draw: st.DrawFn, call: CallPart) -> ResultPart:
    return ResultPart(
        call=call.call,
        provider_id=call.provider_id,
        tool=call.tool,
        text=Clean.vouch(draw(texts)),
        is_error=draw(st.booleans()),
        origin=Origin(kind="tool", name=call.tool),
    )


def _reply(draw: st.DrawFn, number: int) -> Part:
    match draw(st.integers(0, 3)):
        case 0:
            return TextPart(text=Clean.vouch(draw(spoken)), origin=MODEL)
        case 1:
            return ThinkingPart(
                text=Clean.vouch(draw(texts)), signature=draw(texts.filter(bool)), origin=MODEL
            )
        case 2:
            return ThinkingPart(
                text=Clean.vouch(""), redacted=draw(texts.filter(bool)), origin=MODEL
            )
        case _:
            return CallPart(
                call=f"toolu_{number}",
                provider_id=f"toolu_{number}",
                tool=draw(tool_names),
                arguments=Clean.vouch(draw(json_objects)),
                origin=MODEL,
            )


@st.composite
def requests(draw: st.DrawFn) -> ModelRequest:
    limit = draw(st.integers(2000, 100_000))
    model, thinking = draw(
        st.sampled_from(
            [
                ("claude-sonnet-4-5-20250929", 0),
                ("claude-sonnet-4-5-20250929", 1024),
                ("claude-sonnet-5", 0),
                ("claude-sonnet-5", limit),
            ]
        )
    )
    found: dict[str, bytes] = {}
    return ModelRequest(
        model=model,
        system=draw(st.just("") | spoken),
        messages=draw(conversations(found)),
        tools=tuple(draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name))),
        max_output_tokens=limit,
        thinking_tokens=thinking,
        effort=draw(st.none() | st.sampled_from(["low", "medium", "high", "xhigh", "max"])),
        output_schema=draw(st.just("") | json_objects),
        media=found,
        stream=draw(st.booleans()),
    )


def cut(body: bytes, places: Iterable[int]) -> list[bytes]:
    """A body in chunks, cut at the given places."""
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


cuts = st.lists(st.integers(0, 10**6), max_size=20)
