"""Servers of the protocol differ in names of members, and so do models."""

from dataclasses import replace

import pytest

from remit.wire.openai_chat.dialect import COMPATIBLE, OPENAI


def test_openai_itself() -> None:
    assert OPENAI.path_of("gpt-6-sol") == "/v1/chat/completions"
    assert (OPENAI.limit, OPENAI.reasoning) == ("max_completion_tokens", "")
    assert OPENAI.limit_of("gpt-4o") == "max_completion_tokens"


def test_compatible_servers() -> None:
    assert COMPATIBLE.reasoning == "reasoning_content"
    assert replace(COMPATIBLE, limit="max_tokens").limit_of("gpt-5") == "max_tokens"


@pytest.mark.parametrize(
    "model",
    [
        "o1",
        "o3-mini",
        "gpt-5-mini-2025-08-07",
        "gpt-5.1",
        "gpt-5-chat-latest",
        "gpt-10",
        "openai/o4-mini",
        "codex-1",
    ],
)
def test_newer_models_of_openai_refuse_the_older_member(model: str) -> None:
    assert COMPATIBLE.limit_of(model) == "max_completion_tokens"


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o",
        "gpt-4.1",
        "gpt-3.5-turbo",
        "gpt-oss:20b",
        "openai/gpt-oss-120b",
        "olmo-2",
        "llama-4",
        "gpt-j-6b",
    ],
)
def test_all_others_get_what_every_server_knows(model: str) -> None:
    assert COMPATIBLE.limit_of(model) == "max_tokens"
