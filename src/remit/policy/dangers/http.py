"""URLs that lead inside: cloud metadata, private ranges in every notation, odd schemes."""

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from remit.policy.address import address_of, carried, host_of, is_private, scheme_of

_MAX_TEXT = 8192  # what servers take as the first line of a request
_SCHEMES = frozenset({"http", "https", "ws", "wss"})
# Schemes that read files, or speak to other services in the name of a URL.
_ODD = frozenset(
    {"file", "gopher", "dict", "ftp", "tftp", "ldap", "ldaps", "jar", "netdoc", "php", "phar"}
    | {"expect", "data", "sftp", "smb", "telnet", "imap", "pop3", "smtp", "unix", "javascript"}
    | {"redis", "rediss", "memcached", "mysql", "postgres", "postgresql", "mongodb", "amqp"}
    | {"ssh", "git", "blob", "view-source", "about", "vbscript", "ws+unix", "http+unix"}
)
_MERELY_HOST = re.compile(r"[\w.\[\]:%-]+([/?#:].*)?", re.DOTALL)
_MANY_DIGITS = re.compile(r"\d{8,10}|0[xX][0-9a-fA-F]{7,8}|0[0-7]{9,11}", re.ASCII)
_URLS = re.compile(r"\b(?:https?|wss?|file|gopher|dict|ftp|ldap)://[^\s\"'<>]+", re.IGNORECASE)


def http_danger(text: str) -> str | None:
    """Why a URL, or a host, must not be asked; None where nothing speaks against it.

    What is no URL and no host is none of its business, but for the URLs inside it.
    """
    if len(text) > _MAX_TEXT:
        return "no URL is this long"
    bare = text.strip()
    scheme = scheme_of(bare)
    if scheme in _ODD:
        return f"the scheme {scheme} reads files or speaks to other services"
    if scheme in _SCHEMES or bare.startswith(("//", "\\\\")):
        return _inside(bare)
    if _looks_like_host(bare):
        return _inside(bare)
    for url in _URLS.findall(text):
        why = http_danger(url)
        if why is not None:
            return why
    return None


def _looks_like_host(text: str) -> bool:
    if _MERELY_HOST.fullmatch(text) is None:
        return False
    head = re.split(r"[/?#]", text, maxsplit=1)[0]
    if _MANY_DIGITS.fullmatch(head):
        return True  # nobody writes small numbers for addresses, but pages and sizes
    host = host_of(head)
    if host is None:
        return False
    named = host in ("localhost", "metadata", "instance-data")
    return named or host.count(".") == 3 or (":" in host and address_of(host) is not None)  # noqa: PLR2004  # dots of an address


def _inside(url: str) -> str | None:
    host = host_of(url)
    if host is None:
        return "readers may differ about its host"
    if is_private(host):
        return f"{host[:80]} is no host of the open internet"
    return None


# Where clouds tell a machine its keys: AWS, Azure, Google (the first), AWS over IPv6, Alibaba,
# Oracle, Azure's wire server, AWS's container credentials.
_METADATA = frozenset(
    IPv6Address(each) if ":" in each else IPv4Address(each)
    for each in (
        "169.254.169.254",
        "fd00:ec2::254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "169.254.170.2",
        "169.254.170.23",
        "fd20:ce::254",
    )
)
_METADATA_NAMES = frozenset(
    {"metadata.google.internal", "metadata.goog", "metadata", "instance-data"}
)


@lru_cache(maxsize=256)  # every agent has this set, and several sets of rules look at one call
def metadata_danger(text: str) -> str | None:
    """Why a text that is a URL or a host leads to a cloud's metadata; None where it does not."""
    bare = text.strip()
    if len(text) > _MAX_TEXT or not (scheme_of(bare) or _looks_like_host(bare)):
        return None
    host = host_of(bare)
    if host is None:
        return None
    address = address_of(host)
    inner = address if address is None else carried(address) or address
    if host in _METADATA_NAMES or inner in _METADATA:
        return "it is the metadata service of a cloud"
    return None
