"""Every source of reports stands under its provider, the newest kind first."""

from remit.wire.usage.sources import SOURCES


def test_sources_by_provider() -> None:
    for provider, sources in SOURCES.items():
        assert {source.provider for source in sources} == {provider}
        assert len({source.key_variable for source in sources}) == 1
        assert len({source.base_url for source in sources}) == 1
    names = [source.name for sources in SOURCES.values() for source in sources]
    assert names == ["anthropic-analytics", "anthropic-admin", "openai"]
