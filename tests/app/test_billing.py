"""What reads a report is found by provider, with the key read late, or an error with a remedy."""

from datetime import date
from pathlib import Path

import pytest

from remit.app import billing
from remit.app.bill_settings import ReconciliationConfig
from remit.app.billing import key_variable, make_billing, prefixes, providers
from remit.app.config import ProviderConfig, Settings
from remit.errors import ConfigError, MissingExtra
from remit.values.statement import OUTPUT, TokenLine
from remit.wire.usage.google import encode

DAY = date(2026, 11, 19)
NO_SECRETS: dict[str, str] = {}
SETTINGS = Settings()


def test_providers_and_their_names_in_the_ledger() -> None:
    assert providers() == ("anthropic", "openai", "google")
    assert prefixes("openai") == ("openai", "openai-chat")
    assert "gemini" in prefixes("google")
    assert key_variable("anthropic") == "ANTHROPIC_ADMIN_KEY"
    assert key_variable("google") is None


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize("provider", ["anthropic", "openai"])
def test_a_missing_key_is_named(provider: str) -> None:
    variable = f"{provider.upper()}_ADMIN_KEY"
    with pytest.raises(ConfigError, match=f"set {variable} to a key that may read"):
        make_billing(provider, SETTINGS, {}, NO_SECRETS.get)


@pytest.mark.requirement("BIL-2")
def test_the_key_is_read_when_it_is_needed_and_goes_to_one_host() -> None:
    asked: list[str] = []

    def secret(name: str) -> str:
        asked.append(name)
        return "a-key-for-the-reports"

    made = make_billing("openai", SETTINGS, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}, secret)
    assert asked == ["OPENAI_ADMIN_KEY"]
    assert "a-key-for-the-reports" not in repr(made)
    config = Settings(providers={"openai": ProviderConfig(base_url="http://far.example")})
    with pytest.raises(ConfigError, match="plain http"):
        make_billing("openai", config, {}, secret)


@pytest.mark.parametrize(
    ("provider", "kind", "message"),
    [
        ("nobody", "", "known: anthropic, openai, google"),
        ("anthropic", "anthropic-crystal-ball", "known: anthropic-analytics, anthropic-admin"),
        ("google", "", "reconciliation.google_table"),
    ],
)
def test_what_there_is_not(provider: str, kind: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_billing(provider, SETTINGS, {}, {"ANTHROPIC_ADMIN_KEY": "k"}.get, kind=kind)


def test_a_file_is_for_google(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a file is read for google only"):
        make_billing("openai", SETTINGS, {}, NO_SECRETS.get, file=tmp_path)


@pytest.mark.requirement("BIL-2")
def test_bigquery_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(_module: str, name: str, extra: str) -> object:
        raise MissingExtra(f"{name} needs {extra}")

    monkeypatch.setattr(billing, "named", named)
    table = ReconciliationConfig(google_table="p.d.t")
    with pytest.raises(MissingExtra, match="BillingExport needs bigquery"):
        make_billing("google", Settings(reconciliation=table), {}, NO_SECRETS.get)


@pytest.mark.requirement("BIL-2")
async def test_an_exported_file_is_read(tmp_path: Path) -> None:
    line = TokenLine(model="gemini-2.5-flash", token_class=OUTPUT, tokens=7)
    path = tmp_path / "export.jsonl"
    path.write_text(encode([line], [], DAY), encoding="utf-8")
    made = make_billing("google", SETTINGS, {}, NO_SECRETS.get, file=path)
    assert (await made.statement(DAY)).tokens == (line,)
    with pytest.raises(ConfigError, match="names no API keys"):
        await made.statement(DAY, ("key",))


async def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make_billing("google", SETTINGS, {}, NO_SECRETS.get, file=tmp_path / "none")
    with pytest.raises(ConfigError, match="cannot be read"):
        await made.statement(DAY)
    large = tmp_path / "large"
    large.write_bytes(b"x" * 10)
    monkeypatch.setattr(billing, "MAX_FILE_BYTES", 5)
    with pytest.raises(ConfigError, match="larger than 5 bytes"):
        await make_billing("google", SETTINGS, {}, NO_SECRETS.get, file=large).statement(DAY)
