"""The local provider server: speaks a provider's protocol, follows a scenario, breaks on demand."""

import asyncio
import hashlib
import hmac
import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from aiohttp import web

from remit.errors import ConfigError, ProviderError
from remit.simulator import faults
from remit.simulator.cache import PromptCache, weight
from remit.simulator.compose import identifier, tokens
from remit.simulator.endpoint import Endpoint
from remit.simulator.protocols import ENDPOINTS, spoken_by
from remit.simulator.scenario import ECHO, Fault, Play, Scenario, Script, play
from remit.simulator.sending import send
from remit.simulator.served import Memory, Served
from remit.simulator.telling import model_route, told_of
from remit.simulator.usage import UsageDesk
from remit.values.clean import Clean
from remit.values.model import ModelAnswer, ModelRequest, RateLimits
from remit.values.usage import Usage
from remit.wire.codec import Counting
from remit.wire.jsontext import Json, write
from remit.wire.node import Node

MAX_BODY_BYTES = 32 * 1024**2  # the real service's limit of a request
_MAX_DIGESTS = 10_000  # of requests counted for faults that pass
_WINDOW_MS = 60_000  # rate limits are per minute
_SHUTDOWN_S = 0.1  # hanging answers are cut off, not waited for


class Simulator:
    """A running server. `served` and `usage` tell what happened; both are bounded."""

    def __init__(
        self,
        scenario: Scenario | Script,
        key: str | None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = ""
        self.memory = Memory()
        self._scenario = scenario
        self._clock_s = clock_s
        self._began_s = clock_s()
        self.desk = UsageDesk(self._known.reports)
        self._key = key
        self._cache = PromptCache()
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._met: dict[int, int] = {}
        self._count = 0
        self._window = (0, 0)  # start in Unix milliseconds, requests since

    @property
    def served(self) -> deque[Served]:
        """The newest requests, the last at the end."""
        return self.memory.served

    @property
    def usage(self) -> dict[str, Usage]:
        """Tokens answered by model, also where the answer broke off on its way: they are billed."""
        return self.memory.usage

    def follow(self, scenario: Scenario | Script) -> None:
        """Go on with another scenario: its times and counts begin now."""
        self._scenario = scenario
        self.desk.distortions = self._known.reports
        self._began_s = self._clock_s()
        self._seen.clear()
        self._met.clear()

    # ------------------------------------------------------------ deciding

    @property
    def _known(self) -> Scenario:
        return self._scenario if isinstance(self._scenario, Scenario) else ECHO

    def check_key(self, endpoint: Endpoint, headers: Mapping[str, str]) -> None:
        """Refuse a missing or wrong key with `ProviderError`."""
        key = endpoint.key_of(headers)
        if self._key is not None and not hmac.compare_digest(key.encode(), self._key.encode()):
            raise ProviderError(endpoint.wrong_key, kind="auth")

    def read(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, path: str
    ) -> tuple[ModelRequest, dict[str, Json]]:
        """The request, checked as the real service checks it. Raises `ProviderError`."""
        self.check_key(endpoint, headers)
        root = Node.of(body, kind="bad_request", about="The request body is not valid JSON: ")
        codec = endpoint.codec
        request = codec.located(codec.decode_request(body, Clean.vouch), path)
        members = root.members()
        endpoint.check(headers, members, request)
        if self.models and request.model not in self.models:
            raise endpoint.unknown_model(request.model)
        return request, members

    @property
    def models(self) -> tuple[str, ...]:
        """The models there are; none means that every name exists."""
        return self._known.models

    def decide(self, endpoint: Endpoint, request: ModelRequest, root: Mapping[str, Json]) -> Play:
        """The answer with its usage, and the fault. Raises `ProviderError`."""
        known = self._known
        bare: dict[str, Json] = {key: value for key, value in root.items() if key != "stream"}
        digest = hashlib.sha256(write(bare).encode()).hexdigest()
        made = play(
            self._scenario,
            request,
            digest,
            self._seen.get(digest, 0),
            at_s=self._clock_s() - self._began_s,
            met=self._met,
        )
        self._note(digest)
        if made.answer is None or (made.fault and self._refusal(endpoint, made.fault, request)):
            return made
        counted = self._cache.count(
            endpoint.segments(root), min_tokens=known.cache_min_tokens, now_s=self._clock_s()
        )
        if counted.total > known.context_tokens:
            raise endpoint.too_long(counted.total, known.context_tokens)
        usage = made.answer.usage
        if not usage.input:
            usage = usage.model_copy(
                update={
                    "input": counted.total,
                    "cache_read": counted.read,
                    "cache_write": counted.written,
                }
            )
        answer = endpoint.dress(replace(made.answer, usage=usage), request)
        return replace(made, answer=answer)

    def count(self, endpoint: Endpoint, counting: Counting, body: bytes) -> bytes:
        """How many tokens of input a request would be billed. Raises `ProviderError`."""
        root = Node.of(body, kind="bad_request", about="The request body is not valid JSON: ")
        segments = endpoint.segments(endpoint.counted_root(root.members()))
        return counting.encode_counted(tokens(sum(weight(one.content) for one in segments)))

    @staticmethod
    def _refusal(endpoint: Endpoint, fault: Fault, request: ModelRequest) -> ProviderError | None:
        """The error answer a fault stands for; only the service has words for some."""
        if fault.kind == "retired":
            return endpoint.unknown_model(request.model)
        return faults.refusal(fault)

    def _note(self, digest: str) -> None:
        self._seen[digest] = self._seen.get(digest, 0) + 1
        self._seen.move_to_end(digest)
        if len(self._seen) > _MAX_DIGESTS:
            self._seen.popitem(last=False)

    # ------------------------------------------------------------ serving

    def next_id(self) -> str:
        """A fresh request id."""
        self._count += 1
        return identifier("req_011C", self.url, str(self._count), length=20)

    def limit_headers(self, endpoint: Endpoint) -> dict[str, str]:
        """The rate-limit headers of an answer now."""
        now_ms = time.time_ns() // 1_000_000
        start, used = self._window
        if now_ms - start >= _WINDOW_MS:
            start, used = now_ms, 0
        self._window = (start, used + 1)
        left = start + _WINDOW_MS - now_ms
        return endpoint.limit_headers(used + 1, now_ms, window_left_ms=left)

    async def serve(self, endpoint: Endpoint, request: web.Request) -> web.StreamResponse:
        """Answer one request for a model's answer."""
        headers = _lowered(request)
        body = b""
        read: ModelRequest | None = None
        fault: Fault | None = None
        try:
            body = await request.read()
            read, root = self.read(endpoint, headers, body, request.path)
            plan = self.decide(endpoint, read, root)
            fault = plan.fault
            await asyncio.sleep((plan.latency_ms + (fault.latency_ms if fault else 0)) / 1000)
            refused = self._refusal(endpoint, fault, read) if fault is not None else None
            if refused is not None:
                raise refused
        except web.HTTPRequestEntityTooLarge:
            error = ProviderError("Request exceeds the maximum size", kind="too_large")
            return self.refuse(endpoint, error, read, fault)
        except ProviderError as exc:
            return self.refuse(endpoint, exc, read, fault, len(body))
        if fault is not None and fault.kind == "hang":
            self.memory.keep(Served(self.next_id(), 0, read, None, fault, size=len(body)))
            await faults.hang()
        return await self._answer(endpoint, request, read, plan, len(body))

    async def tell(
        self, endpoint: Endpoint, request: web.Request, telling: Callable[[bytes], bytes]
    ) -> web.Response:
        """Answer a question that bills nothing: which models there are, how many tokens."""
        try:
            self.check_key(endpoint, _lowered(request))
            body = telling(await request.read())
        except ProviderError as exc:
            return self.refuse(endpoint, exc)
        return web.Response(body=body, content_type="application/json")

    def refuse(
        self,
        endpoint: Endpoint,
        error: ProviderError,
        read: ModelRequest | None = None,
        fault: Fault | None = None,
        size: int = 0,
    ) -> web.Response:
        """Answer with an error."""
        request_id = error.request_id = self.next_id()
        failure = endpoint.codec.encode_error(error)
        limits = self.limit_headers(endpoint)
        if fault is not None and fault.resets_in_s is not None:
            limits |= used_up(endpoint, fault.resets_in_s)
        self.memory.keep(Served(request_id, failure.status, read, None, fault, str(error), size))
        return web.Response(
            status=failure.status,
            body=failure.body,
            headers=limits | failure.headers,
        )

    async def _answer(
        self,
        endpoint: Endpoint,
        request: web.Request,
        read: ModelRequest,
        plan: Play,
        size: int,
    ) -> web.StreamResponse:
        request_id = self.next_id()
        answer = plan.answer or ModelAnswer(
            parts=(), stop="end", usage=Usage(), model=read.model, provider_id=request_id
        )
        fault = plan.fault
        status = 200
        if fault is not None and fault.kind == "wrong_type":
            status = fault.status or 200
        extra = fault.size_bytes if fault is not None and fault.kind == "giant" else 0
        self.memory.keep(Served(request_id, status, read, answer, fault, size=size + extra))
        self.memory.bill(answer)
        now_ms = time.time_ns() // 1_000_000
        self.desk.ledger.note(endpoint.codec.provider, answer.model, answer.usage, now_ms)
        named = {endpoint.id_header: request_id} if endpoint.id_header else {}
        headers = self.limit_headers(endpoint) | named
        return await send(endpoint, request, read, headers, plan, answer)


def used_up(endpoint: Endpoint, resets_in_s: float) -> dict[str, str]:
    """The headers of a limit that is reached, where the protocol has such headers."""
    limits = RateLimits(
        requests_remaining=0, tokens_remaining=0, reset_after_ms=round(resets_in_s * 1000)
    )
    return endpoint.codec.encode_limits(limits, time.time_ns() // 1_000_000)


def _lowered(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


def _application(simulator: Simulator) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY_BYTES)

    async def report(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=simulator.memory.report(), content_type="application/json")

    async def models(request: web.Request) -> web.StreamResponse:
        endpoint = _asked(request)
        return await simulator.tell(
            endpoint, request, lambda _: endpoint.model_list(simulator.models)
        )

    async def unknown(request: web.Request) -> web.StreamResponse:
        error = ProviderError("Not found", kind="not_found")
        return simulator.refuse(_asked(request), error)

    app.router.add_get("/_simulator/report", report)

    async def card(request: web.Request) -> web.StreamResponse:
        endpoint, name = _asked(request), request.match_info["model"]
        return await simulator.tell(
            endpoint, request, lambda _: told_of(endpoint, simulator.models, name)
        )

    for route in dict.fromkeys(endpoint.models_route for endpoint in ENDPOINTS):
        app.router.add_get(route, models)
        app.router.add_get(model_route(route), card)
    simulator.desk.add_routes(app.router)
    for endpoint in ENDPOINTS:
        _add(app, simulator, endpoint)
    app.router.add_route("*", "/{path:.*}", unknown)
    return app


def _asked(request: web.Request) -> Endpoint:
    return spoken_by(_lowered(request), request.path)


def _add(app: web.Application, simulator: Simulator, endpoint: Endpoint) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return await simulator.serve(endpoint, request)

    app.router.add_post(endpoint.route, serve)
    counting = endpoint.codec.counting
    if counting is None:
        return
    telling = partial(simulator.count, endpoint, counting)

    async def count(request: web.Request) -> web.StreamResponse:
        return await simulator.tell(endpoint, request, telling)

    app.router.add_post(endpoint.count_route, count)


@asynccontextmanager
async def running(
    scenario: Scenario | Script = ECHO,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    key: str | None = None,
) -> AsyncIterator[Simulator]:
    """A server in this event loop for as long as the context lasts.

    `port` 0 takes a free one; `url` of the result is the base URL for a client. With `key` any
    other key is refused. A `host` that is not this machine's own must be an address on purpose:
    whoever reaches it may use it. Raises `ConfigError` if the address cannot be had.
    """
    simulator = Simulator(scenario, key)
    runner = web.AppRunner(
        _application(simulator),
        handler_cancellation=True,  # a client that goes away ends a hanging answer
        access_log=None,
        shutdown_timeout=_SHUTDOWN_S,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as exc:
            raise ConfigError(f"cannot listen on {host} port {port}: {exc.strerror}") from exc
        bound = int(runner.addresses[0][1])
        shown = f"[{host}]" if _is_v6(host) else host
        simulator.url = f"http://{shown}:{bound}"
        yield simulator
    finally:
        await runner.cleanup()


def _is_v6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6  # noqa: PLR2004  the version of IP
    except ValueError:
        return False
