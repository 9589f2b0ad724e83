"""The API of users of the console: admit, grant roles, set passwords, bar. All tenants' admins."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from remit.errors import NotAllowed, NotFound, RequestRefused
from remit.projections.access import UserState
from remit.server.api.me import GrantView
from remit.server.api.shapes import Name, Shape, Words, instant
from remit.server.identity import Identity
from remit.server.route import Ask, Nothing, api
from remit.server.throttle import Throttle
from remit.values.role import Role

Password = Annotated[str, Field(max_length=1_000, repr=False)]


class UserView(Shape):
    """A user and their roles."""

    user: str
    off: bool
    has_password: bool
    grants: tuple[GrantView, ...]
    made_at: datetime


class Users(Shape):
    """All users, by name."""

    users: tuple[UserView, ...]


class UserBody(Shape):
    """A new user, with roles in one tenant; `*` is every tenant."""

    user: Name
    in_tenant: Name | Annotated[str, Field(pattern=r"^\*$")]
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    password: Password


class RolesBody(Shape):
    """Roles in one tenant, in place of any before there; none takes them all away."""

    in_tenant: Name | Annotated[str, Field(pattern=r"^\*$")]
    roles: tuple[Role, ...]


class PasswordBody(Shape):
    """Another password; who is signed in by the old one is so no more."""

    password: Password


class OwnPasswordBody(Shape):
    """Another password for who asks, who shows the one they have."""

    current: Password
    password: Password


class BarBody(Shape):
    """Whether the user is off, and why."""

    off: bool
    reason: Words = ""


async def list_users(ask: Ask[Nothing, Nothing]) -> Users:
    """The users of the console."""
    return Users(users=tuple(_view(each) for each in await ask.app.access.users()))


async def add_user(ask: Ask[Nothing, UserBody]) -> UserView:
    """Let somebody sign in with a password."""
    body, access = ask.body, ask.app.access
    if await access.user(body.user) is not None:
        raise NotAllowed(f"there is a user {body.user!r} already; change their roles")
    access.check_new_password(body.user, body.password)
    await access.grant(body.user, body.in_tenant, body.roles, principal=ask.principal.name)
    await access.set_password(body.user, body.password, principal=ask.principal.name)
    return await _changed(ask, body.user)


async def set_roles(ask: Ask[Nothing, RolesBody]) -> UserView:
    """Give a user other roles in a tenant."""
    await _known(ask)
    await ask.app.access.grant(
        ask.path["user"], ask.body.in_tenant, ask.body.roles, principal=ask.principal.name
    )
    return await _changed(ask, ask.path["user"])


async def set_password(ask: Ask[Nothing, PasswordBody]) -> UserView:
    """Give a user another password."""
    await ask.app.access.set_password(
        ask.path["user"], ask.body.password, principal=ask.principal.name
    )
    return await _changed(ask, ask.path["user"])


async def set_own_password(ask: Ask[Nothing, OwnPasswordBody]) -> Nothing:
    """Change the own password; every sign-in before, this one too, is over."""
    who, throttle = ask.principal, ask.request.app.state.throttle
    if who.how != "password":
        raise NotAllowed("only who signed in with a password has one to change")
    keys = (f"user:{who.name}",)
    _wait(throttle, keys)
    throttle.failed(keys)
    if await ask.app.sign_ins.check_password(who.name, ask.body.current) is None:
        raise RequestRefused("the current password is wrong", status=403, remedy="try again")
    throttle.succeeded(keys)
    await ask.app.access.set_password(who.name, ask.body.password, principal=who.name)
    await _changed(ask, who.name)
    return Nothing()


def _wait(throttle: Throttle, keys: tuple[str, ...]) -> None:
    wait_ms = throttle.wait_ms(keys)
    if wait_ms:
        raise RequestRefused(
            "too many tries",
            status=429,
            remedy="wait",
            headers={"retry-after": str(wait_ms // 1000 + 1)},
        )


async def bar_user(ask: Ask[Nothing, BarBody]) -> UserView:
    """Switch a user off, or on again."""
    await ask.app.access.bar(
        ask.path["user"],
        barred=ask.body.off,
        principal=ask.principal.name,
        reason=ask.body.reason,
    )
    return await _changed(ask, ask.path["user"])


async def _known(ask: Ask[Nothing, RolesBody]) -> None:
    if await ask.app.access.user(ask.path["user"]) is None:
        raise NotFound(f"there is no user {ask.path['user']!r}")


async def _changed(
    ask: Ask[Nothing, UserBody]
    | Ask[Nothing, RolesBody]
    | Ask[Nothing, PasswordBody]
    | Ask[Nothing, OwnPasswordBody]
    | Ask[Nothing, BarBody],
    name: str,
) -> UserView:
    identity: Identity = ask.request.app.state.identity
    identity.forget()
    found = await ask.app.access.user(name)
    if found is None:
        raise NotFound(f"there is no user {name!r}")
    return _view(found)


def _view(each: UserState) -> UserView:
    return UserView(
        user=each.user,
        off=each.barred,
        has_password=bool(each.hash),
        grants=tuple(
            GrantView(tenant=tenant, roles=roles) for tenant, roles in sorted(each.grants.items())
        ),
        made_at=instant(each.made_ms),
    )


ROUTES = (
    api("GET", "/api/v1/users", list_users, needs="admin", tenant="all", gives=Users),
    api(
        "POST",
        "/api/v1/users",
        add_user,
        needs="admin",
        tenant="all",
        body=UserBody,
        gives=UserView,
        status=201,
    ),
    api(
        "PUT",
        "/api/v1/users/{user}/roles",
        set_roles,
        needs="admin",
        tenant="all",
        body=RolesBody,
        gives=UserView,
    ),
    api(
        "PUT",
        "/api/v1/users/{user}/password",
        set_password,
        needs="admin",
        tenant="all",
        body=PasswordBody,
        gives=UserView,
    ),
    api(
        "PUT",
        "/api/v1/users/{user}/off",
        bar_user,
        needs="admin",
        tenant="all",
        body=BarBody,
        gives=UserView,
    ),
    api(
        "PUT",
        "/api/v1/me/password",
        set_own_password,
        needs="anyone",
        tenant="none",
        body=OwnPasswordBody,
        status=204,
    ),
)
