"""Where an API's tools may connect to: one host, and only addresses that it may have.

The address is checked when connecting, and the one that was checked is the one that is used, so a
name that leads elsewhere the next moment (DNS rebinding) leads nowhere.
"""

import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from typing_extensions import override

from remit.errors import OutsideError
from remit.policy.address import one_name
from remit.policy.reach import checked_host, refusal

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
    host = checked_host("base_url", url, private=private)
    return Base(url.rstrip("/"), host, private)


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
        if one_name(host) != self._base.host:
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
