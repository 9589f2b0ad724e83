"""What OpenAI and compatible servers tell of their models, judged by the official SDK's type."""

import json
from dataclasses import replace

import pytest
from openai.types import Model

from remit.errors import ProviderError
from remit.values.model import ModelCard
from remit.wire.openai.address import OPENAI
from remit.wire.openai.model_card import decode_card, decode_list, encode_card, looking_at

CARDS = (
    ModelCard(name="gpt-5"),
    ModelCard(name="gpt-5", stage="deprecated", ends="2027-01-01"),
    ModelCard(name="gpt-5", stage="retired", ends="2026-01-01"),
    ModelCard(name="gpt-5", stage="retired"),
)


@pytest.mark.parametrize("card", CARDS)
def test_the_sdk_reads_our_cards(card: ModelCard) -> None:
    read = Model.model_validate_json(encode_card(card))
    assert (read.id, read.shutdown_date or "") == (card.name, card.ends)
    assert decode_card(encode_card(card)) == card


def test_lists_come_in_two_forms() -> None:
    rows = [{"id": "a", "active": True}, {"id": "b", "deprecation": "2027-05-01T00:00:00Z"}]
    cards = (
        ModelCard(name="a"),
        ModelCard(name="b", stage="deprecated", ends="2027-05-01T00:00:00Z"),
    )
    assert decode_list(json.dumps({"object": "list", "data": rows}).encode()) == cards
    assert decode_list(json.dumps(rows).encode()) == cards
    with pytest.raises(ProviderError) as caught:
        decode_list(b"{}")
    assert caught.value.kind == "malformed"


def test_places() -> None:
    own = looking_at(OPENAI)
    assert own.path("openai/gpt 5") == "/v1/models/openai/gpt%205"
    assert own.list_path == "/v1/models"
    assert own.knows
    azure = looking_at(
        replace(
            OPENAI,
            path="/openai/deployments/{model}/chat/completions",
            api_version="2024-10-21",
            key_header="api-key",
        )
    )
    assert azure.list_path == "/openai/models?api-version=2024-10-21"
    assert not azure.knows
