"""The one place that names adapters: by URL scheme or provider, imported when they are used."""

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

from remit.app.config import ProviderConfig, Settings
from remit.errors import ConfigError, MissingExtra
from remit.ports import Model, Prices, Sandbox, Store
from remit.values.price import ModelPrice

# scheme -> (module, class, extra that brings what it imports)
_STORES = {
    "memory": ("remit.adapters.memory.store", "MemoryStore", ""),
    "sqlite": ("remit.adapters.sqlite.store", "SqliteStore", ""),
    "postgres": ("remit.adapters.postgres.store", "PostgresStore", "postgres"),
    "postgresql": ("remit.adapters.postgres.store", "PostgresStore", "postgres"),
}
# provider -> (module, class, extra, variables of the key, variable of the base URL)
_MODELS = {
    "anthropic": (
        "remit.adapters.models.anthropic",
        "AnthropicModel",
        "",
        ("ANTHROPIC_API_KEY",),
        "ANTHROPIC_BASE_URL",
    ),
    "google": (
        "remit.adapters.models.gemini",
        "GeminiModel",
        "",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY"),  # Google's own SDK reads both
        "GOOGLE_GEMINI_BASE_URL",
    ),
    "openai": (
        "remit.adapters.models.openai",
        "OpenAIModel",
        "",
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
    ),
    "openai-chat": (
        "remit.adapters.models.openai",
        "OpenAIChatModel",
        "",
        ("OPENAI_API_KEY",),
        "OPENAI_BASE_URL",
    ),
}
_ALIASES = {"gemini": "google"}
# What pydantic-ai reaches besides, by its names; `remit[pydantic-ai]` brings it. A test holds these
# against the installed version.
_LONG_TAIL = frozenset(
    {
        "alibaba",
        "azure",
        "bedrock",
        "bedrock-mantle",
        "cerebras",
        "cohere",
        "deepseek",
        "fireworks",
        "github",
        "google-cloud",
        "groq",
        "heroku",
        "huggingface",
        "litellm",
        "mistral",
        "moonshotai",
        "nebius",
        "ollama",
        "openrouter",
        "ovhcloud",
        "sambanova",
        "together",
        "vercel",
        "xai",
    }
)


def named(module: str, name: str, extra: str) -> object:
    """An adapter by name. Raises `MissingExtra` naming the extra to install."""
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as exc:
        if exc.name is not None and exc.name.partition(".")[0] == "remit":
            raise ConfigError(f"{module} is not a part of this version of Remit") from exc
        hint = f"pip install 'remit[{extra}]'" if extra else f"pip install {exc.name}"
        raise MissingExtra(f"{name} needs the package {exc.name!r}: {hint}") from exc


def make_store(url: str) -> Store:
    """The store of a URL. Raises `ConfigError` for an unknown scheme."""
    scheme = url.partition(":")[0]
    if scheme not in _STORES:
        known = "sqlite:///PATH, postgresql://HOST/NAME or memory:"
        raise ConfigError(f"the journal's URL {_scheme_of(url)}; write {known}")
    module, name, extra = _STORES[scheme]
    make = cast("Callable[..., Store]", named(module, name, extra))
    if scheme == "memory":
        return make()
    return make(sqlite_path(url)) if scheme == "sqlite" else make(url)


def sqlite_path(url: str) -> Path:
    """The file of a `sqlite:///relative` or `sqlite:////absolute` URL."""
    rest = url.removeprefix("sqlite:")
    if not rest.startswith("///") or rest == "///":
        raise ConfigError(
            f"the journal's URL {url!r}: write sqlite:///relative/path or sqlite:////absolute/path"
        )
    return Path(rest.removeprefix("///")).expanduser()


def providers() -> tuple[str, ...]:
    """The providers whose models Remit can reach by itself, by name."""
    return tuple(sorted(_MODELS))


def key_names(provider: str, settings: Settings) -> tuple[str, ...]:
    """The names a provider's key may have, the first that is set holds; none for strangers."""
    own = _config(provider, settings).api_key_env
    known = _MODELS.get(_ALIASES.get(provider, provider))
    return (own,) if own else known[3] if known else ()


def _config(provider: str, settings: Settings) -> ProviderConfig:
    found = settings.providers.get(provider)
    other = settings.providers.get(_ALIASES.get(provider, provider))
    return found or other or ProviderConfig()


def make_model(
    provider: str,
    settings: Settings,
    variables: Mapping[str, str],
    secret: Callable[[str], str | None] | None = None,
) -> Model:
    """The model adapter of a provider; `secret` reads its key, by default from `variables`.

    Raises `ConfigError` when its key is missing.
    """
    config = _config(provider, settings)
    spoken = config.protocol or _ALIASES.get(provider, provider)
    if spoken not in _MODELS:
        return _long_tail(provider, settings)
    module, name, extra, _, url_variable = _MODELS[spoken]
    own = _ALIASES.get(provider, provider) in _MODELS
    names = key_names(provider, settings)
    read = variables.get if secret is None else secret
    key = next(filter(None, map(read, names)), None)
    if names and not key:
        raise ConfigError(
            f"no key for {provider}: set {' or '.join(names)}, or try it without one: remit demo"
        )
    base_url = config.base_url or (variables.get(url_variable) if own else None) or None
    if base_url is None and not own:
        raise ConfigError(f"providers.{provider}.base_url is missing: where is that server?")
    make = cast("Callable[..., Model]", named(module, name, extra))
    more = _openai_settings(provider, spoken, config, names)
    # Servers of one's own often want no key; the header is there all the same.
    return make(key or "none", base_url=base_url, plain_http=config.plain_http, **more)


def _long_tail(provider: str, settings: Settings) -> Model:
    """The adapter of a provider that only pydantic-ai knows, with that library's own settings."""
    if provider not in _LONG_TAIL:
        known, more = ", ".join(providers()), ", ".join(sorted(_LONG_TAIL))
        raise ConfigError(
            f"unknown provider {provider!r}; known are {known}, any with providers.{provider}."
            f"protocol in remit.toml, with remit[pydantic-ai] also {more}, and any that you "
            f"hand to App(models={{{provider!r}: ...}})"
        )
    if provider in settings.providers:
        raise ConfigError(
            f"providers.{provider}: name its protocol (openai or openai-chat), or take the table "
            "out: as one of remit[pydantic-ai] it is set up by that library's own variables"
        )
    found = named("remit.adapters.models.pydantic_ai_model", "PydanticAIModel", "pydantic-ai")
    return cast("Callable[[str], Model]", found)(provider)


def _openai_settings(
    provider: str, spoken: str, config: ProviderConfig, names: tuple[str, ...]
) -> dict[str, object]:
    """What only the clients of OpenAI's protocols can be told."""
    if spoken not in {"openai", "openai-chat"}:
        if config.api_version or config.headers:
            raise ConfigError(
                f"providers.{provider}: api_version and headers are for OpenAI's protocols"
            )
        return {}
    return {
        "provider": provider,
        "key_variable": next(iter(names), "the settings"),
        "api_version": config.api_version,
        "headers": config.headers,
    }


def make_sandbox() -> Sandbox:
    """What confines processes on this machine. Raises `SandboxUnavailable`."""
    find = cast("Callable[[], Sandbox]", named("remit.adapters.sandbox.find", "find_sandbox", ""))
    return find()


def _scheme_of(url: str) -> str:
    """What an error may tell of a URL that nobody can read: the rest may hold a password."""
    scheme, colon, _ = url.partition(":")
    named = colon and scheme.replace("+", "").isalnum()
    return f"begins with {scheme}:" if named else "has no scheme"


def make_undoer() -> Model:
    """What stands in the model's place of undo runs."""
    return cast("Callable[[], Model]", named("remit.adapters.undoer", "Undoer", ""))()


def make_prices(prices: Prices | Mapping[str, ModelPrice] | None) -> Prices:
    """A price table: one that was handed in, or the package's with prices declared by hand."""
    if prices is not None and not isinstance(prices, Mapping):
        return prices
    table = cast("Callable[..., Prices]", named("remit.adapters.prices", "Table", ""))
    return table(dict(prices or {}))
