"""The head of a request to a proxy: which host it is for, and what is sent on in its place."""

import re
from dataclasses import dataclass

from remit.policy.address import host_of

_LINE = re.compile(rb"([A-Z]{1,20}) ([\x21-\x7e]{1,16000}) HTTP/1\.[01]", re.ASCII)
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}):[ \t]*([^\r\n\x00]*)", re.ASCII)
_URL = re.compile(rb"http://([^/?#@\\]+)([/?][^#]*)?", re.ASCII | re.IGNORECASE)
# Of this connection only (RFC 9110 section 7.6.1), and the name that the URL has said already.
_NOT_SENT = frozenset({b"connection", b"proxy-connection", b"keep-alive", b"host", b"upgrade"})
_SECRET = b"proxy-authorization"
HTTP = 80
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Head:
    """Where a request goes."""

    host: str
    port: int
    tunnel: bool
    forwarded: bytes = b""
    """The head that the host is sent, where it is no tunnel."""


def read_head(content: bytes) -> Head | str:
    """The head of a request, up to and with the empty line; or what is wrong with it."""
    first, *rest = content.removesuffix(b"\r\n\r\n").split(b"\r\n")
    line = _LINE.fullmatch(first)
    if line is None:
        return "this is no request to a proxy"
    method, target = line[1], line[2]
    if method == b"CONNECT":
        place = _place(target.decode("ascii"), None)
        return Head(*place, tunnel=True) if place is not None else "CONNECT needs host:port"
    found = _URL.fullmatch(target)
    place = None if found is None else _place(found[1].decode("ascii"), HTTP)
    if found is None or place is None:
        return "this proxy takes CONNECT host:port, and requests for http://host/…"
    fields = [_FIELD.fullmatch(each) for each in rest]
    lines = [b"%s %s HTTP/1.1" % (method, _path(found[2] or b"/")), b"Host: " + found[1]]
    for field in fields:
        if field is None:
            return "a header is not readable"
        if field[1].lower() not in {*_NOT_SENT, _SECRET}:
            lines.append(field[0])
    # One request each: the next on this connection might be for another host.
    lines.append(b"Connection: close")
    return Head(*place, tunnel=False, forwarded=b"\r\n".join(lines) + b"\r\n\r\n")


def _path(rest: bytes) -> bytes:
    return rest if rest.startswith(b"/") else b"/" + rest


def _place(authority: str, default: int | None) -> tuple[str, int] | None:
    """Host and port, as every reader sees them; None where readers could differ."""
    # An address of IPv6 stands in brackets; without them a port is not told from its end.
    plain = authority.startswith("[") or authority.count(":") <= 1
    host = host_of(f"http://{authority}") if plain else None
    tail = authority.rpartition("]")[2]
    text = tail.rpartition(":")[2] if ":" in tail else ""
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else default  # noqa: PLR2004  # digits of 65535
    if host is None or port is None or (":" in tail and not text) or not 0 < port <= _MAX_PORT:
        return None
    return host, port
