"""Settings: argument, variable, file, default, in this order; an error says where and what."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from remit.app.config import DEFAULT_URL, FILE, MemoryConfig, Settings, read_settings
from remit.errors import ConfigError
from tests.runtime.stage import secret


def settings_of(folder: Path, text: str) -> Settings:
    (folder / FILE).write_text(text, encoding="utf-8")
    return read_settings(variables={}, folder=folder)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings_of(folder, text)
    assert caught.value.__suppress_context__  # a traceback would show the values
    return str(caught.value)


def test_argument_beats_variable_beats_file_beats_default(tmp_path: Path) -> None:
    assert read_settings(variables={}, folder=tmp_path).url == DEFAULT_URL
    assert settings_of(tmp_path, 'url = "sqlite:///file.db"').url == "sqlite:///file.db"
    variables = {"REMIT_URL": "sqlite:///variable.db", "REMIT_ENVIRONMENT": "ci"}
    found = read_settings(variables=variables, folder=tmp_path)
    assert (found.url, found.environment) == ("sqlite:///variable.db", "ci")
    found = read_settings(url="memory:", environment="dev", variables=variables, folder=tmp_path)
    assert (found.url, found.environment) == ("memory:", "dev")


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    variables = {"REMIT_URL": "", "REMIT_ENVIRONMENT": ""}
    assert read_settings(variables=variables, folder=tmp_path) == Settings()


def test_the_file_is_that_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / FILE).write_text('environment = "ci"', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert read_settings(variables={}).environment == "ci"


@pytest.mark.requirement("OPS-6")
def test_settings_are_frozen(tmp_path: Path) -> None:
    found = settings_of(tmp_path, 'environment = "production"')
    with pytest.raises(ValidationError, match="frozen"):
        found.environment = "dev"  # type: ignore[misc]  # what the test refuses


def test_providers_are_read(tmp_path: Path) -> None:
    text = '[providers.anthropic]\nbase_url = "https://gate.example"\napi_key_env = "GATE_KEY"\n'
    found = settings_of(tmp_path, text).providers["anthropic"]
    assert (found.base_url, found.api_key_env) == ("https://gate.example", "GATE_KEY")
    assert not found.plain_http


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('environment = "prod"', ("environment = 'prod'", "'dev', 'ci' or 'production'")),
        ('attachments = "pdf"', ("attachments = 'pdf'", "'all', 'text' or 'none'")),
        ("[providers.x]\nplain_http = 7", ("providers.x.plain_http = 7", "valid boolean")),
        ('databse = "x"', ("databse", "known keys: url, environment")),
        ("url = 5", ("url: Input should be a valid string", "known keys")),
        ("url = ?\n", ("not valid TOML", "line 1")),
        ('[providers.x]\nkey = "y"', ("providers.x.key", "api_key_env")),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_remedy(
    text: str, parts: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_settings(variables={}, folder=tmp_path)
    for part in (str(tmp_path / FILE), *parts):
        assert part in str(caught.value)


def test_a_wrong_variable_is_named_and_not_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings(variables={"REMIT_ENVIRONMENT": "live"}, folder=tmp_path)
    assert str(caught.value).startswith("REMIT_ENVIRONMENT: environment = 'live': ")
    with pytest.raises(ConfigError, match=r"^argument environment: environment = 'live': "):
        read_settings(environment="live", variables={}, folder=tmp_path)


@pytest.mark.requirement("SEC-3")
@pytest.mark.parametrize(
    "text",
    [
        '[providers.anthropic]\napi_key = "{}"',
        '[providers.anthropic]\napi_key_env = "{}-"',
        '[providers]\nanthropic = "{}"',
        'anthropic_api_key = "{}"',
    ],
)
def test_a_key_that_was_put_into_the_file_is_not_repeated(text: str, tmp_path: Path) -> None:
    key = secret()
    assert key not in refusal(tmp_path, text.replace("{}", key))


def test_a_file_that_is_too_large_or_no_text_is_the_wrong_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is it the right file"):
        settings_of(tmp_path, "#" * (1024 * 1024 + 1))
    (tmp_path / FILE).write_bytes(b'url = "\xff"')
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_settings(variables={}, folder=tmp_path)


# ---------------------------------------------------------------- budgets and time zones


@pytest.mark.requirement("BUD-3", "TEN-2")
def test_budgets_and_time_zones_are_read(tmp_path: Path) -> None:
    text = """
timezone = "Europe/Berlin"
[tenants.acme]
timezone = "Asia/Tokyo"
[tenants.globex]
[[budgets]]
of = "user"
window = "day"
cost_usd = "5.00"
[[budgets]]
of = "tenant"
tenant = "acme"
calls = 100
"""
    found = settings_of(tmp_path, text)
    assert (found.timezone, found.timezones) == ("Europe/Berlin", {"acme": "Asia/Tokyo"})
    assert [(each.of, each.window, each.tenant) for each in found.budgets] == [
        ("user", "day", "*"),
        ("tenant", "total", "acme"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('timezone = "Europe/Atlantis"', "timezone = 'Europe/Atlantis'"),
        ('[tenants.acme]\ntimezone = "Mars"', "tenants.acme.timezone = 'Mars'"),
        ('[[budgets]]\nof = "user"\ncalls = -1', "budgets.0.calls = -1"),
        ('[[budgets]]\nof = "user"\ncost_usd = "much"', "budgets.0.cost_usd = 'much'"),
        ('[[budgets]]\nof = "user"', "at least one of cost_usd"),
    ],
)
def test_a_wrong_budget_or_zone_names_its_place(tmp_path: Path, text: str, said: str) -> None:
    told = refusal(tmp_path, text)
    assert said in told
    assert FILE in told
    assert "known keys" in told


@pytest.mark.requirement("BUD-9")
def test_what_a_process_remembers_can_be_lowered_and_not_raised(tmp_path: Path) -> None:
    assert read_settings(variables={}, folder=tmp_path).memory == MemoryConfig(
        runs=100_000, idle_s=24 * 3600
    )
    (tmp_path / "remit.toml").write_text("[memory]\nruns = 500\nidle_s = 60\n")
    assert read_settings(variables={}, folder=tmp_path).memory.runs == 500
    (tmp_path / "remit.toml").write_text("[memory]\nruns = 100001\n")
    with pytest.raises(ConfigError, match=r"memory\.runs = 100001: .*100000; known keys"):
        read_settings(variables={}, folder=tmp_path)


def test_a_journal_is_named_by_its_url(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"argument url: url.*sqlite:///journal.db"):
        read_settings(url="journal.db", variables={}, folder=tmp_path)
