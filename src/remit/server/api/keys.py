"""The API of API keys: issue, list, revoke."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from remit.errors import RequestRefused
from remit.projections.access import KeyState
from remit.server.api.shapes import Name, Shape, Words, instant, instant_or_none
from remit.server.identity import Identity
from remit.server.route import Ask, Nothing, api
from remit.values.role import ROLES, Role


class KeyView(Shape):
    """A key; neither its secret nor the hash of it."""

    key: str
    name: str
    tenant: str
    roles: tuple[Role, ...]
    person: str
    made_at: datetime
    made_by: str
    until: datetime | None
    last_used_at: datetime | None
    """The day of its last use."""
    revoked_at: datetime | None


class Keys(Shape):
    """The keys of a tenant, the newest first."""

    keys: tuple[KeyView, ...]


class KeyBody(Shape):
    """What the key is to be called and may do."""

    name: Name
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=len(ROLES))]
    person: Name | None = None
    """In whose name it approves; only your own."""
    until: datetime | None = None


class IssuedKey(Shape):
    """The token is shown now and never again."""

    token: str
    key: KeyView


class RevokeBody(Shape):
    """Why."""

    reason: Words = ""


async def list_keys(ask: Ask[Nothing, Nothing]) -> Keys:
    """The keys of a tenant, revoked ones too; with `?tenant=*` those for all tenants."""
    found = await ask.app.access.keys(ask.tenant)
    return Keys(keys=tuple(_view(ask.tenant, each) for each in found))


async def issue_key(ask: Ask[Nothing, KeyBody]) -> IssuedKey:
    """Make a key of a tenant, or with `?tenant=*` of all."""
    body = ask.body
    if body.person and body.person != ask.principal.person.removeprefix("local:"):
        raise RequestRefused(
            f"{ask.principal.name} cannot make a key that speaks for {body.person}",
            status=403,
            remedy="everybody makes their own, or `remit key create --person` at the terminal",
        )
    until_ms = None if body.until is None else int(body.until.timestamp() * 1000)
    made = await ask.app.access.issue_key(
        ask.tenant,
        body.name,
        roles=body.roles,
        principal=ask.principal.name,
        person=body.person or "",
        until_ms=until_ms,
    )
    return IssuedKey(token=made.token, key=_view(made.tenant, made.state))


async def revoke_key(ask: Ask[Nothing, RevokeBody]) -> Nothing:
    """End a key; other processes refuse it within two seconds."""
    identity: Identity = ask.request.app.state.identity
    await ask.app.access.revoke_key(
        ask.tenant, ask.path["key"], principal=ask.principal.name, reason=ask.body.reason
    )
    identity.forget()
    return Nothing()


def _view(tenant: str, each: KeyState) -> KeyView:
    return KeyView(
        key=each.key,
        name=each.name,
        tenant=tenant,
        roles=each.roles,
        person=each.person,
        made_at=instant(each.made_ms),
        made_by=each.made_by,
        until=instant_or_none(each.until_ms),
        last_used_at=instant_or_none(each.used_ms),
        revoked_at=instant_or_none(each.revoked_ms),
    )


ROUTES = (
    api("GET", "/api/v1/keys", list_keys, needs="admin", tenant="any", gives=Keys),
    api(
        "POST",
        "/api/v1/keys",
        issue_key,
        needs="admin",
        tenant="any",
        body=KeyBody,
        gives=IssuedKey,
        status=201,
    ),
    api(
        "POST",
        "/api/v1/keys/{key}/revoke",
        revoke_key,
        needs="admin",
        tenant="any",
        body=RevokeBody,
        status=204,
    ),
)
