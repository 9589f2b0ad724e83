"""OAuth 2.0 tokens: client credentials (RFC 6749, 4.4) and token exchange (RFC 8693)."""

import base64
import ipaddress
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, cast
from urllib.parse import quote, urlsplit

import aiohttp

from remit.errors import ConfigError, NoCredential
from remit.values.credential import Credential, Wanted

MAX_BYTES = 64 * 1024  # of an answer; a token has one or two thousand
CONNECT_S = 10.0
TOTAL_S = 12.0  # below what the gateway waits
DEFAULT_S = 300  # a server that does not say how long a token lives is asked again soon
MAX_S = 86_400
"""A token that lives longer is asked for again after a day all the same."""
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # the name of a type
_SECONDS = re.compile(r"[0-9]{1,15}", re.ASCII)
_CODE = re.compile(r"[a-z_]{1,64}", re.ASCII)
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthClient:
    """How this app is known to a token server. Raises `ConfigError` for an address in clear."""

    token_url: str
    client_id: str
    secret: Callable[[str], str] = field(repr=False)
    """The client's secret for a tenant; raises `NoCredential`."""
    scopes: Sequence[str] = ()
    tool_scopes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Scopes by glob of the tool's name; the first that matches counts, in place of `scopes`."""
    audience: str = ""
    send: Literal["basic", "post"] = "basic"
    """How the client shows its secret (RFC 6749, 2.3.1)."""
    subject: Callable[[Wanted], str] | None = field(default=None, repr=False)
    """The token that is exchanged, for a token exchange."""
    subject_type: str = ACCESS_TOKEN
    plain_http: bool = False

    def __post_init__(self) -> None:
        parts = urlsplit(self.token_url)
        local = parts.hostname is not None and _is_local(parts.hostname)
        safe = parts.scheme == "https" or (parts.scheme == "http" and (local or self.plain_http))
        if not safe or not parts.hostname or parts.username is not None or parts.fragment:
            raise ConfigError(
                "token_url: it begins with https:// and has no user and no fragment; plain http "
                "is for this machine, or with plain_http = true"
            )

    def scopes_of(self, tool: str) -> Sequence[str]:
        """The scopes that a tool's token has."""
        found = (each for glob, each in self.tool_scopes.items() if fnmatchcase(tool, glob))
        return next(found, self.scopes)


class OAuthCredentials:
    """Asks a token server for each token; the gateway keeps it."""

    def __init__(self, client: OAuthClient) -> None:
        self._client = client

    async def get(self, wanted: Wanted) -> Credential:
        """See `remit.ports.Credentials.get`."""
        client = self._client
        form = self._form(wanted)
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        secret = client.secret(wanted.tenant)
        if client.send == "basic":
            # Both are form-encoded first (RFC 6749, 2.3.1).
            pair = f"{quote(client.client_id, safe='')}:{quote(secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client.client_id, "client_secret": secret}
        failure: NoCredential
        try:
            status, body = await _post(client.token_url, form, headers)
        except (aiohttp.ClientError, TimeoutError) as exc:
            failure = NoCredential(
                f"the token server of {wanted.name!r} cannot be reached ({type(exc).__name__})"
            )
        else:
            return _token(wanted, status, body)
        # Raised out here: the cause holds the request, and with it the secret.
        raise failure

    def _form(self, wanted: Wanted) -> dict[str, str]:
        client = self._client
        form = {"grant_type": "client_credentials"}
        if client.subject is not None:
            form = {
                "grant_type": EXCHANGE,
                "subject_token": client.subject(wanted),
                "subject_token_type": client.subject_type,
                "requested_token_type": ACCESS_TOKEN,
            }
        scopes = client.scopes_of(wanted.tool)
        form |= {"scope": " ".join(scopes)} if scopes else {}
        return form | ({"audience": client.audience} if client.audience else {})


async def _post(url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, bytes]:
    # A session for each: tokens are asked for once in minutes.
    timeout = aiohttp.ClientTimeout(total=TOTAL_S, sock_connect=CONNECT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.post(url, data=form, headers=headers, allow_redirects=False) as response,
    ):
        pieces: list[bytes] = []
        async for chunk in response.content.iter_any():
            pieces.append(chunk)
            if sum(map(len, pieces)) > MAX_BYTES:
                return response.status, b""
        return response.status, b"".join(pieces)


def _token(wanted: Wanted, status: int, body: bytes) -> Credential:
    """The token of an answer. Nothing of the answer but the code of its error is told."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        tree = None
    answer = cast("dict[str, object]", tree) if isinstance(tree, dict) else {}
    if status != _OK:
        code = str(answer.get("error", ""))
        shown = f": {code}" if _CODE.fullmatch(code) else ""
        raise NoCredential(
            f"the token server of {wanted.name!r} refused with status {status}{shown}; check the "
            "client, its secret and its scopes"
        )
    text, kind = answer.get("access_token"), str(answer.get("token_type", ""))
    if not isinstance(text, str) or not text or kind.lower() not in ("bearer", "n_a"):
        raise NoCredential(
            f"the token server of {wanted.name!r} gave no bearer token; check token_url"
        )
    told = answer.get("expires_in")
    lives_s = int(str(told)) if _SECONDS.fullmatch(str(told)) else DEFAULT_S
    now_ms = time.time_ns() // 1_000_000
    return Credential(text, name=wanted.name, expires_ms=now_ms + min(lives_s, MAX_S) * 1_000)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
