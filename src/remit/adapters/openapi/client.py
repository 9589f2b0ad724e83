"""Carries out operations of one API over HTTP: one host, no redirects, answers bounded."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from remit.adapters.openapi.egress import Base, PinnedResolver, Resolve
from remit.adapters.openapi.operation import Operation
from remit.adapters.openapi.request import Request, request_of
from remit.errors import (
    ArgumentError,
    ConfigError,
    OutcomeUnknown,
    OutsideError,
    ToolError,
)
from remit.machine.call import Call
from remit.machine.lexemes import compact

CONNECT_S = 10.0  # a TCP and TLS handshake across the world takes one second
MAX_CONNECTIONS = 64  # as many as there are threads for other tools
KEEPALIVE_S = 30.0
MAX_ANSWER_BYTES = 4 * 1024**2
"""A model reads a fraction of it at once; the rest is paged from the artifact."""
_SAID_CHARS = 2_000  # of an error: what a model needs to mend its call
_READ_BYTES = 16 * 1024
_OK, _REDIRECT, _REFUSED, _BROKEN = 200, 300, 400, 500


class ApiClient:
    """The connections to one API. Belongs to the event loop that first uses it."""

    def __init__(
        self,
        name: str,
        base: Base,
        *,
        header: str,
        scheme: str,
        key_header: str,
        max_bytes: int,
        resolve: Resolve | None = None,
    ) -> None:
        """`header` and `scheme` carry the credential, `key_header` the idempotency key."""
        self.name = name
        self._base = base
        self._header = header
        self._scheme = scheme
        self._key_header = key_header
        self._max_bytes = max_bytes
        self._resolve = resolve
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Release connections; the next call makes new ones."""
        session, self._session, self._loop = self._session, None, None
        if session is not None:
            await session.close()

    async def carry(
        self, operation: Operation, arguments: Mapping[str, object], call: Call, *, write: bool
    ) -> str:
        """What the API answered.

        Raises `ToolError` for an answer that the model should hear, `OutsideError` where the API
        failed and nothing was done, `OutcomeUnknown` where a write may have been done.
        """
        request = request_of(operation, arguments)
        headers = {**request.headers, **self._authority(call)}
        if operation.method not in ("GET", "HEAD", "OPTIONS"):
            headers[self._key_header] = call.idempotency_key
        try:
            async with self._sent(request, headers) as response:
                return await self._answer(response, write=write)
        except aiohttp.ClientError as exc:
            failure = self._broken(exc, write=write)
        except TimeoutError:
            failure = self._failed("it did not answer in time", write=write)
        # Raised out here: an exception of aiohttp holds the request's headers, and with them the
        # credential. As a context it would travel into every log of tracebacks.
        raise failure

    def _authority(self, call: Call) -> dict[str, str]:
        if call.credential is None:
            return {}
        return {self._header: call.credential.header(self._scheme)}

    @asynccontextmanager
    async def _sent(
        self, request: Request, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        # Escaped already: encoding again would undo what keeps arguments in their place.
        url = URL(self._base.url + request.path, encoded=True)
        response = await self._ready().request(
            request.method, url, data=request.body, headers=headers, allow_redirects=False
        )
        try:
            yield response
        except BaseException:
            response.close()  # also on cancellation: nobody reads the rest
            raise
        response.release()

    def _ready(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._session is not None and self._loop is not None and not self._loop.is_closed():
                raise ConfigError(
                    f"the tools of {self.name} are used in two event loops at once; make them once "
                    "for each"
                )
            self._session, self._loop = None, loop
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=MAX_CONNECTIONS,
                    keepalive_timeout=KEEPALIVE_S,
                    resolver=PinnedResolver(self._base, self._resolve),
                    use_dns_cache=False,  # each connection is checked
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "accept": "application/json, text/*;q=0.5",
                    "accept-encoding": "identity",  # what is sent is what is counted
                    "user-agent": "remit",
                },
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
                trust_env=False,  # a proxy would look names up by itself
            )
            # It would send PUT and DELETE again by itself after a broken connection.
            self._session._retry_connection = False  # noqa: SLF001  # there is no public way
        return self._session

    # ------------------------------------------------------------ answers

    async def _answer(self, response: aiohttp.ClientResponse, *, write: bool) -> str:
        status = response.status
        if status >= _BROKEN:
            raise self._failed(f"it answered {status}", write=write)
        if status >= _REFUSED:
            body, _ = await _read(response, _READ_BYTES)
            text = body.decode("utf-8", "replace").strip()[:_SAID_CHARS]
            raise ToolError(f"{self.name} answered {status}{': ' if text else ''}{text}")
        if status >= _REDIRECT:
            raise self._failed(
                f"it answered {status} and redirects, which is not followed; mend base_url",
                write=write,
            )
        body, whole = await _read(response, self._max_bytes)
        if not whole:
            text = f"its answer is larger than {self._max_bytes} bytes"
            if write:
                return f"done ({status}), but {text}"
            raise ToolError(f"{text}; ask for less")
        return _shown(response, body)

    def _failed(self, what: str, *, write: bool) -> OutsideError:
        if write:
            return OutcomeUnknown(f"{self.name}: {what}; nobody knows whether it was done")
        return OutsideError(f"{self.name}: {what}")

    def _broken(self, exc: aiohttp.ClientError, *, write: bool) -> Exception:
        """The failure behind an exception of aiohttp, with nothing of the request in it."""
        match exc:
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                return OutsideError(f"{self.name}: TLS failed; check base_url and certificates")
            case aiohttp.ClientConnectorDNSError():
                return OutsideError(f"{self.name}: no such host; check base_url and the network")
            case aiohttp.ClientConnectorError():
                return OutsideError(f"{self.name}: cannot connect; check base_url and the network")
            case aiohttp.ConnectionTimeoutError():
                return OutsideError(f"{self.name}: no connection within {CONNECT_S:g} s")
            case _:
                return self._failed("it broke off", write=write)


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """At most `limit` bytes of the body, and whether that was all."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            pieces.append(chunk[: limit - size])
            return b"".join(pieces), False
        pieces.append(chunk)
    return b"".join(pieces), True


def _shown(response: aiohttp.ClientResponse, body: bytes) -> str:
    """An answer as the model reads it; JSON without spaces, its numbers digit for digit."""
    status, kind = response.status, response.content_type
    if not body:
        return f"done ({status})"
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return compact(body.decode())
        except (ArgumentError, UnicodeDecodeError) as exc:
            return f"done ({status}), but its answer is no JSON: {exc}"
    if kind.startswith("text/"):
        return body.decode(response.get_encoding(), "replace")
    return f"done ({status}): {len(body)} bytes of {kind}, which are not shown"
