"""What a program may connect to: hosts that were declared, at addresses that are no one's inside.

Whoever connects asks twice: about the name that is given, and about each address it leads to, at
the moment of connecting; and connects to the address that was asked about. So a name that leads
elsewhere the next moment (DNS rebinding) leads nowhere.
"""

from urllib.parse import urlsplit

from remit.errors import SpecError
from remit.policy.address import Hosts, host_of, is_private, normal_host
from remit.policy.metadata_host import is_metadata

HTTPS = 443
_MAX_PORT = 65_535
MAX_HOSTS = 256  # a list that a human still reads


def refusal(host: str, *, private: bool) -> str | None:
    """Why a host or an address must not be connected to; None where nothing speaks against it.

    private: it was declared to lie in a private network, or on this machine.
    """
    if is_metadata(host):
        return f"{host} tells machines their secrets; no tool reaches it"
    if not private and is_private(host):
        return f"{host} lies in a private network; say private=True where that is meant"
    return None


def checked_host(what: str, url: str, *, private: bool, query: bool = False) -> str:
    """The host of an address that tools reach; `what` names it in errors.

    Raises `SpecError` for an address that must not be reached, plain http in public, a user, a
    fragment, and a query unless `query`.
    """
    host, parts = host_of(url), urlsplit(url)
    unfit = parts.fragment or (parts.query and not query)
    if host is None or parts.scheme not in ("http", "https") or unfit:
        raise SpecError(
            f"{what} {url.rpartition('@')[2]!r}: it begins with https://, names a host, and has no "
            f"user{'' if query else ', query'} or fragment"
        )
    if parts.scheme == "http" and not private:
        raise SpecError(
            f"{what} {url!r}: plain http would send credentials in clear; use https, or say "
            "private=True for a network that you trust"
        )
    why = refusal(host, private=private)
    if why is not None:
        raise SpecError(f"{what} {url!r}: {why}")
    return host


class Reachable:
    """Declared hosts: `api.example.com`, `*.example.com`, each with `:port` where it is not 443."""

    __slots__ = ("_by_port", "private")

    def __init__(self, hosts: tuple[str, ...], *, private: bool) -> None:
        """Raises `SpecError` for what is no host, or one that must not be reached."""
        if len(hosts) > MAX_HOSTS:
            raise SpecError(
                f"hosts: {len(hosts)} of them; at most {MAX_HOSTS} are a list to review"
            )
        self.private = private
        by_port: dict[int, list[str]] = {}
        for each in hosts:
            host, port = _declared(each)
            why = refusal(host.removeprefix("*."), private=private)
            if why is not None:
                raise SpecError(f"hosts: {each!r}: {why}")
            by_port.setdefault(port, []).append(host)
        self._by_port = {port: Hosts(names) for port, names in by_port.items()}

    def refusal(self, host: str, port: int) -> str | None:
        """Why a host as `host_of` gives it must not be connected to at a port."""
        if host not in self._by_port.get(port, ()):
            return "it is not declared"
        return refusal(host, private=self.private)

    def refusal_of_address(self, address: str) -> str | None:
        """Why an address that a declared name leads to must not be connected to."""
        return refusal(address, private=self.private)


def _declared(text: str) -> tuple[str, int]:
    plain = text.removeprefix("*.")
    host = None if any(char in plain for char in "/*") else host_of(f"https://{plain}")
    name = text.rpartition(":")[0] if _has_port(text) else text
    port = int(text.rpartition(":")[2]) if host is not None and _has_port(text) else HTTPS
    # `*.com` declares nothing.
    wide = text.startswith("*.") and "." not in normal_host(name)[2:]
    if host is None or wide or not 0 < port <= _MAX_PORT:
        raise SpecError(f"hosts: {text!r} is no host; write api.example.com, or with a port :8443")
    return (f"*.{host}" if text.startswith("*.") else normal_host(name)), port


def _has_port(text: str) -> bool:
    """A colon that does not stand within an address of IPv6."""
    if text.startswith("["):
        return "]:" in text
    return text.count(":") == 1
