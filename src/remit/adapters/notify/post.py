"""Sends requests to channels over HTTP: bounded, never redirected, its errors show no secret."""

import asyncio
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from remit.errors import ConfigError, NotDelivered

_MAX_ANSWER_BYTES = 64 * 1024  # receivers answer with a line; a search with one ticket
_MAX_CONNECTIONS = 16  # twice what one lane has under way
_MAX_WAIT_S = 300.0  # of a Retry-After that is honoured
_AGAIN = frozenset({408, 409, 425, 429})
_SERVER_ERROR, _GOOD, _REDIRECT = 500, 200, 300


def check_address(url: str, where: str, *, plain_http: bool = False) -> str:
    """The address, if notices may be sent there. Raises `ConfigError` that does not show it whole.

    The address of an incoming webhook is a secret of its own, so only its host is named.
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ConfigError(f"{where}: the address cannot be read") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"{where}: the address begins with https:// and names a host")
    if parts.username is not None or parts.fragment:
        raise ConfigError(f"{where}: the address of {host} has no user, password or fragment")
    if parts.scheme == "http" and not (plain_http or _is_local(host)):
        raise ConfigError(
            f"{where}: plain http would send what agents do in clear to {host}; use https, or say "
            "plain_http = true on a network you trust"
        )
    return url.strip()


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Poster:
    """One pool of connections; belongs to the event loop that first uses it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(  # each is one part of a request
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str],
        deadline_s: float,
    ) -> bytes:
        """The body of a good answer. Raises `NotDelivered` for every other, and every break."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=_MAX_CONNECTIONS)
            self._session = aiohttp.ClientSession(connector=connector, trust_env=False)
        host = urlsplit(url).hostname
        failure: NotDelivered
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._session.request(
                    method, url, data=body, headers=headers, allow_redirects=False
                ) as response,
            ):
                found = await response.content.read(_MAX_ANSWER_BYTES)
                if _GOOD <= response.status < _REDIRECT:
                    return found
                status = response.status
                failure = NotDelivered(
                    f"{host} answered {status}",
                    again=status in _AGAIN or status >= _SERVER_ERROR,
                    after_s=_wait_s(response.headers.get("retry-after", "")),
                )
        except TimeoutError:
            failure = NotDelivered(f"{host} did not answer within {deadline_s:g} s", again=True)
        except (aiohttp.ClientError, OSError) as exc:
            failure = NotDelivered(f"{host} cannot be reached ({type(exc).__name__})", again=True)
        # Raised out here: an exception of aiohttp holds address and headers, and they are secret.
        raise failure

    async def close(self) -> None:
        """Release connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _wait_s(text: str) -> float:
    """Seconds of a Retry-After; dates are rare here, and the own pause will do."""
    return min(float(text), _MAX_WAIT_S) if text.isascii() and text.isdigit() else 0.0
