"""The API of switches: what is off, off with a reason, and on again."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from remit.errors import RequestRefused
from remit.journal.rows import Switch
from remit.server.api.shapes import Shape, Words, instant, instant_or_none
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, Nothing, api

_HISTORY = 200  # lines of one answer
What = Annotated[
    str,
    StringConstraints(
        pattern=r"^(all|(agent|tool):[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}|mode:(auto|bypass))$"
    ),
]
"""`all`, `agent:NAME`, `tool:NAME`, `mode:auto` or `mode:bypass`, of the request's tenant."""


class SwitchView(Shape):
    """Something that is off, or a revert."""

    target: str
    reason: str
    principal: str
    since: datetime
    until: datetime | None


class Switches(Shape):
    """What is off in a tenant, and what is off for everybody."""

    switches: tuple[SwitchView, ...]


class OffBody(Shape):
    """What to switch off, why, and until when."""

    what: What
    reason: Annotated[Words, StringConstraints(min_length=1)]
    until: datetime | None = Field(default=None, description="With its zone; none: until it is on.")


class OnBody(Shape):
    """What to switch on again, and why."""

    what: What
    reason: Words = ""


class SwitchedOn(Shape):
    """Whether it was off."""

    target: str
    was_off: bool


class SwitchLine(Shape):
    """One time that somebody switched something."""

    target: str
    at: datetime
    off: bool
    """Of a revert: it is in force from then on."""
    principal: str
    reason: str
    until: datetime | None


class SwitchHistory(Shape):
    """Who switched what, the newest first."""

    history: tuple[SwitchLine, ...]
    kind: Literal["switches"] = "switches"


async def list_switches(ask: Ask[Nothing, Nothing]) -> Switches:
    """What is switched off or reverted; `?tenant=*` shows that of every tenant."""
    found = await ask.app.store.switches()
    return Switches(switches=tuple(_view(each) for each in found if _concerns(ask, each.target)))


async def list_switch_history(ask: Ask[Nothing, Nothing]) -> SwitchHistory:
    """Who switched what of a tenant and when, the newest first; `*`: what is everybody's."""
    found = await ask.app.desk.switchings(ask.tenant)
    return SwitchHistory(
        history=tuple(
            SwitchLine(
                target=each.fact.target,
                at=instant(each.time_ms),
                off=each.fact.off,
                principal=each.fact.principal,
                reason=each.fact.reason,
                until=instant_or_none(each.fact.until_ms),
            )
            for each in found[:_HISTORY]
        )
    )


async def turn_off(ask: Ask[Nothing, OffBody]) -> SwitchView:
    """Switch something off for a tenant, or with `?tenant=*` for everybody; at once, everywhere."""
    body = ask.body
    made = await ask.app.desk.switch_off(
        _target(ask.tenant, body.what),
        principal=ask.principal.name,
        reason=body.reason,
        until_ms=until_ms_of(ask.app.desk.clock.now_ms(), body.until),
    )
    return _view(made)


async def turn_on(ask: Ask[Nothing, OnBody]) -> SwitchedOn:
    """Switch something on again; runs that were stopped stay ended."""
    target = _target(ask.tenant, ask.body.what)
    was_off = await ask.app.desk.switch_on(
        target, principal=ask.principal.name, reason=ask.body.reason
    )
    return SwitchedOn(target=target, was_off=was_off)


def until_ms_of(now_ms: int, until: datetime | None) -> int | None:
    """When a switch ends by itself. Raises `RequestRefused` for no instant to come."""
    if until is None:
        return None
    if until.tzinfo is None:
        raise _wrong_time("it has no zone: add Z for UTC")
    until_ms = int(until.timestamp() * 1000)
    if until_ms <= now_ms:
        raise _wrong_time("it is past")
    return until_ms


def _target(tenant: str, what: str) -> str:
    if tenant == EVERYWHERE:
        return what
    return f"tenant:{tenant}" if what == "all" else f"tenant:{tenant}/{what}"


def _concerns(ask: Ask[Nothing, Nothing], target: str) -> bool:
    mine = f"tenant:{ask.tenant}"
    shared = not target.startswith("tenant:")
    return ask.tenants is None or shared or target == mine or target.startswith(f"{mine}/")


def _view(each: Switch) -> SwitchView:
    return SwitchView(
        target=each.target,
        reason=each.reason,
        principal=each.principal,
        since=instant(each.since_ms),
        until=instant_or_none(each.until_ms),
    )


def _wrong_time(what: str) -> RequestRefused:
    return RequestRefused(
        f"the time until which it is to last: {what}",
        status=409,
        remedy="say a time to come, as 2026-11-30T08:00Z",
    )


ROUTES = (
    api("GET", "/api/v1/switches", list_switches, needs="viewer", tenant="any", gives=Switches),
    api(
        "GET",
        "/api/v1/switches/history",
        list_switch_history,
        needs="viewer",
        tenant="any",
        gives=SwitchHistory,
    ),
    api(
        "POST",
        "/api/v1/switches/off",
        turn_off,
        needs="operator",
        tenant="any",
        body=OffBody,
        gives=SwitchView,
    ),
    api(
        "POST",
        "/api/v1/switches/on",
        turn_on,
        needs="operator",
        tenant="any",
        body=OnBody,
        gives=SwitchedOn,
    ),
)
