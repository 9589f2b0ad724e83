"""Requests and answers in the form that Responses keeps, for property tests."""

from hypothesis import strategies as st

from remit.values.clean import Clean
from remit.values.message import Part, ThinkingPart
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawPart, RawText, RawThinking
from tests.wire.openai_chat.shapes import EFFORTS, called, conversations, said, usages
from tests.wire.strategies import MODEL, json_objects, spoken, texts, tool_names, tools

hidden = texts.filter(bool)
shown = texts.filter(bool)


@st.composite
def thoughts(draw: st.DrawFn, item: str) -> list[RawThinking]:
    """Reasoning of one id: encrypted with summaries, plain, or a summary that cannot go back."""
    match draw(st.integers(0, 2)):
        case 0:
            summary = draw(st.lists(shown, max_size=3)) or [""]
            encrypted = draw(hidden)
            return [
                RawThinking(text, redacted="" if number else encrypted, item=item)
                for number, text in enumerate(summary)
            ]
        case 1:
            return [RawThinking(text, item=item) for text in draw(st.lists(texts, min_size=1))]
        case _:
            return [RawThinking(draw(shown))]


@st.composite
def response_answers(draw: st.DrawFn) -> ModelAnswer:
    """Parts in any order; the stop reason says what they say."""
    parts: list[RawPart] = []
    for number in range(draw(st.integers(0, 4))):
        match draw(st.integers(0, 2)):
            case 0:
                parts.append(RawText(draw(texts)))
            case 1:
                parts.append(RawCall(draw(texts), draw(tool_names), draw(json_objects)))
            case _:
                parts.extend(draw(thoughts(f"rs_{number}")))
    calls = any(isinstance(part, RawCall) for part in parts)
    return ModelAnswer(
        parts=tuple(parts),
        stop=draw(st.sampled_from(["tools" if calls else "end", "max_tokens", "refusal"])),
        usage=draw(usages(hours=True)),
        model=draw(texts),
        provider_id=draw(texts),
        service_tier=draw(st.sampled_from(["", "default", "flex"])),
    )


@st.composite
def replies(draw: st.DrawFn) -> list[Part]:
    """A model's turn: reasoning, texts and calls in any order."""
    parts: list[Part] = []
    for number in range(draw(st.integers(1, 3))):
        match draw(st.integers(0, 2)):
            case 0:
                parts.append(draw(said))
            case 1:
                parts.append(draw(called))
            case _:
                found = draw(thoughts(f"rs_{number}").filter(lambda given: bool(given[0].item)))
                parts.extend(
                    ThinkingPart(
                        text=Clean.vouch(each.text),
                        redacted=each.redacted,
                        item=each.item,
                        origin=MODEL,
                    )
                    for each in found
                )
    return parts


@st.composite
def response_requests(draw: st.DrawFn) -> ModelRequest:
    """Requests as the wire keeps them."""
    found: dict[str, bytes] = {}
    return ModelRequest(
        model=draw(st.sampled_from(["gpt-6-sol", "gpt-4o-2024-11-20"])),
        system=draw(st.just("") | spoken),
        messages=draw(conversations(found, replies())),
        tools=tuple(draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name))),
        max_output_tokens=draw(st.integers(16, 100_000)),
        effort=draw(st.none() | st.sampled_from(EFFORTS)),
        output_schema=draw(st.just("") | json_objects),
        media=found,
        stream=draw(st.booleans()),
    )
