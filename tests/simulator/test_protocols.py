"""Every protocol is served once, and a client is answered in the protocol it speaks."""

import pytest

from remit.simulator.protocols import ENDPOINTS, spoken_by


def test_each_has_places_of_its_own() -> None:
    places = [endpoint.route for endpoint in ENDPOINTS]
    assert len(set(places)) == len(ENDPOINTS)
    for endpoint in ENDPOINTS:
        assert bool(endpoint.count_route) is (endpoint.codec.counting is not None)


@pytest.mark.parametrize(
    ("headers", "path", "provider"),
    [
        ({"anthropic-version": "2023-06-01"}, "/v1/models", "anthropic"),
        ({"x-goog-api-key": "k"}, "/v1/nothing", "google"),
        ({}, "/v1beta/models", "google"),
        ({"authorization": "Bearer k"}, "/v1/models", "openai"),
        ({"authorization": "Bearer k"}, "/v1/chat/nothing", "openai-chat"),
        ({"api-key": "k"}, "/openai/nothing", "openai"),
        ({}, "/nothing", "anthropic"),
    ],
)
def test_who_is_asked(headers: dict[str, str], path: str, provider: str) -> None:
    assert spoken_by(headers, path).codec.provider == provider
