"""Servers of the protocol differ in address, headers and names of members."""

from remit.wire.openai_chat.dialect import COMPATIBLE, OPENAI, Dialect


def test_openai_itself() -> None:
    assert OPENAI.path_of("gpt-6-sol") == "/v1/chat/completions"
    assert OPENAI.headers("k")["authorization"] == "Bearer k"
    assert (OPENAI.limit, OPENAI.reasoning) == ("max_completion_tokens", "")


def test_compatible_servers() -> None:
    assert (COMPATIBLE.limit, COMPATIBLE.reasoning) == ("max_tokens", "reasoning_content")


def test_azure_has_a_path_for_each_deployment_and_a_header_of_its_own() -> None:
    azure = Dialect(
        path="/openai/deployments/{model}/chat/completions",
        api_version="2026-09-01 preview",
        key_header="api-key",
    )
    assert azure.path_of("my/gpt") == (
        "/openai/deployments/my%2Fgpt/chat/completions?api-version=2026-09-01%20preview"
    )
    assert azure.headers("k")["api-key"] == "k"
    assert "authorization" not in azure.headers("k")
