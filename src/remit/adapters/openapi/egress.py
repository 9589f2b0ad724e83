"""Where an API's tools may connect to: one host, and only addresses that it may have.

The address is checked when connecting, and the one that was checked is the one that is used, so a
name that leads elsewhere the next moment (DNS rebinding) leads nowhere.
"""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from typing_extensions import override

from remit.errors import OutsideError, SpecError
from remit.policy.address import address_of, host_of, is_private

# Link-local networks and single addresses where clouds tell machines their own secrets: AWS, GCP,
# Azure and others; ECS and EKS; Alibaba; Azure's wire server; AWS over IPv6.
_METADATA = tuple(
    map(
        IPv4Network,
        ("169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32"),
    )
)
_METADATA_V6 = tuple(map(IPv6Network, ("fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128")))
_NAT64 = IPv6Network("64:ff9b::/96")
_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data"})

Resolve = Callable[[str, int, socket.AddressFamily], Awaitable[list[ResolveResult]]]


@dataclass(frozen=True, slots=True)
class Base:
    """The one place where an API lies."""

    url: str
    """Without a trailing slash."""
    host: str
    private: bool
    """Declared to lie in a private network, or on this machine."""


def base_of(url: str, *, private: bool) -> Base:
    """The base of an API's addresses. Raises `SpecError` for what a tool must not reach."""
    host = host_of(url)
    parts = urlsplit(url)
    if host is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise SpecError(
            f"base_url {url.rpartition('@')[2]!r}: it begins with https://, names a host, and has "
            "no user, query or fragment"
        )
    if parts.scheme == "http" and not private:
        raise SpecError(
            f"base_url {url!r}: plain http would send credentials in clear; use https, or say "
            "private=True for a network that you trust"
        )
    why = refusal(host, private=private)
    if why is not None:
        raise SpecError(f"base_url {url!r}: {why}")
    return Base(url.rstrip("/"), host, private)


def refusal(host: str, *, private: bool) -> str | None:
    """Why a host or an address must not be connected to; None where nothing speaks against it."""
    if is_metadata(host):
        return f"{host} tells machines their secrets; no tool reaches it"
    if not private and is_private(host):
        return f"{host} lies in a private network; say private=True where that is meant"
    return None


def is_metadata(host: str) -> bool:
    """Whether a host is a cloud's metadata service, in any notation."""
    found = address_of(host)
    if found is None:
        return host in _NAMES
    if isinstance(found, IPv4Address):
        return any(found in network for network in _METADATA)
    # An IPv4 address inside one of IPv6: mapped, 6to4, and what NAT64 translates.
    inner = found.ipv4_mapped or found.sixtofour
    if found in _NAT64:
        inner = IPv4Address(int(found) & 0xFFFFFFFF)
    if inner is not None:
        return any(inner in network for network in _METADATA)
    return any(found in network for network in _METADATA_V6)


class PinnedResolver(AbstractResolver):
    """Finds the addresses of one host, and gives none away that must not be connected to."""

    def __init__(self, base: Base, resolve: Resolve | None = None) -> None:
        """`resolve` asks the name service, by default in a thread, as the system does."""
        self._base = base
        self._ask = resolve

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses. Raises `OutsideError` if any of them is refused, for another host too."""
        if host.rstrip(".").lower() != self._base.host:
            raise OutsideError(f"{host} is not the host of this API")
        # Made when it is needed: it belongs to the running loop.
        ask = self._ask or ThreadedResolver().resolve
        found = await ask(host, port, family)
        for each in found:
            why = refusal(each["host"], private=self._base.private)
            if why is not None:
                raise OutsideError(f"{host} leads to {each['host']}: {why}")
        return found

    @override
    async def close(self) -> None:
        """Nothing is kept."""
