"""What Anthropic tells of its models, judged by the official SDK's own type."""

import json

import pytest
from anthropic.types import ModelInfo

from remit.errors import ProviderError
from remit.values.model import ModelCard, ModelStage
from remit.wire.anthropic.model_card import card_path, decode_card, decode_list, encode_card


@pytest.mark.parametrize("stage", ["active", "deprecated", "retired"])
def test_the_sdk_reads_our_cards(stage: ModelStage) -> None:
    card = ModelCard(name="claude-x", stage=stage, ends="2027-01-01T00:00:00Z")
    read = ModelInfo.model_validate_json(encode_card(card))
    assert (read.id, read.lifecycle) == ("claude-x", stage)
    assert read.retires_at is not None
    assert decode_card(encode_card(card)) == card


def test_what_older_and_newer_servers_tell() -> None:
    old = {"type": "model", "id": "claude-x", "display_name": "X", "created_at": "…"}
    assert decode_card(json.dumps(old).encode()) == ModelCard(name="claude-x")
    new = {**old, "lifecycle": "sleeping", "retires_at": None}
    assert decode_card(json.dumps(new).encode()).stage == "active"
    assert (
        decode_list(json.dumps({"data": [old, old]}).encode()) == (ModelCard(name="claude-x"),) * 2
    )


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"id":3}', b"no"])
def test_what_is_no_card_is_malformed(body: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        decode_card(body)
    assert caught.value.kind == "malformed"


def test_names_are_quoted_in_paths() -> None:
    assert card_path("a/../b?c") == "/v1/models/a%2F..%2Fb%3Fc"
