"""What the Gemini API tells of its models, judged by Google's own type."""

import json

import pytest
from google.genai import types

from remit.errors import ProviderError
from remit.values.model import ModelCard
from remit.wire.gemini.model_card import card_path, decode_card, decode_list, encode_card


def test_the_sdk_reads_our_cards() -> None:
    card = ModelCard(name="gemini-3-pro")
    told = json.loads(encode_card(card))
    assert told.pop("supportedGenerationMethods") == ["generateContent"]  # the SDK renames it
    read = types.Model.model_validate(told)
    assert (read.name, read.display_name) == ("models/gemini-3-pro", "gemini-3-pro")
    assert decode_card(encode_card(card)) == card
    page = json.dumps({"models": [json.loads(encode_card(card))]}).encode()
    assert decode_list(page) == (card,)


def test_what_is_no_card_is_malformed() -> None:
    with pytest.raises(ProviderError) as caught:
        decode_card(b"{}")
    assert caught.value.kind == "malformed"


def test_tuned_models_have_a_collection_of_their_own() -> None:
    assert card_path("gemini-3-pro") == "/v1beta/models/gemini-3-pro"
    assert card_path("tunedModels/a b") == "/v1beta/tunedModels/a%20b"
