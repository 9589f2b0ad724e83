"""How much a model may think: each generation is told in its own way."""

import json

import pytest

from remit.errors import ProviderError
from remit.values.model import Effort
from remit.wire.gemini.thinking import (
    checks_signatures,
    decode_thinking,
    encode_thinking,
    version,
)
from remit.wire.node import Node
from tests.wire.gemini.turns import request

SHOWN = {"includeThoughts": True}


def told(model: str, tokens: int = 0, effort: Effort | None = None) -> object:
    given = request(model=model, thinking_tokens=tokens, effort=effort)
    config = encode_thinking(given)
    return None if config is None else json.loads(config)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gemini-2.5-pro", (2, 5)),
        ("gemini-3-pro-preview", (3, 0)),
        ("gemini-3.1-flash-lite", (3, 1)),
        ("tunedModels/gemini-3.8-flash", (3, 8)),
        ("gemini-flash-latest", (0, 0)),
        ("gemma-3-27b-it", (0, 0)),
    ],
)
def test_versions(model: str, expected: tuple[int, int]) -> None:
    assert version(model) == expected
    assert checks_signatures(model) is (expected >= (3, 0))


@pytest.mark.parametrize("model", ["gemini-2.5-pro", "gemini-3-pro", "other"])
def test_a_model_is_left_to_itself(model: str) -> None:
    assert told(model) is None


@pytest.mark.parametrize(
    ("model", "tokens", "effort", "expected"),
    [
        ("gemini-2.5-pro", 500, None, SHOWN | {"thinkingBudget": 500}),
        ("gemini-2.5-pro", 99_999, "low", SHOWN | {"thinkingBudget": 32_768}),
        ("gemini-2.5-flash", 1, None, SHOWN | {"thinkingBudget": 1}),
        ("gemini-2.5-flash", 0, "none", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", 0, "none", {"thinkingBudget": 128}),
        ("gemini-2.5-flash", 0, "low", {"thinkingBudget": 1024}),
        ("gemini-2.5-flash", 0, "max", {"thinkingBudget": 2500}),
        ("gemini-2.5-nano", 0, "low", {"thinkingBudget": 1024}),
        ("gemini-2.0-flash", 500, None, None),
        ("gemini-3-pro-preview", 1000, None, SHOWN | {"thinkingLevel": "LOW"}),
        ("gemini-3-pro-preview", 8192, None, SHOWN | {"thinkingLevel": "MEDIUM"}),
        ("gemini-3-pro-preview", 99_999, None, SHOWN | {"thinkingLevel": "HIGH"}),
        ("gemini-3-pro-preview", 0, "none", {"thinkingLevel": "LOW"}),
        ("gemini-3.6-flash", 0, "minimal", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.7-flash", 0, "minimal", {"thinkingLevel": "LOW"}),
        ("gemini-3.8-flash", 99, "max", SHOWN | {"thinkingLevel": "HIGH"}),
        ("other", 500, "low", SHOWN | {"thinkingBudget": 500}),
        ("other", 0, "medium", {"thinkingLevel": "MEDIUM"}),
    ],
)
def test_budgets_and_levels(
    model: str, tokens: int, effort: Effort | None, expected: object
) -> None:
    assert told(model, tokens, effort) == expected


@pytest.mark.parametrize(
    ("model", "least"), [("gemini-2.5-pro", 128), ("gemini-2.5-flash-lite", 512)]
)
def test_a_budget_below_what_the_model_takes(model: str, least: int) -> None:
    with pytest.raises(ProviderError, match=rf"thinking_tokens=50: {model} takes at least {least}"):
        told(model, 50)


def read(config: dict[str, object] | None) -> tuple[int, Effort | None]:
    node = None if config is None else Node.of(json.dumps(config), kind="bad_request")
    return decode_thinking(node, 5000)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, (0, None)),
        ({}, (5000, None)),
        ({"includeThoughts": True}, (5000, None)),
        ({"thinkingBudget": -1}, (5000, None)),
        ({"thinkingBudget": 0}, (0, None)),
        ({"thinkingBudget": 77}, (77, None)),
        ({"thinkingLevel": "low"}, (0, "low")),
        ({"thinkingLevel": "XHIGH", "includeThoughts": True}, (5000, "xhigh")),
        ({"thinkingLevel": "LOW", "includeThoughts": True}, (1024, "low")),
        ({"thinkingLevel": "HIGH", "includeThoughts": False}, (0, "high")),
    ],
)
def test_what_comes_in(config: dict[str, object] | None, expected: tuple[int, Effort]) -> None:
    assert read(config) == expected


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"thinkingLevel": "LOW", "thinkingBudget": 5}, "only set only one of thinking budget"),
        ({"thinkingLevel": "ODD"}, r'thinkingLevel: Invalid value \(ThinkingLevel\), "ODD"'),
        ({"thinkingBudget": -2}, "thinkingBudget: Input should be greater than or equal to -1"),
    ],
)
def test_what_the_service_refuses(config: dict[str, object], words: str) -> None:
    with pytest.raises(ProviderError, match=words):
        read(config)
