"""A model behind an HTTP API: aiohttp carries what a wire codec reads and writes."""

import asyncio
import ipaddress
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO
from typing import TypeVar
from urllib.parse import urlsplit

import aiohttp
from typing_extensions import override

from remit.adapters.models.answer_reader import AnswerReader
from remit.adapters.models.key import ApiKey
from remit.adapters.models.looking import look, question
from remit.adapters.models.proxy import Way, refusal_of, way_to
from remit.errors import ConfigError, ProviderError
from remit.ports import Model
from remit.values.model import Delta, ModelAnswer, ModelCard, ModelRequest
from remit.wire import sse
from remit.wire.carry import carried
from remit.wire.codec import Codec, Counting
from remit.wire.failure import excerpt, http_date_ms

CONNECT_S = 10.0  # a TCP and TLS handshake across the world takes one second
# Providers that stream send a ping or a piece at least every few seconds.
SILENCE_S = 120.0
WHOLE_S = 600.0  # whole answers come in silence; the official SDKs wait as long
MAX_ANSWER_BYTES = 64 * 1024**2  # the longest answers known are below 2 MB
MAX_ERROR_BYTES = 64 * 1024
MAX_CONNECTIONS = 256  # one model call each; more runs at once wait for a free one
KEEPALIVE_S = 60.0  # agents come back within a minute, and a new TLS handshake costs 100 ms
COUNT_S = 10.0  # counting and looking take a fraction of a second; longer is not worth the wait
_WHOLE_BYTES = 1024**2  # what is longer is written in pieces: the loop has turns between
_HOST = re.compile(r"https?://(?:[^/?#]*@)?([A-Za-z0-9.-]{1,253})")  # for a message only
_DRAIN_S = 0.5  # the end of a stream follows its last event at once, or the connection is closed

_Result = TypeVar("_Result")


class HttpModel(Model):
    """`Model` over one protocol. Belongs to the event loop that first uses it.

    Retries nothing: that is policy. Redirects are not followed, so the key goes to one host only.
    """

    def __init__(
        self, codec: Codec, key: str, *, base_url: str | None = None, plain_http: bool = False
    ) -> None:
        """`plain_http` permits an `http` address that is not this machine's own.

        Raises `ConfigError` for a missing key or an address that cannot be used.
        """
        self.provider = codec.provider
        self._codec = codec
        self._key = ApiKey(key, variable=codec.key_variable)
        self._base, self._local = check_base_url(base_url or codec.base_url, plain_http=plain_http)
        self._way: Way = {} if self._local else way_to(self._base)
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._base!r})"

    @override
    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """See `remit.ports.Model.answer`."""
        return await self._within(deadline_s, self._exchange(request, emit))

    async def count(self, request: ModelRequest, *, deadline_s: float = COUNT_S) -> int:
        """The tokens of input that the provider counts a request as; it bills nothing for that.

        Raises `ProviderError`, of kind `bad_request` where the provider counts nothing.
        """
        counting = self._codec.counting
        if counting is None:
            raise ProviderError(
                f"{self.provider} has no place that counts tokens; use the bound of "
                "remit.values.bound",
                kind="bad_request",
            )
        return await self._within(deadline_s, self._counted(request, counting))

    async def check(self, model: str, *, deadline_s: float = COUNT_S) -> ModelCard | None:
        """What the provider tells of a model; see `remit.ports.ModelChecker.check`."""
        return await self._within(deadline_s, self._looked(model))

    async def _within(self, deadline_s: float, exchange: Coroutine[None, None, _Result]) -> _Result:
        """What an exchange brings before the deadline, its failures scrubbed of the key."""
        timer = asyncio.timeout(deadline_s)
        try:
            async with timer:
                return await exchange
        except TimeoutError:
            if not timer.expired():
                raise  # not ours: it came out of `emit`
            failure = ProviderError(
                f"{self._where()} gave no complete answer within {deadline_s:g} s", kind="timeout"
            )
        except ProviderError as exc:
            failure = self._scrubbed(exc)
        # Raised out here: an exception of aiohttp holds the request's headers, and with them the
        # key. As a context it would travel into every log of tracebacks.
        raise failure

    @override
    async def close(self) -> None:
        """Release connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _exchange(self, request: ModelRequest, emit: Callable[[Delta], None]) -> ModelAnswer:
        told, left_behind = carried(request, self.provider, self._codec.takes)
        body, path = await _encoded(self._codec.encode_request, told), self._codec.path(told)
        async with self._sent(path, body, stream=told.stream) as response:
            answer = await self._answer(response, emit)
        return replace(answer, left_behind=left_behind) if left_behind else answer

    async def _counted(self, request: ModelRequest, counting: Counting) -> int:
        told, _ = carried(request, self.provider, self._codec.takes)
        body, path = await _encoded(counting.encode_count, told), counting.path(told)
        async with self._sent(path, body, stream=False) as response:
            return counting.decode_count(await self._whole(response))

    async def _looked(self, model: str) -> ModelCard | None:
        looking, counting = self._codec.looking, self._codec.counting
        if looking is not None:
            return await look(looking, model, self._fetched, self._where())
        if counting is None:
            return None
        await self._counted(question(model), counting)
        return ModelCard(name=model)

    async def _fetched(self, path: str) -> tuple[bytes, int | None]:
        """What lies at a path, and the server's clock."""
        async with self._sent(path, None, stream=False) as response:
            told_ms = http_date_ms(response.headers.get("date", ""))
            return await self._whole(response), told_ms

    @asynccontextmanager
    async def _sent(
        self, path: str, body: bytes | None, *, stream: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A response that is an answer. Raises `ProviderError` for every other, and every break."""
        started = False
        failure: ProviderError
        try:
            async with self._posted(path, body, stream=stream) as response:
                if response.status != 200:  # noqa: PLR2004  the status of an answer
                    raise await self._refusal(response)
                started = True
                yield response
                return
        except aiohttp.ClientError as exc:
            failure = self._broken(exc, started=started, stream=stream)
        raise failure

    @asynccontextmanager
    async def _posted(
        self, path: str, body: bytes | None, *, stream: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        timeout = aiohttp.ClientTimeout(
            total=None,  # `answer` holds the deadline
            sock_connect=CONNECT_S,
            sock_read=SILENCE_S if stream else WHOLE_S,
        )
        response = await self._ready().request(
            "GET" if body is None else "POST",
            self._base + path,
            data=body if body is None or len(body) <= _WHOLE_BYTES else BytesIO(body),
            headers=self._codec.headers(self._key.reveal()),
            allow_redirects=False,
            timeout=timeout,
            **self._way,
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
                    f"one client for {self._where()} is used in two event loops at once; make one "
                    "for each"
                )
            self._session, self._loop = None, loop
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=MAX_CONNECTIONS, keepalive_timeout=KEEPALIVE_S
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"accept-encoding": "identity", "user-agent": "remit"},
            )
        return self._session

    async def _answer(
        self, response: aiohttp.ClientResponse, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        if response.content_type == sse.CONTENT_TYPE:
            answer = await self._streamed(response, emit)
        else:
            answer = self._codec.decode_answer(await self._whole(response))
        headers = _headers(response)
        return replace(
            answer,
            request_id=self._key.scrub(self._codec.request_id(headers)),
            limits=self._codec.decode_limits(headers, _now_ms()),
        )

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        """A body of JSON in one piece."""
        kind = response.content_type
        if kind == "application/json":
            body, whole = await _read(response, MAX_ANSWER_BYTES)
            if not whole:
                raise _too_long()
            return body
        body, _ = await _read(response, MAX_ERROR_BYTES)
        raise ProviderError(
            f"{self._where()} answered {kind}, which no model does: is the base URL right? "
            f"{excerpt(body.decode('utf-8', 'replace'))}",
            kind="malformed",
        )

    async def _streamed(
        self, response: aiohttp.ClientResponse, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        decoder = AnswerReader(self._codec.stream_decoder())
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise _too_long()
            for delta in decoder.feed(chunk):
                emit(delta)
            if decoder.done:
                break
        answer = decoder.finish()
        await _drain(response)
        return answer

    async def _refusal(self, response: aiohttp.ClientResponse) -> ProviderError:
        headers = _headers(response)
        if 300 <= response.status < 400:  # noqa: PLR2004  the class of redirects
            target = _HOST.match(headers.get("location", ""))
            return ProviderError(
                f"{self._where()} redirects to {target[1] if target else 'another place'}: set the "
                "base URL to where the API is; redirects are not followed, as the key goes along",
                kind="not_found",
                status=response.status,
            )
        body, _ = await _read(response, MAX_ERROR_BYTES)
        return self._codec.decode_error(response.status, headers, body, _now_ms())

    def _broken(self, exc: aiohttp.ClientError, *, started: bool, stream: bool) -> ProviderError:
        """The failure behind an exception of aiohttp, in words that name the remedy."""
        where = self._where()
        match exc:
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                return ProviderError(
                    f"{where}: TLS failed ({excerpt(str(exc.os_error))}); check the base URL, the "
                    "clock and the certificates of this machine",
                    kind="auth",
                )
            case aiohttp.ClientConnectorDNSError():
                return ProviderError(
                    f"{where}: no such host; check the base URL and the network", kind="connection"
                )
            case aiohttp.ClientConnectorError():
                reason = exc.os_error.strerror or str(exc.os_error)
                return ProviderError(
                    f"{where}: cannot connect ({excerpt(reason)}); check the base URL and the "
                    "network",
                    kind="connection",
                )
            case aiohttp.SocketTimeoutError():
                silence_s = SILENCE_S if stream else WHOLE_S
                return ProviderError(f"{where} sent nothing for {silence_s:g} s", kind="timeout")
            case aiohttp.ServerTimeoutError():
                return ProviderError(
                    f"{where}: no connection within {CONNECT_S:g} s", kind="connection"
                )
            case aiohttp.ClientHttpProxyError():  # before the next: it is one of them
                return refusal_of(exc.status, where)
            case aiohttp.ClientResponseError():
                return ProviderError(
                    f"{where} does not speak HTTP as it should ({excerpt(exc.message)}); check the "
                    "base URL",
                    kind="malformed",
                )
            case _ if started:
                return ProviderError(f"{where} broke off in its answer", kind="stream_broken")
            case _:
                # The request may have arrived and be billed: not the kind that counts as unsent.
                return ProviderError(f"{where} closed the connection", kind="stream_broken")

    def _where(self) -> str:
        return f"{self.provider} at {self._base}"

    def _scrubbed(self, error: ProviderError) -> ProviderError:
        """The same failure with nothing of the key in its text, and no context behind it."""
        return ProviderError(
            self._key.scrub(str(error)),
            kind=error.kind,
            status=error.status,
            retry_after_ms=error.retry_after_ms,
            request_id=self._key.scrub(error.request_id),
        )


def check_base_url(url: str, *, plain_http: bool = False) -> tuple[str, bool]:
    """The address without a trailing `/` or `/v1`, and whether it is this machine's own.

    Raises `ConfigError` for anything a key must not be sent to.
    """
    shown = repr(url.rpartition("@")[2])  # what stands before an @ may be a password
    try:
        parts = urlsplit(url.strip())
        host, _, _ = parts.hostname, parts.port, (parts.hostname or "").encode("idna")
    except ValueError as exc:
        raise ConfigError(f"base URL {shown}: {exc}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigError(f"base URL {shown}: it begins with https:// and names a host")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(
            f"base URL {shown}: it has no user, password, query or fragment; the key is a setting "
            "of its own"
        )
    local = _is_local(host)
    if parts.scheme == "http" and not (local or plain_http):
        raise ConfigError(
            f"base URL {shown}: plain http would send the key in clear over the network; use "
            "https, or permit it with plain_http=True on a network you trust"
        )
    path = parts.path.rstrip("/").removesuffix("/v1")  # users copy it with and without
    return f"{parts.scheme}://{parts.netloc}{path}", local


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _encoded(encode: Callable[[ModelRequest], bytes], request: ModelRequest) -> bytes:
    """The body; in a thread where there are images, since 14 MiB of them take 100 ms."""
    return await asyncio.to_thread(encode, request) if request.media else encode(request)


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _too_long() -> ProviderError:
    return ProviderError(f"an answer of more than {MAX_ANSWER_BYTES} bytes", kind="malformed")


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


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read to the end of the body, so that the connection can be used again, but do not wait."""
    try:
        async with asyncio.timeout(_DRAIN_S):
            _, whole = await _read(response, MAX_ERROR_BYTES)
    except (TimeoutError, aiohttp.ClientError):
        whole = False  # the answer is complete; only the connection is lost
    if not whole:
        response.close()
