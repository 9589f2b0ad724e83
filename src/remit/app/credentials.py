"""Credentials of tools: those that the settings declare and those that a program hands in."""

from collections.abc import Callable, Mapping
from typing import cast

from remit.app.credential_settings import CredentialConfig
from remit.app.load import named
from remit.app.secrets import Secrets, make_source
from remit.errors import ConfigError, NoCredential
from remit.ports import Credentials
from remit.runtime.credentials import Declared
from remit.values.credential import Wanted

_SECRET = "remit.adapters.credentials.secret"  # noqa: S105  # the name of a module
_OAUTH = "remit.adapters.credentials.oauth"


def declared_credentials(
    config: Mapping[str, CredentialConfig],
    given: Mapping[str, Credentials],
    secrets: Secrets,
    variables: Mapping[str, str],
) -> dict[str, Declared]:
    """Those of the settings and those handed in. Raises `ConfigError` for a name in both."""
    twice = sorted(config.keys() & given.keys())
    if twice:
        raise ConfigError(f"the credential {twice[0]!r} is declared in remit.toml and in Python")
    made = {name: Declared(source=each) for name, each in given.items()}
    for name, each in config.items():
        source = _source(name, each, secrets, variables)
        made[name] = Declared(source=source, tools=each.tools, tenants=each.tenants)
    return made


def _source(
    name: str, config: CredentialConfig, secrets: Secrets, variables: Mapping[str, str]
) -> Credentials:
    name_for = cast("Callable[[str, str], str]", named(_SECRET, "name_for", ""))
    make = cast("Callable[..., Credentials]", named(_SECRET, "SecretCredentials", ""))
    if config.kind == "secret":
        return make(config.secret, secrets.read, secrets.where)
    if config.kind == "environment":
        source = make_source("env:", variables)
        return make(config.secret, source.read, source.where)

    def read(template: str, tenant: str) -> str:
        key = name_for(template, tenant)
        found = secrets.read(key)
        if not found:
            raise NoCredential(f"the credential {name!r} needs a secret: set {secrets.where(key)}")
        return found.strip()

    def subject(wanted: Wanted) -> str:
        return read(config.subject, wanted.tenant)

    client = cast("Callable[..., object]", named(_OAUTH, "OAuthClient", ""))
    oauth = cast("Callable[[object], Credentials]", named(_OAUTH, "OAuthCredentials", ""))
    return oauth(
        client(
            token_url=config.token_url,
            client_id=config.client_id,
            secret=lambda tenant: read(config.secret, tenant),
            scopes=config.scopes,
            tool_scopes=config.tool_scopes,
            audience=config.audience,
            send=config.send,
            subject=subject if config.kind == "token-exchange" else None,
            plain_http=config.plain_http,
        )
    )
