"""Budgets as operators see and set them: the limit in force, where it is from, and what is left."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from pydantic import ValidationError

from remit.app.holders import holder_named, settable
from remit.app.plan_desk import PlanDesk
from remit.errors import NotFound, UsageError
from remit.journal.events import AccountLimit, BudgetSet
from remit.journal.rows import Balance, LimitLine
from remit.journal.settle import is_near
from remit.policy.allowance import Budget, Spender, accounts_for, strictest
from remit.policy.book import limits_of
from remit.policy.plan import holder_name
from remit.policy.redact import Redactor
from remit.ports import Clock, Store
from remit.runtime.books import Books, Entry, Page
from remit.runtime.cleaning import storable
from remit.values.account import (
    EVERYONE,
    OPERATOR,
    SCOPES,
    WORLD,
    Scope,
    Window,
    account,
    dated,
    holder_of,
    keeper,
    limit_names,
    resets_ms,
    scope_of,
    undated,
    unit_of,
    window_of,
)
from remit.values.clean import Clean
from remit.values.windows import Calendar

Source = Literal["set", "declared", "plan", "runs"]
"""set: by an operator; declared: in the settings; plan: by the holder's plan; runs: runs brought it
with them, from their agent's remit, as of the last call that drew on the account."""

# Balances of one answer, unless more are asked for; a holder's own are a handful.
MOST = 1_000
_PAGE = 1_000
# Pages looked through for accounts of open windows among closed ones.
_PAGES = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetView:
    """One limit, in nano-dollars, tokens or calls, and how it is used in the present window."""

    tenant: str
    """`*` for what belongs to no tenant."""
    account: str
    limit: int
    source: Source
    plan: str = ""
    """The plan it is from."""
    principal: str = ""
    """Who set it, why and when, where somebody did."""
    reason: str = ""
    set_ms: int | None = None
    used: int | None = None
    """None: a limit for each (`user:*`), which counts apart for every one of them."""
    held: int = 0
    resets_ms: int | None = None
    """When the next window begins."""

    @property
    def holder(self) -> str:
        """Whose budget it is, as `user:ann`."""
        return holder_of(self.account)

    @property
    def window(self) -> str:
        """The kind of window: hour, day, month, total or alert."""
        return window_of(self.account)

    @property
    def unit(self) -> str:
        """What is counted: nano, tokens or calls."""
        return unit_of(self.account)

    @property
    def left(self) -> int | None:
        """What may still be held."""
        return None if self.used is None else max(0, self.limit - self.used - self.held)

    @property
    def warned(self) -> bool:
        """Four fifths are used, or all of an alert's amount: it was told."""
        return (
            self.used is not None
            and self.limit > 0
            and is_near(self.account, self.used, self.limit)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Reads and sets budgets on one journal."""

    store: Store
    books: Books
    clock: Clock
    declared: Sequence[Budget]
    calendar: Callable[[str, int], Calendar]
    redactor: Callable[[str], Redactor]
    plans: PlanDesk | None = None

    # ------------------------------------------------------------ reading

    async def show(
        self, tenant: str, holder: str | None = None, *, limit: int = MOST
    ) -> list[BudgetView]:
        """The budgets of a holder such as `user:ann`, or of all in a tenant but those of runs.

        What belongs to nobody alone (`global`) is shown with every tenant. Raises `UsageError`,
        `StoreError`.
        """
        named = None if holder is None else holder_named(tenant, holder)
        now_ms = self.clock.now_ms()
        calendar = self.calendar(tenant, now_ms)
        set_limits = await self._set_limits(tenant, named)
        balances = {
            undated(each.account): each
            async for each in self._balances(tenant, named, now_ms, calendar, limit)
        }
        holders = self._holders(tenant) if named is None else {named}
        holders |= {holder_of(name) for name in balances}
        declared = _strictest(
            self._declared(tenant, holders, self.declared), await self._planned(tenant, holders)
        )
        names = {*balances, *declared, *_drawn_on(set_limits, named)}
        found = []
        for name in sorted(names)[:limit]:
            source, line = _in_force(name, set_limits, declared, balances)
            fact, set_ms = (
                await self._fact(tenant, line.account) if source == "set" else (None, None)
            )
            now = dated(name, now_ms, calendar)
            balance = balances.get(name, Balance(now, 0, 0, line.limit))
            each_one = name.partition("|")[0].endswith(f":{EVERYONE}")
            found.append(
                BudgetView(
                    tenant=keeper(tenant, name),
                    account=name if each_one else now,
                    limit=line.limit,
                    source=source,
                    plan=line.plan if source == "plan" else "",
                    used=None if each_one else balance.posted,
                    held=0 if each_one else balance.held,
                    resets_ms=resets_ms(name, now_ms, calendar),
                    principal="" if fact is None else fact.principal,
                    reason="" if fact is None else str(fact.reason),
                    set_ms=set_ms,
                )
            )
        return found

    async def _balances(
        self, tenant: str, holder: str | None, now_ms: int, calendar: Calendar, limit: int
    ) -> AsyncIterator[Balance]:
        """The accounts of open windows, those of runs only where one is asked for."""
        scopes = [scope for scope in SCOPES if scope != "run"]
        prefixes = [f"{scope}:" for scope in scopes] if holder is None else [f"{holder}|"]
        for prefix in prefixes:
            after, count = "", 0
            for _ in range(_PAGES):
                page = await self.store.balances(
                    keeper(tenant, prefix), prefix, after=after, limit=_PAGE
                )
                for each in page:
                    if each.account == dated(undated(each.account), now_ms, calendar):
                        count += 1
                        yield each
                if len(page) < _PAGE or count >= limit:
                    break
                after = page[-1].account

    async def _set_limits(self, tenant: str, holder: str | None) -> dict[str, int]:
        prefixes: tuple[str, ...] = ("", "global:")
        if holder is not None:
            prefixes = (f"{holder}|", f"{scope_of(holder)}:{EVERYONE}|")
        lines = await self.store.limits(tenant, prefixes, limit=_PAGE * _PAGES)
        return {line.account: line.limit for line in lines if line.limit is not None}

    def _holders(self, tenant: str) -> set[str]:
        """Whom the settings name, with or without a name."""
        named = {f"{each.of}:{each.name}" for each in self.declared if each.of != "global"}
        return {f"tenant:{tenant}", f"global:{WORLD}", *named} - {f"tenant:{EVERYONE}"}

    def _declared(
        self, tenant: str, holders: Iterable[str], budgets: Sequence[Budget], plan: str = ""
    ) -> dict[str, AccountLimit]:
        """What these budgets say for these holders."""
        return {
            each.account: each
            for holder in holders
            for each in accounts_for(_spender(tenant, holder), budgets, plan)
            if holder_of(each.account) == holder
        }

    async def _planned(self, tenant: str, holders: Iterable[str]) -> dict[str, AccountLimit]:
        """What the plans of these holders say; whose plan a session has, its runs know alone."""
        if self.plans is None or self.plans.plans is None or tenant == OPERATOR:
            return {}
        found: dict[str, AccountLimit] = {}
        declared = self.plans.plans
        for holder in holders:
            user = holder.removeprefix("user:")
            if declared.holder == "user" and user in (holder, EVERYONE):
                continue
            has = await self.plans.show(tenant, holder_name(declared, tenant, user))
            plan = declared.find(has.plan)
            if plan is not None:
                found |= self._declared(tenant, [holder], plan.limits, plan.name)
        return found

    async def _fact(self, tenant: str, line: str) -> tuple[BudgetSet | None, int | None]:
        """Who set a limit and why, and when."""
        for page in reversed(await self.books.read(keeper(tenant, line), holder_of(line))):
            if isinstance(page.event, BudgetSet) and page.event.account == line:
                return page.event, page.time_ms
        return None, None

    # ------------------------------------------------------------ setting

    async def set(
        self,
        tenant: str,
        holder: str,
        *,
        window: str = "total",
        amounts: Mapping[str, str | int | None],
        principal: str,
        reason: str,
    ) -> tuple[BudgetSet, ...]:
        """Set limits of a holder for a window; they are in force at once, in every process.

        `amounts` are those of `Budget`: cost_usd, tokens, calls, alert_usd. The fact is entered in
        the holder's book, with the limit that the store keeps. Runs under way that draw on the
        account keep it from their next call on; others do once they start. Raises `UsageError`.
        """
        named = settable(tenant, holder)
        budget = _budget(named, window, amounts)
        scope, _, name = named.partition(":")
        text = self._reason(tenant, reason)
        facts = tuple(
            BudgetSet(
                account=account(cast("Scope", scope), name, unit, each),
                limit=limit,
                principal=principal,
                reason=text,
            )
            for (unit, each), limit in budget.amounts.items()
        )
        return await self._enter(tenant, named, lambda _: facts)

    async def unset(
        self, tenant: str, holder: str, *, window: str = "total", principal: str, reason: str
    ) -> tuple[BudgetSet, ...]:
        """Give all that was set for a holder and a window back to what is declared.

        Raises `NotFound` where nothing is set.
        """
        named = settable(tenant, holder)
        text = self._reason(tenant, reason)
        windows = (window, "alert") if window == "total" else (window,)

        def facts(known: Iterable[LimitLine]) -> tuple[BudgetSet, ...]:
            return tuple(
                BudgetSet(account=line.account, limit=None, principal=principal, reason=text)
                for line in known
                if window_of(line.account) in windows
            )

        found = await self._enter(tenant, named, facts)
        if not found:
            raise NotFound(f"{named}: nothing is set for the window {window!r}")
        return found

    def _reason(self, tenant: str, reason: str) -> Clean:
        if not reason.strip():
            raise UsageError("say a reason: who reads the book later wants to know why")
        return Clean.vouch(self.redactor(tenant).clean(storable(reason)).text)

    async def _enter(
        self,
        tenant: str,
        holder: str,
        facts: Callable[[Sequence[LimitLine]], tuple[BudgetSet, ...]],
    ) -> tuple[BudgetSet, ...]:
        def decide(pages: Sequence[Page], _now_ms: int) -> Entry:
            made = facts(limits_of(page.event for page in pages))
            return Entry(events=made, limits=tuple(LimitLine(e.account, e.limit) for e in made))

        entry = await self.books.enter(keeper(tenant, holder), holder, decide)
        return tuple(each for each in entry.events if isinstance(each, BudgetSet))


def _strictest(
    one: Mapping[str, AccountLimit], other: Mapping[str, AccountLimit]
) -> dict[str, AccountLimit]:
    return {each.account: each for each in strictest(one.values(), other.values())}


def _in_force(
    name: str,
    set_limits: Mapping[str, int],
    declared: Mapping[str, AccountLimit],
    balances: Mapping[str, Balance],
) -> tuple[Source, AccountLimit]:
    """Where the limit of an account comes from, and what it is, under the name it was set for."""
    for line in limit_names(name):
        if line in set_limits:
            return "set", AccountLimit(account=line, limit=set_limits[line])
    said = declared.get(name)
    brought = balances[name].limit if name in balances else None
    if said is None or (brought is not None and brought < said.limit):
        return "runs", AccountLimit(account=name, limit=brought or 0)
    return ("plan" if said.plan else "declared"), said


def _drawn_on(set_limits: Iterable[str], holder: str | None) -> set[str]:
    """The accounts that these limits make; one for each of a scope is also one of the holder."""
    if holder is None:
        return set(set_limits)
    return {f"{holder}|{name.partition('|')[2]}" for name in set_limits}


def _spender(tenant: str, holder: str) -> Spender:
    """Somebody of whom only the holder's name matters."""
    scope, _, name = holder.partition(":")
    names = {key: name if key == scope else "" for key in ("user", "session", "agent", "run")}
    return Spender(tenant=tenant, labels=(name,) if scope == "label" else (), **names)


def _budget(holder: str, window: str, amounts: Mapping[str, str | int | None]) -> Budget:
    """The amounts of a holder, checked. Raises `UsageError`."""
    scope, _, name = holder.partition(":")
    fields = {key: value for key, value in amounts.items() if value is not None}
    try:
        return Budget.model_validate(
            {
                "of": scope,
                "name": EVERYONE if scope == "global" else name,
                "window": cast("Window", window),
                **fields,
            }
        )
    except ValidationError as exc:
        error = exc.errors()[0]
        where = ".".join(str(part) for part in error["loc"])
        raise UsageError(
            f"{holder}{' ' if where else ''}{where}: {error['msg'].removeprefix('Value error, ')}"
        ) from None
