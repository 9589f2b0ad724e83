"""An upper bound of the tokens a request costs as input, from the bytes it is made of.

Byte-level tokenizers make at least one byte of every token, so bytes bound tokens from above, for
every model and without asking one. What a provider adds on its own is counted as frames:

- Text may be normalised before it is cut into tokens (NFKC makes 33 bytes of three at worst), so
  the longer of both forms counts.
- Arguments are JSON with us, but may be rendered otherwise: `{"a":1}` as one tagged line a
  parameter. Its shortest member, `"a":1,`, has 6 bytes and became about 20 tokens: factor 4.
- Schemas may be rendered with indentation: factor 2.
- Signed thinking counts with its signature: where the text is withheld or summarised, the whole
  of it travels in there, encrypted, and base 64 is longer than what it holds.
- Images are scaled down to a size with a price of its own: see `IMAGE_TOKENS`. A page of a PDF is
  read as text and as an image.
"""

import unicodedata
from collections.abc import Iterable
from typing import assert_never

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
from remit.values.model import ModelRequest, ToolSchema

# Markers of role and turn are under 10 tokens a message with every provider that documents them.
MESSAGE_FRAME = 16
# Tags around a call or result, its id's own markers, an error flag: under 40 in published forms.
PART_FRAME = 64
TOOL_FRAME = 64
# The hidden instructions for tool use: Anthropic documents at most 804 tokens; room for the next.
TOOLS_FRAME = 2048
REQUEST_FRAME = 64
# The most an image costs, whatever its size, by the published rules: Anthropic's width x height /
# 750 ends at 4,784; OpenAI's tiles at 1,445 and its patches at 10,000; Gemini's 258 a tile at
# about 2,300. (gpt-4o-mini asks 2,833 + 5,667 a tile, so its codec sends low detail.)
IMAGE_TOKENS = 12_000
# A page is at most 3,000 tokens of text by Anthropic's published range, and an image besides of
# at most 4,784 (a page does not fill OpenAI's largest budget).
PAGE_TOKENS = 12_000
_ARGUMENTS_FACTOR = 4
_SCHEMA_FACTOR = 2


def text_bound(text: str) -> int:
    """Tokens of a text at most."""
    if text.isascii():
        return len(text)
    normal = unicodedata.normalize("NFKC", text)
    # A lone surrogate is sent as U+FFFD, which has as many bytes.
    return max(len(form.encode("utf-8", "surrogatepass")) for form in (text, normal))


def part_bound(part: Part) -> int:
    """Tokens of a part of a message at most, its frame included."""
    match part:
        case TextPart():
            return PART_FRAME + text_bound(part.text)
        case ThinkingPart():
            held = len(part.signature) + len(part.redacted) + len(part.item)
            return PART_FRAME + text_bound(part.text) + held
        case CallPart():
            names = text_bound(part.provider_id or part.call) + text_bound(part.tool)
            return PART_FRAME + names + _ARGUMENTS_FACTOR * text_bound(part.arguments)
        case ResultPart():
            return PART_FRAME + text_bound(part.provider_id or part.call) + text_bound(part.text)
        case ImagePart():
            return PART_FRAME + IMAGE_TOKENS
        case DocumentPart():
            held = part.pages * PAGE_TOKENS if part.pages else part.size
            return PART_FRAME + text_bound(part.name) + held
        case never:
            assert_never(never)


def message_bound(message: Message) -> int:
    """Tokens of a message at most."""
    return MESSAGE_FRAME + sum(part_bound(part) for part in message.parts)


def tools_bound(tools: Iterable[ToolSchema]) -> int:
    """Tokens of all tools at most, with the instructions providers add for them."""
    sizes = [
        TOOL_FRAME
        + text_bound(tool.name)
        + text_bound(tool.description)
        + _SCHEMA_FACTOR * text_bound(tool.schema_json)
        for tool in tools
    ]
    return TOOLS_FRAME + sum(sizes) if sizes else 0


def input_bound(request: ModelRequest) -> int:
    """Tokens of a whole request at most. Sum the parts yourself where a conversation grows."""
    return (
        REQUEST_FRAME
        + text_bound(request.system)
        + tools_bound(request.tools)
        + sum(message_bound(message) for message in request.messages)
    )
