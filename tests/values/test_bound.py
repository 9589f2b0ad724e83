"""The bound of input tokens holds against every way to count them that is known here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.values.bound import (
    IMAGE_TOKENS,
    MESSAGE_FRAME,
    PAGE_TOKENS,
    PART_FRAME,
    REQUEST_FRAME,
    TOOL_FRAME,
    TOOLS_FRAME,
    input_bound,
    message_bound,
    part_bound,
    text_bound,
    tools_bound,
)
from remit.values.clean import Clean
from remit.values.media import PDF, document, image
from remit.values.message import CallPart, Message, Origin, ResultPart, TextPart, ThinkingPart
from remit.values.model import ModelRequest, ToolSchema

clean = Clean.vouch
MODEL = Origin(kind="model")
USER = Origin(kind="user")
TOOL = ToolSchema("find", "Finds", '{"type":"object"}')


def text(words: str) -> TextPart:
    return TextPart(text=clean(words), origin=USER)


@given(st.text(st.characters(exclude_categories=())))
def test_no_token_is_shorter_than_a_byte(words: str) -> None:
    assert text_bound(words) >= len(words.encode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("words", "bound"),
    [("", 0), ("abc", 3), ("äöü", 6), ("😀", 4), ("\ud83d", 3), ("\ufdfa", 33)],
)
def test_texts(words: str, bound: int) -> None:
    assert text_bound(words) == bound


def test_parts_count_everything_that_is_sent() -> None:
    call = CallPart(call="c1", tool="find", arguments=clean('{"a":1}'), origin=MODEL)
    assert part_bound(text("abc")) == PART_FRAME + 3
    assert part_bound(call) == PART_FRAME + 2 + 4 + 4 * 7
    named = call.model_copy(update={"provider_id": "toolu_1"})
    assert part_bound(named) == PART_FRAME + 7 + 4 + 4 * 7
    signed = ThinkingPart(text=clean("hm"), signature="x" * 10, origin=MODEL)
    assert part_bound(signed) == PART_FRAME + 12
    hidden = ThinkingPart(text=clean(""), redacted="x" * 10, origin=MODEL)
    assert part_bound(hidden) == PART_FRAME + 10
    assert part_bound(hidden.model_copy(update={"item": "rs_1"})) == PART_FRAME + 14
    result = ResultPart(call="c1", tool="find", text=clean("ok"), origin=MODEL)
    assert part_bound(result) == PART_FRAME + 2 + 2
    assert part_bound(result.model_copy(update={"provider_id": "toolu_1"})) == PART_FRAME + 7 + 2


@pytest.mark.requirement("BUD-7")
def test_a_request_is_the_sum_of_its_parts() -> None:
    one = Message(role="user", parts=(text("abc"), text("d")))
    assert message_bound(one) == MESSAGE_FRAME + 2 * PART_FRAME + 4
    assert tools_bound([]) == 0
    assert tools_bound([TOOL]) == TOOLS_FRAME + TOOL_FRAME + 4 + 5 + 2 * 17
    request = ModelRequest(
        model="m", system="Be kind.", messages=(one, one), tools=(TOOL,), max_output_tokens=1
    )
    assert input_bound(request) == (
        REQUEST_FRAME + 8 + tools_bound([TOOL]) + 2 * message_bound(one)
    )


def test_images_cost_the_same_whatever_their_size() -> None:
    assert part_bound(image(b"x" * 10**6, "image/png", USER)) == PART_FRAME + IMAGE_TOKENS


def anthropic_tokens(width: int, height: int) -> int:
    scale = min(1.0, 2576 / max(width, height))
    return min(4784, int(width * scale * height * scale / 750))


def openai_tiles(width: int, height: int) -> int:
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    tiles = -(-int(width * scale) // 512) * -(-int(height * scale) // 512)
    return 85 + 170 * tiles


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_no_published_rule_asks_more_for_an_image(width: int, height: int) -> None:
    patches = min(10_000, -(-width // 32) * -(-height // 32))
    least = max(anthropic_tokens(width, height), openai_tiles(width, height), patches)
    assert least <= IMAGE_TOKENS


def test_documents_cost_by_page_or_by_byte() -> None:
    letter = document(b"%PDF /Count 3", PDF, USER, clean("letter"))
    assert part_bound(letter) == PART_FRAME + 6 + 3 * PAGE_TOKENS
    assert part_bound(document(b"hello", "text/plain", USER)) == PART_FRAME + 5
    assert part_bound(document("\ufdfa".encode(), "text/plain", USER)) == PART_FRAME + 33
