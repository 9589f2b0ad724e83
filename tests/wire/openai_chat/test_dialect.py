"""Servers of the protocol differ in names of members."""

from remit.wire.openai_chat.dialect import COMPATIBLE, OPENAI


def test_openai_itself() -> None:
    assert OPENAI.path_of("gpt-6-sol") == "/v1/chat/completions"
    assert (OPENAI.limit, OPENAI.reasoning) == ("max_completion_tokens", "")


def test_compatible_servers() -> None:
    assert (COMPATIBLE.limit, COMPATIBLE.reasoning) == ("max_tokens", "reasoning_content")
