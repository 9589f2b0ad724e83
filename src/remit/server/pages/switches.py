"""The page Switches: what is off or reverted, by whom and why; off, on again, the history."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from remit.app.desk import check_switched, check_target
from remit.app.switching import HOLDER, Switching, tenant_of
from remit.errors import ConfigError, NotAllowed, RequestRefused
from remit.journal.rows import Switch
from remit.policy.book import book_of
from remit.policy.revert import MAX_TO, revert_of
from remit.server.frame import linker
from remit.server.principal import EVERYWHERE
from remit.server.route import Ask, Nothing, page
from remit.server.web import render
from remit.values.duration import milliseconds

What = Literal["everything", "agent", "tool", "mode:auto", "mode:bypass"]
_MAX_NAME = 128
_MAX_REASON = 2_000
_HISTORY = 200  # lines; the books have all of them (remit verify reads them)
_MAX_BOOKS = 1_000  # tenants whose books are read for the history of all
UNTIL = (
    ("", "somebody switches it on"),
    ("15m", "15 minutes have passed"),
    ("1h", "an hour has passed"),
    ("4h", "4 hours have passed"),
    ("1d", "a day has passed"),
    ("7d", "a week has passed"),
)
"""What the form offers."""


class OffForm(BaseModel):
    """What is to be off, where, why and how long. `target` is said whole, or by its parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str = Field(default="", max_length=2 * _MAX_NAME + 32)
    what: What = "everything"
    name: str = Field(default="", max_length=_MAX_NAME)
    where: str = Field(default="", max_length=_MAX_NAME)
    """A tenant, or `*`."""
    reason: str = Field(default="", max_length=_MAX_REASON)
    until: str = Field(default="", max_length=16)

    @property
    def aim(self) -> str:
        """The target."""
        if self.target:
            return self.target
        inside = "" if self.where in ("", EVERYWHERE) else f"tenant:{self.where}"
        if self.what == "everything":
            return inside or "all"
        thing = self.what if ":" in self.what else f"{self.what}:{self.name.strip()}"
        return f"{inside}/{thing}" if inside else thing


class OnForm(BaseModel):
    """What is to be on again, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str = Field(max_length=2 * _MAX_NAME + MAX_TO + 32)
    reason: str = Field(default="", max_length=_MAX_REASON)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchedOff:
    """Something that is off or reverted, or whose time is over."""

    switch: Switch
    over: bool
    mine: bool
    """Who looks may switch it on."""

    @property
    def reverted(self) -> bool:
        """It is a revert: another prompt or model is used, nothing is off."""
        return revert_of(self.switch.target) is not None


async def show_switches(ask: Ask[Nothing, Nothing]) -> Response:
    """What is switched off, and what was."""
    return await _page(ask)


async def switch_off(ask: Ask[Nothing, OffForm]) -> Response:
    """Switch something off, with a reason."""
    form = ask.body
    wrong = _wrong(form)
    if wrong:
        return await _page(ask, form=form, wrong=wrong, status=422)
    check_authorised(ask, form.aim)
    until_ms = None
    if form.until:
        until_ms = ask.app.desk.clock.now_ms() + milliseconds(form.until)
    await ask.app.desk.switch_off(
        form.aim, principal=ask.principal.name, reason=form.reason.strip(), until_ms=until_ms
    )
    return _back(ask)


async def switch_on(ask: Ask[Nothing, OnForm]) -> Response:
    """Switch something on again."""
    check_switched(ask.body.target)
    check_authorised(ask, ask.body.target)
    await ask.app.desk.switch_on(
        ask.body.target, principal=ask.principal.name, reason=ask.body.reason.strip()
    )
    return _back(ask)


def _back(ask: Ask[Nothing, OffForm] | Ask[Nothing, OnForm]) -> Response:
    return RedirectResponse(linker(ask)("/switches"), status_code=303)


def _wrong(form: OffForm) -> dict[str, str]:
    """What is wrong, by field."""
    found: dict[str, str] = {}
    if not form.reason.strip():
        found["reason"] = "Say why: runs that stop say it, and it is kept."
    try:
        check_target(form.aim)
    except NotAllowed:
        found["name"] = "Name it as it is declared: letters, digits and . _ - @ +"
    try:
        _ = form.until and milliseconds(form.until)
    except ConfigError as exc:
        found["until"] = str(exc)
    return found


def check_authorised(ask: Ask[BaseModel, BaseModel], target: str) -> None:
    """Raise `RequestRefused` unless who asks is an operator of the target's tenant."""
    tenant = tenant_of(target)
    if not ask.principal.may("operator", tenant):
        where = "all tenants" if tenant == EVERYWHERE else f"the tenant {tenant}"
        raise RequestRefused(
            f"{ask.principal.name} is no operator of {where}, and may not switch {target!r}",
            status=403,
            remedy="switch it for a tenant of yours, or ask an operator of all tenants",
        )


async def _page(
    ask: Ask[Nothing, OffForm] | Ask[Nothing, Nothing],
    *,
    form: OffForm | None = None,
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    values = {
        "off": await switched_off(ask),
        "history": await _history(ask),
        "form": form or OffForm(where=ask.tenant),
        "wrong": wrong or {},
        **choices(ask),
    }
    return render(ask, "switches.html", values, status=status)


def places(ask: Ask[BaseModel, BaseModel]) -> list[tuple[str, str]]:
    """Where who asks may switch: their tenants, and all of them."""
    who = ask.principal
    tenants = [each for each in dict.fromkeys((ask.tenant, *who.tenants)) if each != EVERYWHERE]
    where = [(each, f"the tenant {each}") for each in tenants if who.may("operator", each)]
    if who.may("operator", EVERYWHERE):
        where.append((EVERYWHERE, "all tenants"))
    return where


def choices(ask: Ask[Nothing, OffForm] | Ask[Nothing, Nothing]) -> dict[str, object]:
    """What the form to switch something off offers."""
    return {
        "where": places(ask),
        "until": UNTIL,
        "agents": sorted(ask.app.agents),
        "tools": sorted({tool.name for each in ask.app.agents.values() for tool in each.tools}),
    }


async def switched_off(
    ask: Ask[Nothing, OffForm] | Ask[Nothing, Nothing],
) -> tuple[SwitchedOff, ...]:
    """What concerns the tenant, the newest first."""
    now_ms = ask.app.desk.clock.now_ms()
    return tuple(
        SwitchedOff(
            switch=each,
            over=each.until_ms is not None and each.until_ms <= now_ms,
            mine=ask.principal.may("operator", tenant_of(each.target)),
        )
        for each in sorted(await ask.app.store.switches(), key=lambda it: -it.since_ms)
        if ask.tenants is None or tenant_of(each.target) in (ask.tenant, EVERYWHERE)
    )


async def _history(ask: Ask[Nothing, OffForm] | Ask[Nothing, Nothing]) -> list[Switching]:
    """Who switched what, the newest first."""
    tenants: Iterable[str] = dict.fromkeys((ask.tenant, EVERYWHERE))
    if ask.tenants is None:
        books = await ask.app.store.runs(None, limit=_MAX_BOOKS, books=True)
        tenants = sorted({row.tenant for row in books if row.run == book_of(HOLDER)})
    found = [each for tenant in tenants for each in await ask.app.desk.switchings(tenant)]
    return sorted(found, key=lambda it: -it.time_ms)[:_HISTORY]


ROUTES = (
    page("GET", "/switches", show_switches, needs="viewer", tenant="any"),
    page("POST", "/switches/off", switch_off, needs="operator", tenant="any", body=OffForm),
    page("POST", "/switches/on", switch_on, needs="operator", tenant="any", body=OnForm),
)
