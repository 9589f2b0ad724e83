"""Servers differ in address, version and the header of the key."""

from remit.wire.openai.address import OPENAI, Address


def test_openai_itself() -> None:
    assert OPENAI.path_of("gpt-6-sol") == "/v1/responses"
    assert OPENAI.headers("k")["authorization"] == "Bearer k"


def test_azure_has_a_path_for_each_deployment_and_a_header_of_its_own() -> None:
    azure = Address(
        path="/openai/deployments/{model}/responses",
        api_version="2026-09-01 preview",
        key_header="api-key",
    )
    assert azure.path_of("my/gpt") == (
        "/openai/deployments/my%2Fgpt/responses?api-version=2026-09-01%20preview"
    )
    assert azure.headers("k")["api-key"] == "k"
    assert "authorization" not in azure.headers("k")
