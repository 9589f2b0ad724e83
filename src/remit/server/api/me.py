"""The API about who asks: name, roles, tenants, and the CSRF token of a browser's session."""

from pydantic import BaseModel, ConfigDict

from remit.server.principal import How
from remit.server.route import Ask, Nothing, api
from remit.values.role import Role


class GrantView(BaseModel):
    """What somebody may do in a tenant; `*` is every tenant."""

    model_config = ConfigDict(frozen=True)

    tenant: str
    roles: tuple[Role, ...]


class Me(BaseModel):
    """Who asks."""

    model_config = ConfigDict(frozen=True)

    name: str
    person: str
    signed_in_by: How
    grants: tuple[GrantView, ...]
    csrf: str
    """Empty for programs with a key: they need none."""


async def who_am_i(ask: Ask[Nothing, Nothing]) -> Me:
    """Who asks, and what they may do."""
    who = ask.principal
    return Me(
        name=who.name,
        person=who.person,
        signed_in_by=who.how,
        grants=tuple(
            GrantView(tenant=tenant, roles=tuple(sorted(who.roles(tenant))))
            for tenant in who.tenants
        ),
        csrf=ask.request.state.csrf,
    )


ROUTES = (api("GET", "/api/v1/me", who_am_i, needs="anyone", tenant="none", gives=Me),)
