"""The HTTP of an MCP server: one host, addresses checked when connecting, no redirects."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from urllib.parse import urlsplit

import httpx2
from typing_extensions import override

from remit.errors import OutsideError, SpecError
from remit.policy.address import host_of, is_private
from remit.policy.metadata_host import is_metadata

CONNECT_S = 10.0
_TOTAL_S = 300.0  # the gateway cuts calls long before; this ends what nobody waits for

Resolve = Callable[[str, int], Awaitable[list[str]]]


def check_url(url: str, *, private: bool) -> str:
    """The address of a server. Raises `SpecError` for one that must not be reached."""
    host, parts = host_of(url), urlsplit(url)
    if host is None or parts.scheme not in ("http", "https") or parts.fragment:
        raise SpecError(
            f"url {url.rpartition('@')[2]!r}: it begins with https:// and names a host, no user"
        )
    if parts.scheme == "http" and not private:
        raise SpecError(f"url {url!r}: plain http needs private=True, on a network that you trust")
    _check(host, private=private)
    return url


def _check(host: str, *, private: bool) -> None:
    if is_metadata(host):
        raise SpecError(f"{host} tells machines their secrets; no tool reaches it")
    if not private and is_private(host):
        raise SpecError(f"{host} lies in a private network; say private=True where that is meant")


async def _ask(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in found]


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Connects to the address that was checked, under the name that was asked for."""

    def __init__(
        self, url: str, *, private: bool, token: Callable[[], str], resolve: Resolve | None = None
    ) -> None:
        """`token`: the value of `Authorization` for each request, empty for none."""
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)
        self._host = host_of(url) or ""
        self._private = private
        self._token = token
        self._resolve = resolve or _ask

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises `OutsideError` for another host, or an address that is refused."""
        if request.url.host.lower() != self._host:
            raise OutsideError(f"{request.url.host} is not the host of this server")
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        found = await self._resolve(self._host, port)
        try:
            for each in found:
                _check(each, private=self._private)
        except SpecError as exc:
            raise OutsideError(f"{self._host}: {exc}") from None
        token = self._token()
        if token:
            request.headers["authorization"] = token
        request.headers["host"] = request.url.netloc.decode()
        request.extensions = {**request.extensions, "sni_hostname": self._host}
        request.url = request.url.copy_with(host=found[0])
        return await self._inner.handle_async_request(request)

    @override
    async def aclose(self) -> None:
        """Release connections."""
        await self._inner.aclose()


async def a_client(transport: PinnedTransport) -> AsyncGenerator[httpx2.AsyncClient, None]:
    """A client over a pinned transport."""
    timeout = httpx2.Timeout(_TOTAL_S, connect=CONNECT_S)
    async with httpx2.AsyncClient(
        transport=transport, follow_redirects=False, timeout=timeout, trust_env=False
    ) as client:
        yield client
