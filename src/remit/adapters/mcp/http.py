"""The HTTP of an MCP server: one host, checked when connecting, no redirects, answers bounded."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import httpx2
from typing_extensions import override

from remit.policy.address import host_of
from remit.policy.reach import checked_host, refusal

CONNECT_S = 10.0
TOTAL_S = 300.0
"""One answer, from its first byte to its last; the gateway cuts calls long before."""
MAX_ANSWER_BYTES = 8 * 1024**2
"""One answer; as much as a line of a server that is a program."""
# A server may end a stream and let the client come back for the rest. A hostile one does it for
# ever, so they are counted, and nothing else is fetched: we wait for nothing that we did not ask.
MAX_RESUMED = 32
_RESUMES = "last-event-id"
_SESSION = "mcp-session-id"
_REDIRECT, _REFUSED, _GONE = 300, 400, 404

# Errors of our own, told apart from the server's: JSON-RPC leaves -32000 to -32099 to us.
NOT_SENT = -32_090
"""Nothing left this machine."""
EXPIRED = -32_091
"""The server knows the session no more; nothing was done."""
UNREADABLE = -32_092
"""It answered in a way that is not read; whether it did something is not known."""
TURNED_AWAY = -32_093
"""It wants a credential, or another one; nothing was done."""
OVERRUN = "its answer is longer, or takes longer, than is read"

Resolve = Callable[[str, int], Awaitable[list[str]]]


def check_url(url: str, *, private: bool) -> str:
    """The address of a server. Raises `SpecError` for one that must not be reached."""
    checked_host("url", url, private=private, query=True)
    return url


async def _ask(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class _Bounded(httpx2.AsyncByteStream):
    """A body of at most so many bytes, which ends in time."""

    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        left, until_s = MAX_ANSWER_BYTES, time.monotonic() + TOTAL_S
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0 or time.monotonic() > until_s:
                # What the client tells whoever waits for this answer, and nobody else.
                raise httpx2.StreamError(OVERRUN)
            yield chunk

    @override
    async def aclose(self) -> None:
        await self._inner.aclose()


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Connects to the address that was checked, under the name that was asked for.

    What is refused is answered in the server's place, as an error of one request, so that a
    session with other requests under way goes on.
    """

    def __init__(
        self, url: str, *, private: bool, token: str = "", resolve: Resolve | None = None
    ) -> None:
        """`token`: the credential of each request, empty for none."""
        # What is sent is what is counted.
        self._inner = httpx2.AsyncHTTPTransport(trust_env=False)
        self._origin = httpx2.URL(url)
        self._host = host_of(url) or ""
        self._private = private
        self._authorization = f"Bearer {token}" if token else ""
        self._resolve = resolve or _ask
        self._resumed = 0

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The server's answer, or ours in its place."""
        name, port = request.url.host, request.url.port
        origin = self._origin
        if (request.url.scheme, name, port) != (origin.scheme, origin.host, origin.port):
            return _instead(NOT_SENT, f"{name} is not the host of this server")
        if request.method == "GET":
            self._resumed += _RESUMES in request.headers
            if _RESUMES not in request.headers or self._resumed > MAX_RESUMED:
                return httpx2.Response(405)
        expires = _SESSION in request.headers
        if self._authorization:
            request.headers["authorization"] = self._authorization
        request.headers["accept-encoding"] = "identity"
        answer = await self._sent(request)
        return answer if answer.extensions.get("ours") else await _readable(answer, expires=expires)

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            async with asyncio.timeout(CONNECT_S):
                found = await self._resolve(self._host, port)
        except (OSError, TimeoutError):
            found = []
        for each in found:
            why = refusal(each, private=self._private)
            if why is not None:
                return _instead(NOT_SENT, f"{self._host} leads to {each}: {why}")
        request.headers["host"] = request.url.netloc.decode()
        request.extensions = {**request.extensions, "sni_hostname": self._host}
        # A copy: what the client remembers of its request keeps the name.
        for each in found:
            copy = httpx2.Request(
                request.method,
                request.url.copy_with(host=each),
                headers=request.headers,
                stream=request.stream,
                extensions=request.extensions,
            )
            try:
                return await self._inner.handle_async_request(copy)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
            except httpx2.HTTPError as exc:
                return _instead(UNREADABLE, f"it broke off ({type(exc).__name__})")
        return _instead(NOT_SENT, f"{self._host} cannot be connected to")

    @override
    async def aclose(self) -> None:
        """Release connections."""
        await self._inner.aclose()


async def _readable(answer: httpx2.Response, *, expires: bool) -> httpx2.Response:
    """The answer, bounded; ours instead where it must not be followed or cannot be read."""
    status = answer.status_code
    refused = ""
    code = UNREADABLE
    if _REDIRECT <= status < _REFUSED:
        refused = f"it answered {status} and redirects, which is not followed; mend its url"
    elif status == _GONE and expires:
        refused, code = "it knows the session no more", EXPIRED
    elif status in (401, 403):
        refused, code = (
            f"it answered {status}: the credential is missing or not enough",
            TURNED_AWAY,
        )
    elif answer.headers.get("content-encoding", "identity").lower() != "identity":
        refused = "its answer is packed, though it was asked not to"
    if refused:
        await answer.aclose()
        return _instead(code, refused)
    if isinstance(answer.stream, httpx2.AsyncByteStream):
        answer.stream = _Bounded(answer.stream)
    return answer


def _instead(code: int, text: str) -> httpx2.Response:
    """An answer of our own: an error of the one request that it answers."""
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": text}}
    return httpx2.Response(
        502,
        headers={"content-type": "application/json"},
        content=json.dumps(body).encode(),
        extensions={"ours": True},
    )


async def a_client(transport: PinnedTransport) -> AsyncGenerator[httpx2.AsyncClient, None]:
    """A client over a pinned transport."""
    timeout = httpx2.Timeout(TOTAL_S, connect=CONNECT_S)
    async with httpx2.AsyncClient(
        transport=transport, follow_redirects=False, timeout=timeout, trust_env=False
    ) as client:
        yield client
