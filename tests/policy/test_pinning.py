"""Floating aliases are told from pinned names, and the refusal names what would do."""

import pytest

from remit.policy.pinning import drifted, floats, unpinned

PINNED = (
    "anthropic:claude-haiku-4-5-20251001",
    "anthropic:claude-opus-4-6",
    "anthropic:claude-sonnet-5",
    "anthropic:claude-opus-5-5",
    "openai:gpt-5-2025-08-07",
    "openai:gpt-4-0613",
    "openai-chat:gpt-4-0125-preview",
    "openai:o3-2025-04-16",
    "openai-chat:llama-3.1-8b-instruct",
    "google:gemini-2.5-flash",
    "google:gemini-2.0-flash-001",
    "google:gemini-3-pro-preview",
    "scripted:x",
    "ollama:qwen3",
)
FLOATING = (
    "anthropic:claude-haiku-4-5",
    "anthropic:claude-opus-4-0",
    "anthropic:claude-opus-4",
    "anthropic:claude-3-7-sonnet-latest",
    "openai:gpt-5",
    "openai:gpt-4o",
    "openai:o3-mini",
    "openai:chatgpt-4o-latest",
    "openai-chat:gpt-5.1-codex",
    "google:gemini-2.0-flash",
    "gemini:gemini-flash-latest",
    "mistral:mistral-large-latest",
)


@pytest.mark.requirement("PROV-6")
@pytest.mark.parametrize("model", PINNED)
def test_a_pinned_name_is_let_through(model: str) -> None:
    assert not floats(model)
    assert unpinned(model) is None


@pytest.mark.requirement("PROV-6")
@pytest.mark.parametrize("model", FLOATING)
def test_a_floating_alias_is_refused_unless_an_operator_lets_it(model: str) -> None:
    assert floats(model)
    said = unpinned(model)
    assert said is not None
    assert model in said
    assert "floating_models" in said
    assert unpinned(model, ["openai:*", model]) is None
    assert unpinned(model, ["other:*"]) == said


@pytest.mark.requirement("PROV-6")
@pytest.mark.parametrize(
    ("alias", "dated"),
    [
        ("anthropic:claude-haiku-4-5", "'anthropic:claude-haiku-4-5-20251001'"),
        ("openai:gpt-4o", "'openai:gpt-4o-2024-11-20' or 'openai:gpt-4o-2024-08-06'"),
        ("openai:gpt-5.1-codex", "write its dated name"),
    ],
)
def test_the_refusal_names_what_would_do(alias: str, dated: str) -> None:
    said = unpinned(alias)
    assert said is not None
    assert dated in said


@pytest.mark.requirement("PROV-6")
@pytest.mark.parametrize(
    ("asked", "answered", "differs"),
    [
        ("openai:gpt-5-2025-08-07", "gpt-5-2025-08-07", False),
        ("google:gemini-2.5-flash", "models/gemini-2.5-flash", False),
        ("anthropic:claude-sonnet-5", "claude-sonnet-5-1", True),
        ("anthropic:claude-sonnet-5", "", False),
    ],
)
def test_drift_is_another_name_in_the_answer(asked: str, answered: str, *, differs: bool) -> None:
    assert drifted(asked, answered) is differs
