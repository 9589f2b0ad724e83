"""Settings, read once and frozen: arguments, then environment, then `remit.toml`, then defaults."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from remit.errors import ConfigError

DEFAULT_URL = "sqlite:///.remit/journal.db"
FILE = "remit.toml"
Environment = Literal["dev", "ci", "production"]
_MAX_BYTES = 1024 * 1024  # a settings file; anything larger is the wrong file


class ProviderConfig(BaseModel):
    """How to reach one provider. The key itself never stands in a file of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str | None = None
    api_key_env: str | None = None
    plain_http: bool = False
    """Allow http:// to another machine than this one."""


class Settings(BaseModel):
    """Everything a process needs to know besides its agents."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = DEFAULT_URL
    environment: Environment = "dev"
    providers: Mapping[str, ProviderConfig] = {}


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
    chosen = {
        "url": url or variables.get("REMIT_URL"),
        "environment": environment or variables.get("REMIT_ENVIRONMENT"),
    }
    values |= {key: value for key, value in chosen.items() if value is not None}
    try:
        return Settings.model_validate(values)
    except ValidationError as exc:
        error = exc.errors()[0]
        key = ".".join(str(part) for part in error["loc"])
        raise ConfigError(
            f"{path}: {key} = {error['input']!r}: {error['msg']}; "
            "known keys: url, environment, providers.NAME.{base_url, api_key_env, plain_http}"
        ) from exc


def _read_file(path: Path) -> dict[str, object]:
    if path.stat().st_size > _MAX_BYTES:
        raise ConfigError(f"{path}: larger than {_MAX_BYTES} bytes; is it the right file?")
    try:
        return cast("dict[str, object]", tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc
