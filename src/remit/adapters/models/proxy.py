"""The proxy that the environment names for a provider, and nothing else from the environment.

aiohttp would read it by `trust_env`, which also reads ~/.netrc: a `default` entry there would show
somebody's password to every provider, or break the calls whose key stands in `Authorization`.
"""

from typing import TypedDict
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from remit.errors import ConfigError, ProviderError

_SCHEMES = ("http", "https")
_WHO = 407  # Proxy Authentication Required


class Way(TypedDict, total=False):
    """What aiohttp is told with a request; empty: straight on."""

    proxy: str


def way_to(url: str) -> Way:
    """The way to `url`, by HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

    Raises `ConfigError` for what is no http proxy.
    """
    target = urlsplit(url)
    named = getproxies().get(target.scheme, "")
    if not named or proxy_bypass(target.netloc):
        return {}
    variable = f"{target.scheme.upper()}_PROXY"
    try:
        found = urlsplit(named if "://" in named else f"http://{named}")
        host, _ = found.hostname, found.port  # both are looked at only when they are asked for
    except ValueError:
        raise ConfigError(f"{variable} names no proxy; write http://HOST:PORT") from None
    if found.scheme not in _SCHEMES or not host:
        raise ConfigError(f"{variable} names no http proxy; write http://HOST:PORT, or unset it")
    return {"proxy": f"{found.scheme}://{found.netloc}"}


def refusal_of(status: int, where: str) -> ProviderError:
    """A proxy that opens no way: nothing was sent on, so nothing can have been billed."""
    remedy = "its user and password" if status == _WHO else "whether it lets this host through"
    return ProviderError(
        f"the proxy on the way to {where} refused with status {status}; check HTTPS_PROXY, and "
        f"{remedy}",
        kind="connection",
    )
