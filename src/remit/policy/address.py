"""Hosts and addresses in every notation: which host a URL names, and whether it is private."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

# IANA's special-purpose registries (RFC 6890 and its updates), multicast included: nothing there
# is a host of the open internet. The standard library's own list changes between its versions.
_V4 = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
# The open internet of IPv6 is 2000::/3 without these.
_V6_GLOBAL = IPv6Network("2000::/3")
_V6 = tuple(IPv6Network(each) for each in ("2001::/23", "2001:db8::/32", "3fff::/20"))
_6TO4, _NAT64 = IPv6Network("2002::/16"), IPv6Network("64:ff9b::/96")
# Azure's wire server: a public address that answers only inside, with secrets of the machine.
_INSIDE = frozenset({IPv4Address("168.63.129.16")})
# Names that mean this machine or its network, and services that answer with any address one asks.
_NAMES = frozenset(
    {"localhost", "metadata", "instance-data", "ip6-localhost", "ip6-loopback", "broadcasthost"}
    | {"localtest.me", "lvh.me", "vcap.me", "nip.io", "sslip.io", "xip.io"}
)
_ENDINGS = (
    ".localhost",
    ".local",
    ".internal",
    ".intranet",
    ".lan",
    ".home.arpa",
    ".localdomain",
    ".svc",
    ".cluster.local",
    ".localtest.me",
    ".lvh.me",
    ".nip.io",
    ".sslip.io",
    ".xip.io",
    ".vcap.me",
)
_PART = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+", re.ASCII)
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,62})(\.[a-z0-9_-]{1,63})*", re.ASCII)
_MAX_NAME = 253
# Letters that IDNA 2003 replaced or dropped and IDNA 2008 keeps: two names, by who reads it.
_READ_TWO_WAYS = frozenset("\u00df\u03c2\u200c\u200d")
# Many rules look at the few values of one call.
_KEPT = 256
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
# What nearly every URL looks like: all readers agree about its host.
_PLAIN_URL = re.compile(
    r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::[0-9]+)?(?:/|[?#](?!@)|\Z)",
    re.ASCII,
)
# What the URL standard strips before it reads a URL.
_WEB = frozenset({"http", "https", "ws", "wss", "ftp"})
_STRIPPED = str.maketrans("", "", "\t\r\n")


def _v4_of(text: str) -> IPv4Address | None:
    """An address as inet_aton reads it: one to four parts, each decimal, octal or hexadecimal."""
    parts = text.split(".")
    if len(parts) > 4 or not all(_PART.fullmatch(part) for part in parts):  # noqa: PLR2004  # bytes of an address
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):  # noqa: PLR2004  # bytes
        return None
    value = last
    for place, number in enumerate(first):
        value += number << (8 * (3 - place))
    return IPv4Address(value)


def _number(part: str) -> int:
    if part[:2].lower() == "0x":
        return int(part[2:] or "0", 16)
    # A leading zero means octal, to most; an 8 or 9 makes it decimal for the rest.
    return int(
        part, 8 if len(part) > 1 and part.startswith("0") and not set("89") & set(part) else 10
    )


@lru_cache(maxsize=_KEPT)
def address_of(host: str) -> Address | None:
    """The address that a host is written as, None where it is a name.

    Dotted, decimal, octal and hexadecimal; IPv6 in brackets or without, its zone left out.
    """
    text = normal_host(host)
    if ":" in text:
        try:
            return IPv6Address(text.partition("%")[0])
        except ValueError:
            return None
    return _v4_of(text)


def normal_host(host: str) -> str:
    """A host in lower case, without brackets and a last dot; full-width forms as plain ones."""
    text = unicodedata.normalize("NFKC", host.strip()).lower()
    for dot in "\u3002\uff0e\uff61":
        text = text.replace(dot, ".")
    return text.removeprefix("[").removesuffix("]").rstrip(".")


def is_private(address: str | Address) -> bool:
    """Whether this is no host of the open internet: a private, local or special address or name.

    Any notation of an address, one that an IPv6 address carries, and names that mean this machine
    or network. What is neither an address nor a name is private too. A public name says nothing of
    where it leads: check the address that was resolved, when connecting.
    """
    if isinstance(address, str):
        found = address_of(address)
        if found is None:
            return _is_private_name(normal_host(address))
        address = found
    if isinstance(address, IPv4Address):
        return address in _INSIDE or any(address in network for network in _V4)
    inner = carried(address)
    if inner is not None:
        return is_private(inner)
    return address not in _V6_GLOBAL or any(address in network for network in _V6)


def carried(address: Address) -> IPv4Address | None:
    """The IPv4 address inside one of IPv6, where it leads there."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _6TO4:
        return address.sixtofour
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _is_private_name(name: str) -> bool:
    if len(name) > _MAX_NAME or _NAME.fullmatch(_ascii(name)) is None:
        return True
    if name in _NAMES or name.endswith(_ENDINGS):
        return True
    # Browsers take a name whose last part is a number for an address; there is no such domain.
    return _PART.fullmatch(name.rpartition(".")[2]) is not None


def one_name(host: str) -> str | None:
    """A host as the name service is asked for it: IDNA's letters and digits.

    None where readers differ about it, or it is no name at all.
    """
    name = normal_host(host)
    if name.isascii():
        return name if name.count(":") == 0 or address_of(name) is not None else None
    return None if _READ_TWO_WAYS & set(name) else _ascii(name) or None


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return ""


def scheme_of(url: str) -> str:
    """The scheme of a URL in lower case; empty where there is none."""
    found = _SCHEME.match(url.translate(_STRIPPED))
    return "" if found is None else found[1].lower()


@lru_cache(maxsize=_KEPT)
def host_of(url: str) -> str | None:
    """The host of a URL, or of a text that is a host; None where readers could differ about it.

    User names, backslashes, blanks, percent signs: one program sees one host, the next another.
    """
    usual = _PLAIN_URL.match(url)
    if usual is not None:
        return usual[1]
    text = url.translate(_STRIPPED).strip()
    scheme, mark, rest = text.partition("://")
    if not mark:
        # `http:/host` and `http:host` are URLs to browsers and none to others.
        if scheme_of(text) in _WEB:
            return None
        rest = text.removeprefix("//")
    elif not _SCHEME.fullmatch(f"{scheme}:"):
        return None
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    # `good.example#@evil.example` is the first host to some, the second to others.
    unclear = rest[len(authority) :][:2] in ("#@", "?@") or not authority.isprintable()
    if unclear or not authority or any(char in authority for char in "@\\%"):
        return None
    host, port = authority, ""
    if authority.startswith("["):
        host, bracket, port = authority.partition("]")
        if not bracket or port[:1] not in ("", ":"):
            return None
        port = port[1:]
    elif authority.count(":") == 1:
        host, _, port = authority.partition(":")
    if " " in host or not host or (port and not (port.isascii() and port.isdigit())):
        return None
    return one_name(host)


def same_address(host: str) -> Address | None:
    """As `address_of`; the IPv4 address for one that IPv6 only writes in its own way."""
    found = address_of(host)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return found if mapped is None else mapped


class Hosts:
    """Wanted hosts: names, addresses in any notation, and `*.name` for all beneath a name."""

    __slots__ = ("_addresses", "_endings", "_names")

    def __init__(self, wanted: Iterable[str]) -> None:
        given = [one_name(each) or normal_host(each) for each in wanted]
        addresses = {name: same_address(name) for name in given}
        self._addresses = frozenset(each for each in addresses.values() if each is not None)
        self._endings = tuple(name[1:] for name in given if name.startswith("*."))
        self._names = frozenset(name for name in given if addresses[name] is None)

    def __contains__(self, host: str) -> bool:
        """Whether a host, as `host_of` gives it, is wanted."""
        if host in self._names:
            return True
        found = same_address(host)
        if found is not None:
            return found in self._addresses
        return bool(self._endings) and host.endswith(self._endings)
