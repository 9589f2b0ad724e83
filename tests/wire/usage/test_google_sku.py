"""SKU descriptions name the model and the class of tokens, or are left as they are."""

import pytest

from remit.values.statement import OUTPUT, READ, UNCACHED
from remit.wire.usage.google_sku import Sku, describe, read_sku

# Descriptions as they stand in billing exports.
SEEN = {
    "Generate content input token count gemini 3.7 flash text": ("gemini-3.7-flash", UNCACHED),
    "Generate content cached input token count gemini 3.6 flash text": ("gemini-3.6-flash", READ),
    "Generate content output token count gemini 2.5 flash short output text non-thinking": (
        "gemini-2.5-flash",
        OUTPUT,
    ),
    "Generate content input token count gemini 2.5 flash lite long input text": (
        "gemini-2.5-flash-lite",
        UNCACHED,
    ),
    "Generate content input token count gemini 3.1 flash lite preview text": (
        "gemini-3.1-flash-lite",
        UNCACHED,
    ),
    "Generate_content text input token count for gemini 3 pro short": ("gemini-3-pro", UNCACHED),
    "Generate_content text cached input token count for gemini 3 pro short": (
        "gemini-3-pro",
        READ,
    ),
    "Generate_content text output token count for gemini 3 flash batch": (
        "gemini-3-flash",
        OUTPUT,
    ),
    "GenerateContent image input token count for Gemini 2.0 Flash": ("gemini-2.0-flash", UNCACHED),
    "Generate_content image output token count for Gemini 3 Pro Image": (
        "gemini-3-pro-image",
        OUTPUT,
    ),
    "Gemini 2.5 Flash GA Text Input - Predictions": ("gemini-2.5-flash", UNCACHED),
    "Gemini 2.5 Flash GA Thinking Text Output - Predictions": ("gemini-2.5-flash", OUTPUT),
    "Gemini 3.7 Flash Global Text Input - Predictions": ("gemini-3.7-flash", UNCACHED),
    "Gemini 3.1 Flash Image Text Output - Predictions": ("gemini-3.1-flash-image", OUTPUT),
    "Gemini 3 Flash Text Input Caching": ("gemini-3-flash", READ),
}
OTHER = {
    "Gemini 3 Flash Text Input Caching Storage": "gemini-3-flash",
    "Gemini 3 Flash provisioned throughput 1 month": "gemini-3-flash",
    "Grounding with Google Search on Gemini 3": "",
    "Generate content search query gemini 3 free": "",
    "Veo Generation 720p with Audio": "",
    "Imagen 4 fast Generation (output)": "",
    "Lyria 3 Audio Ouptut - Predictions": "",
}


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize("words", SEEN)
def test_descriptions_seen_in_exports(words: str) -> None:
    assert read_sku(words) == Sku(*SEEN[words])


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize("words", OTHER)
def test_what_is_about_something_else_has_no_class(words: str) -> None:
    assert read_sku(words) == Sku(OTHER[words], None)


@pytest.mark.parametrize("token_class", [UNCACHED, READ, OUTPUT])
def test_a_description_says_what_it_was_made_of(token_class: str) -> None:
    words = describe("gemini-2.5-flash-lite", token_class)
    found = read_sku(words)
    assert (found.model, found.token_class) == ("gemini-2.5-flash-lite", token_class)
