"""Settings, read once and frozen: arguments, then environment, then `remit.toml`, then defaults."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from remit.app.bill_settings import ReconciliationConfig
from remit.app.calendars import check_zone
from remit.app.channel_settings import CHANNEL_KEYS, ChannelConfig
from remit.app.credential_settings import CredentialConfig
from remit.app.plan_settings import REMEDY
from remit.errors import ConfigError
from remit.policy.allowance import Budget
from remit.policy.delay import Delay, delays_of
from remit.policy.mode import Modes
from remit.policy.permission import Rule
from remit.policy.plan import Billing, PlanBody
from remit.policy.rate import Rate
from remit.policy.roster import Person, Role, Roster
from remit.policy.rules_text import read_rules_text

DEFAULT_URL = "sqlite:///.remit/journal.db"
FILE = "remit.toml"
Environment = Literal["dev", "ci", "production"]
_MAX_BYTES = 1024 * 1024  # a settings file; anything larger is the wrong file
# Settings whose values cannot hold a key.
_SHOWN = (
    "modes",
    "environment",
    "attachments",
    "memory",
    "plain_http",
    "budgets",
    "delays",
    "rates",
    "plans",
    "reconciliation",
    "timezone",
)
_VARIABLES = {"url": "REMIT_URL", "environment": "REMIT_ENVIRONMENT"}


class ProviderConfig(BaseModel):
    """How to reach one provider. The key itself never stands in a file of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str | None = None
    api_key_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The variable that holds the key."""
    plain_http: bool = False
    """Allow http:// to another machine than this one."""
    protocol: Literal["openai", "openai-chat"] | None = None
    """What a provider that Remit does not know by itself speaks: Responses, Chat Completions."""
    api_version: str = ""
    """Sent as `api-version`, where an OpenAI protocol's server wants it."""
    headers: Mapping[str, str] = {}
    """Sent besides; for OpenAI's protocols. Not for keys: they stand in no file of settings."""


class TenantConfig(BaseModel):
    """What is special about one tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timezone: str | None = None

    @field_validator("timezone")
    @classmethod
    def _zone(cls, zone: str | None) -> str | None:
        return None if zone is None else _known_zone(zone)


def _known_zone(zone: str) -> str:
    try:
        return check_zone(zone)
    except ConfigError as exc:
        raise ValueError(str(exc)) from exc


class SecretsConfig(BaseModel):
    """Where secrets are kept, and what else counts as one. No secret itself stands here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = "env:"
    """`env:`, `files:/folder`, `keyring:service`, or the scheme of another package."""
    known: tuple[str, ...] = ()
    """Names of secrets that are read when the app opens, and found in every text by value."""
    rules: tuple[str, ...] = ()
    """Files of further rules."""
    sensitivity: Literal["issued", "low", "normal", "high", "max"] = "normal"


class MemoryConfig(BaseModel):
    """What a process remembers at most of runs that it is not driving (BUD-9)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    runs: int = Field(default=100_000, ge=1, le=100_000)
    """Runs that it started and that wait; of more, the least recently used are forgotten."""
    idle_s: int = Field(default=86_400, ge=1, le=86_400)
    """Seconds after which one that nobody asked for is forgotten: a day."""


class Settings(BaseModel):
    """Everything a process needs to know besides its agents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = DEFAULT_URL
    environment: Environment = "dev"
    providers: Mapping[str, ProviderConfig] = {}
    secrets: SecretsConfig = SecretsConfig()
    credentials: Mapping[str, CredentialConfig] = {}
    """What tools show to the systems they call, by the name that tools give it."""
    reconciliation: ReconciliationConfig = ReconciliationConfig()
    memory: MemoryConfig = MemoryConfig()
    rules: tuple[Rule, ...] = ()
    """Rules for all agents; see `remit.policy.rules_text`."""
    default_rules: bool = True
    """Whether agents have the built-in rules that are safe for all; see `remit.app.permissions`."""
    delays: tuple[Delay, ...] = ()
    """How long writes wait before they leave, by glob of their tools: `"send_*" = "5m"`."""
    rates: tuple[Rate, ...] = ()
    """How often tools may be called, beside what they and agents declare."""
    modes: Modes = Modes()
    """Modes of tenants and users."""
    budgets: tuple[Budget, ...] = ()
    """Limits of users, tenants, labels …, beside those that agents declare."""
    billing: Billing | None = None
    plans: Mapping[str, PlanBody] = {}
    """The lowest first; see `remit.app.plan_settings`."""
    attachments: Literal["all", "text", "none"] = "all"
    """What runs may be given besides words; `text`: only what can be searched for secrets."""
    floating_models: tuple[str, ...] = ()
    """Globs of model names, as `openai:gpt-5`, that may change without notice."""
    people: Mapping[str, Person] = {}
    """Who approves and answers; see `remit.policy.roster`."""
    roles: Mapping[str, Role] = {}
    channels: Mapping[str, ChannelConfig] = {}
    """Where people are told what waits for them."""
    answer_url: str = Field(default="", pattern=r"^$|^https?://[^\s]+$")
    """Where `AnswerRoute` is mounted, for the links in notices."""
    timezone: str = "UTC"
    """Whose hours, days and months budgets are counted in, as `Europe/Berlin`."""
    tenants: Mapping[str, TenantConfig] = {}

    @property
    def roster(self) -> Roster:
        """The people and roles."""
        return Roster(self.people, self.roles)

    @property
    def timezones(self) -> Mapping[str, str]:
        """The time zones of the tenants that have their own."""
        found = {name: tenant.timezone for name, tenant in self.tenants.items()}
        return {name: zone for name, zone in found.items() if zone is not None}

    @field_validator("delays", mode="before")
    @classmethod
    def _delays(cls, declared: object) -> object:
        if not isinstance(declared, dict):
            return declared
        try:
            return delays_of({str(tool): str(text) for tool, text in declared.items()})
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        if ":" not in url:
            raise ValueError("a journal is named by its URL, such as 'sqlite:///journal.db'")
        return url

    @field_validator("timezone")
    @classmethod
    def _zone(cls, zone: str) -> str:
        return _known_zone(zone)


def read_settings(
    *,
    url: str | None = None,
    environment: str | None = None,
    variables: Mapping[str, str],
    folder: Path | None = None,
) -> Settings:
    """The settings. `variables` are those of the process, `folder` is where `remit.toml` may lie.

    Raises `ConfigError` naming the file, the key, the value and the remedy.
    """
    path = (folder or Path()) / FILE
    values = _read_file(path) if path.is_file() else {}
    given = {"url": url, "environment": environment}
    sources = dict.fromkeys(values, str(path))
    for key, variable in _VARIABLES.items():
        chosen = given[key] or variables.get(variable)
        if chosen:
            values[key] = chosen
            sources[key] = f"argument {key}" if given[key] else variable
    try:
        return Settings.model_validate(values)
    except ValidationError as exc:
        error = exc.errors()[0]
        where = sources.get(str(error["loc"][0]), str(path))
        # Without the cause, for that shows every value.
        raise ConfigError(f"{where}: {_problem(error)}") from None


def _problem(error: ErrorDetails) -> str:
    """What is wrong with one setting; a value that may be a key is not shown."""
    key = ".".join(str(part) for part in error["loc"])
    shown = error["loc"][0] in _SHOWN or error["loc"][-1] in _SHOWN
    value = f" = {error['input']!r}" if shown else ""
    remedy = (
        "known keys: url, environment, attachments, floating_models, timezone, "
        "tenants.NAME.timezone, "
        "providers.NAME.{base_url, api_key_env, plain_http, protocol, api_version, headers}, "
        "secrets.{source, known, rules, sensitivity}, "
        "credentials.NAME.{kind, secret, tools, tenants, token_url, client_id, scopes, "
        "tool_scopes, audience, send, subject, plain_http}, "
        "memory.{runs, idle_s}, "
        "reconciliation.{daily, tolerance, key_ids, google_table}, "
        "rules (see remit policy test), default_rules, modes.{default, tenants, users}, "
        'delays."TOOL" = "5m", '
        "rates.{rate, per, when, tool, tenant, user}, "
        "budgets.{of, name, tenant, window, cost_usd, tokens, calls, alert_usd}, "
        f"{CHANNEL_KEYS}, {REMEDY}"
    )
    return f"{key}{value}: {error['msg']}; {remedy}"


def _read_file(path: Path) -> dict[str, object]:
    if path.stat().st_size > _MAX_BYTES:
        raise ConfigError(f"{path}: larger than {_MAX_BYTES} bytes; is it the right file?")
    try:
        text = path.read_text(encoding="utf-8")
        tree = cast("dict[str, object]", tomllib.loads(text))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc
    # Read once more, for rules compare numbers exactly and have examples to be tried.
    return {**tree, "rules": read_rules_text(text, str(path))} if "rules" in tree else tree
