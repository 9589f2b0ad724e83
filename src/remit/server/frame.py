"""What stands around every page of the console: where one can go, in which tenant, as whom."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from markupsafe import Markup
from pydantic import BaseModel

from remit.server.principal import EVERYWHERE
from remit.server.route import Ask


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the navigation; `key` leads there after `g`."""

    path: str
    title: str
    key: str
    every: bool = True
    """It also shows all tenants together."""


PLACES = (
    Place("/now", "Now", "n"),
    Place("/chat", "Chat", "c", every=False),
    Place("/approvals", "Approvals", "a"),
    Place("/runs", "Runs", "r"),
    Place("/agents", "Agents", "e", every=False),
    Place("/spend", "Spend", "p"),
    Place("/switches", "Switches", "s"),
)
"""In the order in which they are shown; one without a route in the table is left out."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame of one page."""

    places: tuple[Place, ...]
    here: str
    tenants: tuple[str, ...]
    """To choose from; empty where there is no choice."""
    any_tenant: bool
    """Who is signed in may name every tenant."""


def frame_of(ask: Ask[BaseModel, BaseModel]) -> Frame:
    """The frame of the page that is asked for."""
    path = ask.request.url.path
    signed_in = ask.principal_or_none
    if signed_in is None:
        return Frame((), path, (), any_tenant=False)
    known = {getattr(route, "path", "") for route in ask.request.app.routes}
    places = tuple(place for place in PLACES if place.path in known)
    here = next((each.path for each in places if _within(path, each.path)), path)
    anywhere = signed_in.may("viewer", EVERYWHERE)
    tenants = () if anywhere or len(signed_in.tenants) < 2 else signed_in.tenants  # noqa: PLR2004  # one is no choice
    return Frame(places, here, tenants, any_tenant=anywhere)


def _within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def linker(ask: Ask[BaseModel, BaseModel]) -> Callable[..., str]:
    """Makes addresses that stay in the tenant which the reader chose."""
    chosen = ask.request.query_params.get("tenant", "")

    def url(path: str, *, every: bool = True, **query: object) -> str:
        """The address of a page; `every`: it also shows all tenants."""
        given = {name: str(value) for name, value in query.items() if value not in (None, "")}
        if "tenant" not in given and chosen and (every or chosen != EVERYWHERE):
            given["tenant"] = chosen
        return f"{path}?{urlencode(given)}" if given else path

    return url


def stamp(nonce: str) -> Markup:
    """What every element with attributes of htmx carries: without it they are taken off it."""
    return Markup('hx-nonce="{}"').format(nonce)
