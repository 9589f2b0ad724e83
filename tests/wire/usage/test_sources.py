"""Sources stand under their providers, the newest first, and prefixes under their billers."""

from remit.wire.usage.sources import PREFIXES, SOURCES, biller


def test_sources_by_provider() -> None:
    for provider, sources in SOURCES.items():
        assert {source.provider for source in sources} == {provider}
        assert len({source.key_variable for source in sources}) == 1
        assert len({source.base_url for source in sources}) == 1
    names = [source.name for sources in SOURCES.values() for source in sources]
    assert names == ["anthropic-analytics", "anthropic-admin", "openai"]


def test_who_bills_whose_models() -> None:
    assert set(SOURCES) < set(PREFIXES)
    assert biller("openai-chat") == "openai"
    assert biller("gemini") == "google"
    assert biller("local-server") == "local-server"
