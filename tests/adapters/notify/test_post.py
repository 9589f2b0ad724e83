"""Requests to channels are bounded, never redirected, and show no secret when they fail."""

import asyncio
import socket

import pytest

from remit.adapters.notify.post import Poster, check_address
from remit.errors import ConfigError, NotDelivered
from tests.app.channel_fakes import receiving

pytestmark = pytest.mark.requirement("APR-2")
HIDDEN = "T000/B000/part-of-a-secret"


@pytest.mark.parametrize(
    "url",
    ["https://a.example/x?y=1", "http://localhost:1/x", "http://127.0.0.1/x", "http://[::1]:9/"],
)
def test_these_may_be_sent_to(url: str) -> None:
    assert check_address(f" {url} ", "channels.x") == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://a.example", "begins with https://"),
        ("https://", "names a host"),
        (f"https://u:p@a.example/{HIDDEN}", "no user"),
        (f"https://a.example/{HIDDEN}#x", "fragment"),
        (f"http://a.example/{HIDDEN}", "plain http would send"),
        (f"https://a.example:no/{HIDDEN}", "cannot be read"),
    ],
)
def test_these_may_not_and_the_address_is_not_shown(url: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        check_address(url, "channels.x")
    assert "channels.x" in str(caught.value)
    assert HIDDEN not in str(caught.value)
    assert check_address("http://a.example/x", "x", plain_http=True) == "http://a.example/x"


@pytest.mark.parametrize(
    ("status", "again"), [(302, False), (400, False), (404, False), (408, True), (429, True),
                          (500, True), (503, True)],
)  # fmt: skip
async def test_what_is_no_good_answer_is_told_without_the_address(status: int, again: bool) -> None:
    async with receiving() as receiver:
        receiver.statuses = [status]
        poster = Poster()
        with pytest.raises(NotDelivered, match=f"127.0.0.1 answered {status}") as caught:
            await poster.send("POST", f"{receiver.url}/{HIDDEN}", headers={}, deadline_s=9)
        await poster.close()
        assert caught.value.again is again
        assert HIDDEN not in repr(caught.value)
        assert caught.value.__context__ is None
        assert len(receiver.got) == 1


async def test_one_that_hangs_or_is_not_there_is_left() -> None:
    poster = Poster()
    async with receiving() as receiver:
        receiver.gate = asyncio.Event()
        with pytest.raises(NotDelivered, match=r"within 0\.05 s") as caught:
            await poster.send("POST", receiver.url, headers={}, deadline_s=0.05)
        assert caught.value.again
        receiver.gate.set()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotDelivered, match="cannot be reached") as caught:
        await poster.send("POST", f"http://127.0.0.1:{port}/", headers={}, deadline_s=9)
    assert caught.value.again
    await poster.close()
    await poster.close()
