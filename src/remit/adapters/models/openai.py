"""The clients of OpenAI's two protocols, and of servers compatible with them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from remit.adapters.models.http import HttpModel
from remit.errors import ConfigError
from remit.wire.codec import Codec
from remit.wire.openai import address
from remit.wire.openai.address import Address
from remit.wire.openai_chat import dialect
from remit.wire.openai_chat.codec import chat_codec
from remit.wire.openai_responses.codec import responses_codec

_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
# Headers that the client makes itself: a second one would be sent beside it.
_OWN_HEADERS = frozenset({"authorization", "api-key", "content-type", "content-length", "accept"})

_Server = TypeVar("_Server", bound=Address)


class OpenAIModel(HttpModel):
    """Models behind the Responses protocol as a `remit.ports.Model`."""

    def __init__(  # all by name, each a setting of a server
        self,
        key: str,
        *,
        base_url: str | None = None,
        plain_http: bool = False,
        provider: str = "openai",
        key_variable: str = "OPENAI_API_KEY",
        api_version: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """See `HttpModel`; without `base_url` OpenAI's own service is asked.

        A base URL is what the SDKs call so, as a rule with its `/v1`; a host alone gets it. Azure
        is known by its host: it gets the key in `api-key`, and `api_version` in the query where
        one is given. `provider` is the prefix of model names, `headers` are sent besides.
        """
        named = replace(
            address.OPENAI,
            provider=provider,
            key_variable=key_variable,
            caches_by_key=base_url is None or _is_openai(base_url),
        )
        codec = responses_codec(_placed(named, base_url, api_version, "responses"))
        super().__init__(
            _with(codec, headers), key, base_url=_bare(base_url), plain_http=plain_http
        )


class OpenAIChatModel(HttpModel):
    """Models behind the Chat Completions protocol as a `remit.ports.Model`."""

    def __init__(  # noqa: PLR0913  # all by name, each a setting of a server
        self,
        key: str,
        *,
        base_url: str | None = None,
        plain_http: bool = False,
        provider: str = "openai-chat",
        key_variable: str = "OPENAI_API_KEY",
        api_version: str = "",
        headers: Mapping[str, str] | None = None,
        limit: Literal["max_completion_tokens", "max_tokens"] | None = None,
        reasoning: Literal["", "reasoning_content", "reasoning"] | None = None,
    ) -> None:
        """See `OpenAIModel`.

        `limit` and `reasoning` are where output limit and reasoning stand in a request; unless
        they are given, OpenAI and Azure are spoken to in their own way, and everyone else as
        compatible servers understand it: `max_tokens`, but for OpenAI's own newer models, which
        refuse it behind whichever gateway, and `reasoning_content`.
        """
        is_own = base_url is None or _is_openai(base_url)
        is_azure = _host(base_url or "").endswith(_AZURE)
        spoken = dialect.OPENAI if is_own or is_azure else dialect.COMPATIBLE
        named = replace(
            spoken,
            provider=provider,
            key_variable=key_variable,
            caches_by_key=is_own,
            limit=spoken.limit if limit is None else limit,
            reasoning=spoken.reasoning if reasoning is None else reasoning,
        )
        codec = chat_codec(_placed(named, base_url, api_version, "chat/completions"))
        super().__init__(
            _with(codec, headers), key, base_url=_bare(base_url), plain_http=plain_http
        )


def _host(url: str) -> str:
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""  # refused where the whole address is checked


def _is_openai(url: str) -> bool:
    host = _host(url)
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _bare(url: str | None) -> str | None:
    return None if url is None else url.strip().rstrip("/").removesuffix("/v1")


def _placed(where: _Server, base_url: str | None, api_version: str, name: str) -> _Server:
    """The server with the path its base URL calls for."""
    url = (base_url or "").strip().rstrip("/")
    below = url.partition("://")[2].partition("/")[2]
    is_azure = _host(url).endswith(_AZURE)
    placed = f"/v1/{name}" if not below or below.split("/")[-1] == "v1" else f"/{name}"
    if not is_azure:
        return replace(where, path=placed, api_version=api_version)
    above = "" if below else "/openai"
    if api_version[:1].isdigit():
        # Versions by date belong to Azure's older address, where chat has one a deployment.
        chat = name.startswith("chat")
        placed = f"{above}/deployments/{{model}}/{name}" if chat else f"{above}/{name}"
    elif below in {"", "openai"}:
        placed = f"{above}/v1/{name}"
    return replace(where, path=placed, api_version=api_version, key_header="api-key")


def _with(codec: Codec, headers: Mapping[str, str] | None) -> Codec:
    """The codec with headers besides its own. Raises `ConfigError` for those that cannot be."""
    more = {name.lower(): value for name, value in (headers or {}).items()}
    for name, value in more.items():
        if name in _OWN_HEADERS:
            raise ConfigError(f"header {name!r}: the client sets it itself")
        if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
            raise ConfigError(f"header {name!r}: not a name of a header")
        if not value.isprintable():
            raise ConfigError(f"header {name!r}: its value has a line end or another odd character")
    if not more:
        return codec
    own: Callable[[str], dict[str, str]] = codec.headers
    return replace(codec, headers=lambda key: own(key) | more)
