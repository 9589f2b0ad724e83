"""Where an API's tools may connect to: one host, and only addresses that it may have.

The address is checked when connecting, and the one that was checked is the one that is used, so a
name that leads elsewhere the next moment (DNS rebinding) leads nowhere.
"""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from typing_extensions import override

from remit.errors import OutsideError, SpecError
from remit.policy.address import host_of, is_private
from remit.policy.metadata_host import is_metadata

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
