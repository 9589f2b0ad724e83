"""The head of a request to the proxy: one reading only, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.sandbox.heads import Head, read_head

pytestmark = pytest.mark.requirement("TOOL-17")


def head(text: str) -> Head | str:
    return read_head(text.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n")


@pytest.mark.parametrize(
    ("target", "host", "port"),
    [
        ("example.com:443", "example.com", 443),
        ("EXAMPLE.com.:8443", "example.com", 8443),
        ("[2606:4700::1]:443", "2606:4700::1", 443),
        ("127.1:22", "127.1", 22),  # what it is, the rules say
    ],
)
def test_a_tunnel(target: str, host: str, port: int) -> None:
    assert head(f"CONNECT {target} HTTP/1.1\nHost: evil.example") == Head(host, port, tunnel=True)


def test_a_whole_url_is_sent_on_without_what_is_ours() -> None:
    found = head(
        "POST http://Example.com:8080/a?b=c HTTP/1.1\nHost: evil.example\nX-A: 1\n"
        "Proxy-Authorization: Basic x\nConnection: keep-alive\nContent-Length: 2"
    )
    assert found == Head(
        "example.com",
        8080,
        tunnel=False,
        forwarded=b"POST /a?b=c HTTP/1.1\r\nHost: Example.com:8080\r\nX-A: 1\r\n"
        b"Content-Length: 2\r\nConnection: close\r\n\r\n",
    )
    bare = head("GET http://example.com?x HTTP/1.1")
    assert isinstance(bare, Head)
    assert (bare.port, bare.forwarded[:13]) == (80, b"GET /?x HTTP/")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET / HTTP/1.1",
        "GET https://example.com/ HTTP/1.1",
        "GET ftp://example.com/ HTTP/1.1",
        "GET http://user@example.com/ HTTP/1.1",
        "GET http://exa%6dple.com/ HTTP/1.1",
        "GET http:///x HTTP/1.1",
        "GET http://example.com\\@evil.example/ HTTP/1.1",
        "GET http://example.com/ HTTP/2",
        "get http://example.com/ HTTP/1.1",
        "GET http://example.com/ a HTTP/1.1",
        "GET http://example.com/ HTTP/1.1\n folded: 1",
        "GET http://example.com/ HTTP/1.1\nno colon",
        "GET http://example.com/ HTTP/1.1\nX : 1",
        "GET http://example.com/ HTTP/1.1\nX: a\0b",
        "GET http://example.com:99999/ HTTP/1.1",
        "GET http://example.com:/ HTTP/1.1",
        "CONNECT example.com HTTP/1.1",
        "CONNECT example.com: HTTP/1.1",
        "CONNECT example.com:0 HTTP/1.1",
        "CONNECT example.com:x HTTP/1.1",
        "CONNECT example.com:+443 HTTP/1.1",
        "CONNECT a@example.com:443 HTTP/1.1",
        "CONNECT /etc/passwd:443 HTTP/1.1",
        "CONNECT example.com:443:443 HTTP/1.1",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(text: str) -> None:
    assert isinstance(head(text), str)


@given(st.binary(max_size=200))
def test_garbage_never_raises(content: bytes) -> None:
    read_head(content + b"\r\n\r\n")


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_no_line_is_smuggled(target: str) -> None:
    found = read_head(f"GET http://{target} HTTP/1.1\r\nA: b\r\n\r\n".encode())
    if isinstance(found, Head):
        assert found.forwarded.count(b"\r\n\r\n") == 1
        assert found.forwarded.lower().count(b"\r\nhost:") == 1
