"""Serves an App with uvicorn until SIGTERM or SIGINT, and then lets it finish what it can."""

import asyncio
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
import uvloop
from starlette.applications import Starlette
from typing_extensions import override

from remit.app.app import App
from remit.errors import ConfigError
from remit.server.bounded import BoundedProtocol
from remit.server.build import build
from remit.server.settings import ServerSettings

log = logging.getLogger("remit.server")
_LOCAL = ("localhost", "127.0.0.1", "[::1]", "::1")
_KEEP_ALIVE_S = 65  # longer than proxies keep idle connections, so that they close them first
_ANSWERS_S = 5  # for answers under way, once no new request is taken
_LOOK_S = 0.05
_BACKLOG = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to listen; port 0: any free one."""

    host: str = "127.0.0.1"
    port: int = 0
    open_to_all: bool = False
    """Serve other machines though nobody could sign in."""
    forwarded_allow_ips: str = ""
    """Proxies whose X-Forwarded-* is believed, separated by commas; `*` for any."""

    @property
    def is_loopback(self) -> bool:
        """Only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would end the process before the App is closed."""

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    app: App,
    place: Place,
    settings: ServerSettings,
    *,
    ready: Callable[[str, str], None],
) -> None:
    """Open the app and serve it until a signal.

    `ready` gets the address, and the one-time link or nothing. Raises `ConfigError` where the
    address cannot be had, or is open to others while nobody could sign in.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_here(app, place, settings, ready=ready))


async def serve_here(
    app: App,
    place: Place,
    settings: ServerSettings,
    *,
    ready: Callable[[str, str], None],
) -> None:
    """The same in an event loop that runs already, whose SIGTERM and SIGINT it takes."""
    if place.is_loopback and not settings.hosts:
        settings = settings.model_copy(update={"hosts": _LOCAL})
    app.readers_may_come = True  # to runs that are taken up as it opens, too
    async with app:
        known = await app.access.anybody()
        if not (place.is_loopback or known or place.open_to_all):
            raise ConfigError(
                f"{place.host} can be reached from other machines, and nobody could sign in: make "
                "a user (remit user add NAME --role admin) or a key (remit key create), or say "
                "--open-to-all"
            )
        server = build(app, settings)
        # Whoever reads the log of a host must not become the one who started the server.
        links = place.is_loopback or not known
        await _run(server, app, place, ready, links=links)


async def _run(
    server: Starlette,
    app: App,
    place: Place,
    ready: Callable[[str, str], None],
    *,
    links: bool,
) -> None:
    settings: ServerSettings = server.state.settings
    uvicorn_server = _Server(_config(server, place))
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.state.draining.set()
        app.engine.resting = True
        uvicorn_server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    listening = _listen(place)
    serving = asyncio.create_task(uvicorn_server.serve(sockets=[listening]))
    try:
        while not uvicorn_server.started and not serving.done():  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(_LOOK_S)
        if uvicorn_server.started:
            address = _address(listening, place)
            link = f"{address}/login?token={server.state.link.make()}" if links else ""
            ready(address, link)
        await serving
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
    await _drain(app, settings.drain_s)


async def _drain(app: App, drain_s: float) -> None:
    """Let runs go on for a while; what is cut then is taken up by the next process."""
    loop = asyncio.get_running_loop()
    until = loop.time() + drain_s
    while app.engine.live and loop.time() < until:  # noqa: ASYNC110  # it has no event
        await asyncio.sleep(_LOOK_S)
    if app.engine.live:
        log.warning("%d runs go on in the next process", len(app.engine.live))


def _config(server: Starlette, place: Place) -> uvicorn.Config:
    proxies = place.forwarded_allow_ips
    return uvicorn.Config(
        server,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",  # the app is open
        log_config=None,
        access_log=False,  # a query may hold the one-time token
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_ANSWERS_S,
        backlog=_BACKLOG,
    )


def _listen(place: Place) -> socket.socket:
    """The socket: uvicorn would end the process where it cannot be had. Raises `ConfigError`."""
    try:
        found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        return socket.create_server(found[0][4][:2], family=found[0][0], backlog=_BACKLOG)
    except OSError as exc:
        raise ConfigError(
            f"{place.host}:{place.port} cannot be had ({exc.strerror}); name another --host or "
            "--port"
        ) from exc


def _address(listening: socket.socket, place: Place) -> str:
    """Where it listens, as an address for people."""
    port = listening.getsockname()[1]
    host = f"[{place.host}]" if ":" in place.host else place.host
    if place.host in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://{host}:{port}"
