"""Finds a provider's own report of a day: over its API, in BigQuery, or in an exported file."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import cast

from typing_extensions import override

from remit.app.config import ProviderConfig, Settings
from remit.app.load import named
from remit.errors import ConfigError
from remit.ports import Billing
from remit.values.statement import Statement
from remit.wire.usage import google
from remit.wire.usage.sources import PREFIXES, SOURCES

MAX_FILE_BYTES = 256 * 1024**2  # a month of hourly rows of a large account
_URL_VARIABLES = {"anthropic": "ANTHROPIC_BASE_URL", "openai": "OPENAI_BASE_URL"}
Secret = Callable[[str], str | None]
"""Reads a key by its name, late, when it is needed."""


def providers() -> tuple[str, ...]:
    """The providers whose reports can be read."""
    return (*sorted(SOURCES), google.PROVIDER)


def prefixes(provider: str) -> tuple[str, ...]:
    """The prefixes of a provider's models in the ledger."""
    return PREFIXES[provider]


def key_variable(provider: str) -> str | None:
    """The variable that holds the key for a provider's reports, None where there is none."""
    return SOURCES[provider][0].key_variable if provider in SOURCES else None


def make_billing(
    provider: str,
    settings: Settings,
    variables: Mapping[str, str],
    secret: Secret,
    *,
    file: Path | None = None,
    kind: str = "",
) -> Billing:
    """What reads the report of a provider; `kind` names one of several reports.

    Raises `ConfigError` for a missing key, table or file, `MissingExtra` for a missing package.
    """
    if provider not in providers():
        known = ", ".join(providers())
        raise ConfigError(f"provider {provider!r} has no report that can be read; known: {known}")
    if provider == google.PROVIDER:
        return _google(settings, file)
    if file is not None:
        raise ConfigError(f"a file is read for google only: {provider} is asked over its API")
    sources = [source for source in SOURCES[provider] if kind in {"", source.name}]
    if not sources:
        known = ", ".join(source.name for source in SOURCES[provider])
        raise ConfigError(f"{provider} has no report {kind!r}; known: {known}")
    variable = sources[0].key_variable
    key = secret(variable)
    if not key:
        raise ConfigError(
            f"no key for the usage reports of {provider}: set {variable} to a key that may read "
            "the organization's usage (it is another one than the key for models)"
        )
    config = settings.providers.get(provider, ProviderConfig())
    base = config.base_url or variables.get(_URL_VARIABLES[provider]) or sources[0].base_url
    check = cast(
        "Callable[..., tuple[str, bool]]", named("remit.adapters.models.http", "check_base_url", "")
    )
    base_url, local = check(base, plain_http=config.plain_http)
    hide = cast("Callable[..., object]", named("remit.adapters.models.key", "ApiKey", ""))
    make = cast("Callable[..., Billing]", named("remit.adapters.billing.reports", "Reports", ""))
    way_to = cast("Callable[..., object]", named("remit.adapters.models.proxy", "way_to", ""))
    way = None if local else way_to(base_url)
    return make(sources, hide(key, variable=variable), base_url=base_url, way=way)


def _google(settings: Settings, file: Path | None) -> Billing:
    if file is not None:
        return _File(file)
    table = settings.reconciliation.google_table
    if table is None:
        raise ConfigError(
            "google reports through the billing export: name its table as "
            "reconciliation.google_table in remit.toml, or give an exported file with --file"
        )
    make = cast(
        "Callable[[str], Billing]",
        named("remit.adapters.billing.bigquery", "BillingExport", "bigquery"),
    )
    return make(table)


class _File(Billing):
    """Rows of the billing export in a file of JSON lines or CSV."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    async def statement(self, day: date, keys: tuple[str, ...] = ()) -> Statement:
        """What the file says about a UTC day. Raises `ConfigError`, `ProviderError`."""
        if keys:
            raise ConfigError("the billing export names no API keys: leave the key ids out")
        try:
            if self._path.stat().st_size > MAX_FILE_BYTES:
                raise ConfigError(f"{self._path}: larger than {MAX_FILE_BYTES} bytes")
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{self._path}: cannot be read: {exc}") from exc
        return google.statement(google.rows_of_text(text, str(self._path)), day)
