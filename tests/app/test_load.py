"""Adapters are found by scheme and provider; what is missing is named with its remedy."""

import sys
import tomllib
from pathlib import Path

import pytest

from remit.app.config import ProviderConfig, Settings
from remit.app.load import (
    key_names,
    make_model,
    make_prices,
    make_store,
    named,
    providers,
    sqlite_path,
)
from remit.errors import ConfigError, MissingExtra, UnpricedModel
from tests.runtime.stage import PRICES, secret


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("memory:", "MemoryStore"),
        ("sqlite:///never/opened.db", "SqliteStore"),
        ("postgres://u@h/db", "PostgresStore"),
        ("postgresql://u@h/db", "PostgresStore"),
    ],
)
def test_a_scheme_names_a_store(url: str, kind: str) -> None:
    assert type(make_store(url)).__name__ == kind


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://ann:{}@host/db", "begins with mysql:"),
        ("mysql://ann:{}[x@host/db", "begins with mysql:"),
        ("mysql+x://host/db?password={}", "begins with mysql+x:"),
        ("host=localhost password={}", "has no scheme"),
        ("{}", "has no scheme"),
    ],
)
@pytest.mark.requirement("SEC-3")
def test_an_unknown_scheme_is_refused_without_the_password(url: str, says: str) -> None:
    password = secret()
    with pytest.raises(ConfigError) as caught:
        make_store(url.replace("{}", password))
    text = str(caught.value)
    assert says in text
    assert "sqlite:///PATH" in text
    assert password not in text


def test_a_sqlite_url_names_a_file() -> None:
    assert sqlite_path("sqlite:///a/b.db") == Path("a/b.db")
    assert sqlite_path("sqlite:////a/b.db") == Path("/a/b.db")
    for url in ("sqlite:", "sqlite://", "sqlite:///", "sqlite://host/b.db", "sqlite:b.db"):
        with pytest.raises(ConfigError, match="sqlite:///relative/path"):
            sqlite_path(url)


def test_a_missing_package_is_named_with_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needy_adapter.py").write_text("import package_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtra) as caught:
        named("needy_adapter", "Thing", "postgres")
    text = "Thing needs the package 'package_that_is_not_there': pip install 'remit[postgres]'"
    assert str(caught.value) == text
    with pytest.raises(MissingExtra, match=r"pip install package_that_is_not_there$"):
        named("needy_adapter", "Thing", "")
    with pytest.raises(ConfigError, match="not a part of this version"):
        named("remit.adapters.not_there", "Thing", "x")


def test_a_postgres_journal_without_its_driver_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [each for each in sys.modules if each.startswith("remit.adapters.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'remit\[postgres\]'"):
        make_store("postgresql://h/db")


def test_an_unknown_provider_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        make_model("nobody", Settings(), {})
    assert "unknown provider 'nobody'" in str(caught.value)
    assert "App(models={'nobody': ...})" in str(caught.value)
    assert all(name in str(caught.value) for name in providers())


def test_a_missing_key_names_its_variable() -> None:
    with pytest.raises(ConfigError, match="no key for anthropic: set ANTHROPIC_API_KEY"):
        make_model("anthropic", Settings(), {"ANTHROPIC_API_KEY": ""})
    settings = Settings(providers={"anthropic": ProviderConfig(api_key_env="GATE_KEY")})
    with pytest.raises(ConfigError, match="set GATE_KEY"):
        make_model("anthropic", settings, {"ANTHROPIC_API_KEY": secret()})


async def test_a_model_is_made_from_its_variables() -> None:
    model = make_model("anthropic", Settings(), {"ANTHROPIC_API_KEY": secret()})
    assert model.provider == "anthropic"
    await model.close()


@pytest.mark.parametrize("provider", ["google", "gemini"])
@pytest.mark.parametrize("variable", ["GEMINI_API_KEY", "GOOGLE_API_KEY"])
async def test_one_provider_may_have_two_names_and_two_keys(provider: str, variable: str) -> None:
    model = make_model(provider, Settings(), {variable: secret()})
    assert model.provider == "google"
    await model.close()
    with pytest.raises(ConfigError, match="set GEMINI_API_KEY or GOOGLE_API_KEY"):
        make_model(provider, Settings(), {})
    settings = Settings(providers={"google": ProviderConfig(api_key_env="GATE_KEY")})
    assert key_names(provider, settings) == ("GATE_KEY",)
    assert key_names("nobody", settings) == ()


@pytest.mark.parametrize("provider", ["openai", "openai-chat"])
async def test_openai_speaks_two_protocols(provider: str) -> None:
    model = make_model(provider, Settings(), {"OPENAI_API_KEY": secret()})
    assert model.provider == provider
    await model.close()


def custom(**config: object) -> Settings:
    return Settings.model_validate({"providers": {"groq": config}})


async def test_any_server_of_a_known_protocol_is_a_provider() -> None:
    settings = custom(
        protocol="openai-chat",
        base_url="https://api.groq.example/openai/v1",
        api_key_env="GROQ_API_KEY",
        headers={"x-title": "Remit"},
    )
    with pytest.raises(ConfigError, match="no key for groq: set GROQ_API_KEY"):
        make_model("groq", settings, {})
    model = make_model("groq", settings, {"GROQ_API_KEY": secret()})
    assert model.provider == "groq"
    assert repr(model) == "OpenAIChatModel('https://api.groq.example/openai')"
    await model.close()


async def test_a_server_of_ones_own_needs_no_key() -> None:
    settings = custom(protocol="openai", base_url="http://localhost:11434/v1")
    model = make_model("groq", settings, {"OPENAI_BASE_URL": "https://elsewhere.example"})
    assert repr(model) == "OpenAIModel('http://localhost:11434')"
    await model.close()
    with pytest.raises(ConfigError, match=r"providers\.groq\.base_url is missing"):
        make_model("groq", custom(protocol="openai"), {})


SERVERS = {
    "groq": "OpenAIChatModel('https://api.groq.com/openai')",
    "openrouter": "OpenAIChatModel('https://openrouter.ai/api')",
    "ollama": "OpenAIChatModel('http://localhost:11434')",
    "vllm": "OpenAIChatModel('http://gpu.internal:8000')",
    "azure": "OpenAIModel('https://my-resource.openai.azure.com/openai')",
}


def test_documented_servers_are_reached() -> None:
    page = Path(__file__).parents[2] / "docs/howto/compatible-servers.md"
    block = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    settings = Settings.model_validate(tomllib.loads(block))
    variables = {
        config.api_key_env: secret()
        for config in settings.providers.values()
        if config.api_key_env is not None
    }
    made = {name: repr(make_model(name, settings, variables)) for name in settings.providers}
    assert made == SERVERS


def test_settings_for_openai_protocols_alone() -> None:
    settings = Settings(providers={"anthropic": ProviderConfig(api_version="preview")})
    with pytest.raises(ConfigError, match="api_version and headers are for OpenAI's protocols"):
        make_model("anthropic", settings, {"ANTHROPIC_API_KEY": secret()})


def test_plain_http_to_another_machine_must_be_allowed() -> None:
    variables = {"ANTHROPIC_API_KEY": secret(), "ANTHROPIC_BASE_URL": "http://far.example"}
    with pytest.raises(ConfigError, match="http"):
        make_model("anthropic", Settings(), variables)


def test_prices_are_those_by_hand_and_the_table() -> None:
    table = make_prices(PRICES)
    assert table.price("scripted:anything").version == "declared"
    assert table.price("anthropic:claude-sonnet-4-5-20250929").input > 0
    with pytest.raises(UnpricedModel):
        table.price("nobody:nothing")
    assert make_prices(table) is table
