"""The way out of a sandbox: declared hosts and nothing else, whatever a program or a name tries."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from remit.adapters.sandbox import egress as module
from remit.adapters.sandbox.egress import MAX_CONNECTIONS, MAX_NOTED, Egress
from remit.errors import CommandRefused, SandboxUnavailable
from remit.policy.reach import Reachable
from remit.values.command import Command, Finished
from tests.adapters.sandbox.conftest import working

pytestmark = pytest.mark.requirement("TOOL-5", "TOOL-17")


@asynccontextmanager
async def a_host(asked: list[bytes]) -> AsyncIterator[int]:
    """A server that keeps what it is sent and answers `here`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nhere")
        await writer.drain()
        await shut(writer)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def a_proxy(proxy: Egress) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))

    async def made() -> socket.socket:
        return listener

    async with proxy.serving(made):
        await asyncio.sleep(0)
        yield listener.getsockname()[1]


def names(table: dict[str, list[str]]) -> Callable[[str, int], "asyncio.Future[list[str]]"]:
    """A name service of these names; each is asked once and answers in turn."""

    async def ask(host: str, _port: int) -> list[str]:
        if host not in table:
            raise OSError("no such host")
        return [table[host].pop(0)]

    return lambda host, port: asyncio.ensure_future(ask(host, port))


async def say(port: int, text: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    writer.write_eof()
    answer = await reader.read()
    await shut(writer)
    return answer


async def shut(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def test_a_declared_host_is_reached_both_ways() -> None:
    asked: list[bytes] = []
    async with a_host(asked) as there:
        place = f"127.0.0.1:{there}"
        proxy = Egress(Reachable((place,), private=True))
        async with a_proxy(proxy) as port:
            answer = await say(port, f"GET http://{place}/x HTTP/1.1\nHost: evil.example\nA: b")
            assert answer.endswith(b"here")
            through = await say(port, f"CONNECT {place} HTTP/1.1\n\nGET /y HTTP/1.1")
            assert through.startswith(b"HTTP/1.1 200 Connection established")
            assert through.endswith(b"here")
        assert asked == [
            f"GET /x HTTP/1.1\r\nHost: {place}\r\nA: b\r\nConnection: close\r\n\r\n".encode(),
            b"GET /y HTTP/1.1\r\n\r\n",
        ]
        assert proxy.refused == ()


@pytest.mark.parametrize("form", ["CONNECT {0} HTTP/1.1", "GET http://{0}/ HTTP/1.1"])
async def test_what_is_not_declared_is_refused_and_told(form: str) -> None:
    asked: list[bytes] = []
    async with a_host(asked) as there:
        proxy = Egress(Reachable(("api.example.com",), private=True))
        async with a_proxy(proxy) as port:
            answer = await say(port, form.format(f"127.0.0.1:{there}"))
            assert answer.startswith(b"HTTP/1.1 403 Forbidden")
            assert b"it is not declared" in answer
        assert asked == []
        assert proxy.refused == (f"127.0.0.1:{there}: it is not declared",)
        assert proxy.take_refused() == (f"127.0.0.1:{there}: it is not declared",)
        assert proxy.take_refused() == ()


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.1.2.3", "::1", "169.254.169.254", "0.0.0.0"])  # noqa: S104  # refused
async def test_a_name_that_leads_inside_leads_nowhere(inside: str) -> None:
    proxy = Egress(
        Reachable(("api.example.com",), private=False), names({"api.example.com": [inside]})
    )
    async with a_proxy(proxy) as port:
        answer = await say(port, "CONNECT api.example.com:443 HTTP/1.1")
    assert answer.startswith(b"HTTP/1.1 403 Forbidden")
    assert inside in proxy.refused[0]


async def test_metadata_is_refused_even_in_a_private_network() -> None:
    proxy = Egress(
        Reachable(("api.example.com",), private=True),
        names({"api.example.com": ["169.254.169.254"]}),
    )
    async with a_proxy(proxy) as port:
        assert b"403" in await say(port, "CONNECT api.example.com:443 HTTP/1.1")


async def test_the_address_that_was_checked_is_the_one_that_is_used() -> None:
    """A name that leads elsewhere the next moment is asked once (DNS rebinding)."""
    asked: list[bytes] = []
    async with a_host(asked) as there:
        table = {"api.example.com": ["127.0.0.1", "169.254.169.254"]}
        reachable = Reachable((f"api.example.com:{there}",), private=True)
        async with a_proxy(Egress(reachable, names(table))) as port:
            answer = await say(port, f"GET http://api.example.com:{there}/ HTTP/1.1")
        assert answer.endswith(b"here")
        assert table == {"api.example.com": ["169.254.169.254"]}


async def test_what_is_not_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    reachable = Reachable(("api.example.com", f"127.0.0.1:{closed}"), private=True)
    async with a_proxy(Egress(reachable, names({}))) as port:
        assert b"502" in await say(port, "CONNECT api.example.com:443 HTTP/1.1")
        assert b"502" in await say(port, f"CONNECT 127.0.0.1:{closed} HTTP/1.1")
        assert b"400" in await say(port, "GET / HTTP/1.1")


async def test_connections_and_notes_are_bounded() -> None:
    proxy = Egress(Reachable((), private=False))
    async with a_proxy(proxy) as port:
        for number in range(MAX_NOTED + 5):
            await say(port, f"CONNECT h{number}.example.com:443 HTTP/1.1")
        assert len(proxy.refused) == MAX_NOTED
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
        await asyncio.sleep(0.05)
        with suppress(ConnectionError):
            assert await say(port, "CONNECT a.example.com:443 HTTP/1.1") == b""
        for _, writer in held:
            await shut(writer)


async def test_a_head_is_bounded_in_size_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_S", 0.05)
    async with a_proxy(Egress(Reachable((), private=False))) as port:
        for sent in (b"", b"CONNECT a", b"x" * (module.HEAD_BYTES * 2)):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            await shut(writer)


# ---------------------------------------------------------------- in a real sandbox

_FETCH = """
import os, sys, urllib.request
proxy = urllib.request.ProxyHandler({"http": os.environ["http_proxy"]})
for url in sys.argv[1:]:
    try:
        print(urllib.request.build_opener(proxy).open(url, timeout=20).read().decode())
    except OSError as error:
        print("refused", error)
"""
_AROUND = """
import errno, socket, sys
def tried(family, kind, address):
    try:
        with socket.socket(family, kind) as one:
            one.settimeout(5)
            one.connect(address)
            one.send(b"x")
        return "GOT"
    except OSError as error:
        return errno.errorcode.get(error.errno, "refused")
port = int(sys.argv[1])
print(tried(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)))
print(tried(socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 443)))
print(tried(socket.AF_INET, socket.SOCK_DGRAM, ("192.0.2.1", 53)))
print(tried(socket.AF_INET6, socket.SOCK_STREAM, ("2001:db8::1", 443)))
try:
    print(socket.getaddrinfo("example.com", 443))
except OSError:
    print("no names")
"""


@pytest.fixture(params=["bubblewrap", "netns"])
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    working(name)
    return name


async def run(kind: str, code: str, *words: str, hosts: tuple[str, ...]) -> Finished:
    argv = (sys.executable, "-I", "-S", "-c", code, *words)
    # Programs go round the proxy to 127.0.0.1 otherwise, where their own servers are.
    env = {"no_proxy": "", "NO_PROXY": ""}
    return await working(kind).run(
        Command(argv=argv, cwd="/usr", hosts=hosts, private=True, env=env)
    )


async def test_a_program_reaches_what_it_declares(kind: str) -> None:
    asked: list[bytes] = []
    async with a_host(asked) as there:
        place = f"127.0.0.1:{there}"
        urls = (f"http://{place}/a", "http://evil.example/steal")
        ended = await run(kind, _FETCH, *urls, hosts=(place,))
    first, second = ended.stdout.decode().splitlines()
    assert first == "here", ended
    assert "403" in second
    assert len(asked) == 1
    assert ended.refused == ("evil.example:80: it is not declared",)


async def test_there_is_no_other_way_out(kind: str) -> None:
    asked: list[bytes] = []
    async with a_host(asked) as there:
        ended = await run(kind, _AROUND, str(there), hosts=(f"127.0.0.1:{there}",))
    said = ended.stdout.decode().splitlines()
    assert len(said) == 5, ended
    assert "GOT" not in said
    assert said[-1] == "no names"
    assert asked == []


async def test_without_hosts_there_is_no_proxy(kind: str) -> None:
    code = "import os; print([name for name in os.environ if name.endswith('s_proxy')])"
    assert (await run(kind, code, hosts=())).stdout == b"[]\n"
    ended = await run(kind, _AROUND, "3128", hosts=())
    assert b"GOT" not in ended.stdout


async def test_it_stays_within_its_limits_and_its_descriptors(kind: str) -> None:
    code = """
import os
found = []
for fd in range(3, 256):
    try:
        os.fstat(fd)
        found.append(fd)
    except OSError:
        pass
print(found, os.environ["https_proxy"])
"""
    ended = await run(kind, code, hosts=("api.example.com",))
    assert ended.stdout == b"[] http://127.0.0.1:3128\n"


async def test_a_program_that_is_kept_open_tells_what_was_refused(kind: str) -> None:
    argv = (sys.executable, "-I", "-S", "-c", _FETCH, "http://evil.example/")
    command = Command(argv=argv, cwd="/usr", hosts=("api.example.com",))
    async with working(kind).open(command) as program:
        assert b"403" in await program.read_line()
        assert program.take_refused() == ("evil.example:80: it is not declared",)
        assert program.take_refused() == ()


async def test_without_a_network_of_its_own_it_does_not_start() -> None:
    command = Command(argv=("true",), cwd="/usr", hosts=("api.example.com",))
    with pytest.raises(SandboxUnavailable, match="needs a network of its own"):
        await working("seccomp").run(command)


@pytest.mark.parametrize("hosts", [("10.0.0.1",), ("https://x.com",), ("*",)])
async def test_hosts_that_will_not_do_are_refused(hosts: tuple[str, ...]) -> None:
    command = Command(argv=("true",), cwd="/usr", hosts=hosts)
    for name in ("bubblewrap", "seccomp"):
        with pytest.raises(CommandRefused, match="hosts: "):
            await working(name).run(replace(command))
