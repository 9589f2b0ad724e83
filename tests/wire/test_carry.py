"""A conversation goes on with another provider, and what cannot go along is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from remit.values.clean import Clean
from remit.values.message import Message, Origin, ThinkingPart
from remit.values.model import ModelRequest
from remit.wire.anthropic.codec import ANTHROPIC
from remit.wire.carry import carried
from remit.wire.codec import Codec
from remit.wire.gemini.codec import GEMINI
from remit.wire.openai_chat.codec import OPENAI_CHAT, chat_codec
from remit.wire.openai_chat.dialect import COMPATIBLE
from remit.wire.openai_responses.codec import OPENAI_RESPONSES
from tests.wire.anthropic.turns import answered, called, request, said

OLLAMA = chat_codec(replace(COMPATIBLE, provider="ollama"))
CODECS = (ANTHROPIC, GEMINI, OPENAI_CHAT, OPENAI_RESPONSES, OLLAMA)


def thought(maker: str, *, signature: str = "", redacted: str = "", item: str = "") -> ThinkingPart:
    return ThinkingPart(
        text=Clean.vouch("" if redacted else "hm"),
        signature=signature,
        redacted=redacted,
        item=item,
        origin=Origin(kind="model", name=maker),
    )


def talk(*thoughts: ThinkingPart) -> ModelRequest:
    turn = Message(role="assistant", parts=(*thoughts, *called().parts))
    return replace(request(said("a"), turn, answered("b")), model="gpt-6-sol")


SIGNED = thought("anthropic:claude-sonnet-5", signature="c2ln")
HIDDEN = thought("anthropic:claude-sonnet-5", redacted="eHl6")
ITEM = thought("openai:gpt-6-sol", redacted="gAAAA", item="rs_1")
GOOGLE = thought("gemini:gemini-3-flash-preview", redacted="c2ln")
PLAIN = thought("groq:llama-4")
ALL = (SIGNED, HIDDEN, ITEM, GOOGLE, PLAIN)

KEPT: list[tuple[Codec, tuple[ThinkingPart, ...], tuple[str, ...]]] = [
    (
        ANTHROPIC,
        (SIGNED, HIDDEN),
        (
            "signed reasoning of openai:gpt-6-sol (1)",
            "signed reasoning of gemini:gemini-3-flash-preview (1)",
            "reasoning of groq:llama-4 (1)",
        ),
    ),
    (
        OPENAI_RESPONSES,
        (ITEM,),
        (
            "signed reasoning of anthropic:claude-sonnet-5 (2)",
            "signed reasoning of gemini:gemini-3-flash-preview (1)",
            "reasoning of groq:llama-4 (1)",
        ),
    ),
    (
        GEMINI,
        (GOOGLE, PLAIN),
        (
            "signed reasoning of anthropic:claude-sonnet-5 (2)",
            "signed reasoning of openai:gpt-6-sol (1)",
        ),
    ),
    (
        OPENAI_CHAT,
        (),
        (
            "signed reasoning of anthropic:claude-sonnet-5 (2)",
            "signed reasoning of openai:gpt-6-sol (1)",
            "signed reasoning of gemini:gemini-3-flash-preview (1)",
            "reasoning of groq:llama-4 (1)",
        ),
    ),
    (
        OLLAMA,
        (PLAIN,),
        (
            "signed reasoning of anthropic:claude-sonnet-5 (2)",
            "signed reasoning of openai:gpt-6-sol (1)",
            "signed reasoning of gemini:gemini-3-flash-preview (1)",
        ),
    ),
]


@pytest.mark.requirement("PROV-1")
@pytest.mark.parametrize(("codec", "kept", "left"), KEPT)
def test_reasoning_goes_to_those_who_can_read_it(
    codec: Codec, kept: tuple[ThinkingPart, ...], left: tuple[str, ...]
) -> None:
    found, named = carried(talk(*ALL), codec.provider, codec.takes)
    thoughts = [part for part in found.messages[1].parts if isinstance(part, ThinkingPart)]
    assert tuple(thoughts) == kept
    assert named == left


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: str(codec.provider))
def test_what_is_left_behind_is_what_is_not_sent(codec: Codec) -> None:
    found, _ = carried(talk(*ALL), codec.provider, codec.takes)
    back = codec.decode_request(codec.encode_request(found), Clean.vouch)
    sent = [part for message in back.messages for part in message.parts]
    kept = [part for part in found.messages[1].parts if isinstance(part, ThinkingPart)]
    assert sum(isinstance(part, ThinkingPart) for part in sent) == len(kept)


@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: str(codec.provider))
def test_a_conversation_begun_elsewhere_goes_on_everywhere(codec: Codec) -> None:
    found, _ = carried(talk(*ALL), codec.provider, codec.takes)
    back = codec.decode_request(codec.encode_request(found), Clean.vouch)
    first, second, third = back.messages
    assert first.text == "a"
    assert [(call.tool, call.arguments) for call in second.calls] == [("find", "{}")]
    assert [part.kind for part in third.parts] == ["result"]


def test_nothing_is_copied_where_everything_goes_along() -> None:
    takes: Callable[[ThinkingPart], bool] = ANTHROPIC.takes
    given = talk(SIGNED, thought("", signature="own"))
    assert carried(given, "anthropic", takes) == (given, ())
    assert carried(given, "anthropic", takes)[0] is given
