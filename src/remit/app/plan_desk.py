"""Who has which plan: reads and writes the books of holders, and tells the runs under way."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from remit.errors import ConfigError, NotFound
from remit.journal.admit import LIVE
from remit.journal.events import Event, PayerLinked, PaymentReceived, PlanAssigned, PlanChanged
from remit.journal.facts_of_plans import PlanTerms
from remit.journal.rows import RunRow
from remit.policy.allowance import Spender
from remit.policy.entitlement import (
    Standing,
    changes,
    entitled,
    on_assignment,
    on_payment,
    standing_of,
)
from remit.policy.plan import MAX_NAME, Plan, Plans, holder_name, terms_of
from remit.policy.redact import Redactor
from remit.ports import Clock, Store
from remit.runtime.books import Books, Entry, Page
from remit.runtime.cleaning import storable
from remit.runtime.letters import letter, plan_key
from remit.values.account import OPERATOR, OWN
from remit.values.ids import check_name
from remit.wire.webhook.reference import Reference, fits, holder_digest

_PAGE = 500  # rows of living runs looked through at once


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderPlan:
    """The plan of a holder (`user:ann`) as it stands now.

    until_ms: when it ends unless a payment that failed is made good. assigned: given by hand.
    """

    tenant: str
    holder: str
    plan: str
    until_ms: int | None
    assigned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDesk:
    """Plans for runs that start, for payments, and for operators."""

    store: Store
    books: Books
    clock: Clock
    redactor: Callable[[str], Redactor]
    plans: Plans | None
    ring: Callable[[str, str], None] = lambda _tenant, _run: None
    """Tells a driver of this process that a letter came."""

    @property
    def declared(self) -> Plans:
        """The price list. Raises `ConfigError` where there is none."""
        if self.plans is None:
            raise ConfigError(
                "no plans are declared: write [billing] and [plans.NAME] in remit.toml, or "
                "App(plans=Plans(...))"
            )
        return self.plans

    # ------------------------------------------------------------ for runs

    async def terms(self, spender: Spender) -> PlanTerms | None:
        """The plan of a run that starts, None where none are declared.

        A grace that is over is journalled here. Raises `ConfigError` for a paid plan that is not
        declared any more.
        """
        if self.plans is None:
            return None
        tenant, holder = spender.tenant, holder_name(self.plans, spender.tenant, spender.user)
        pages = await self._settled(tenant, holder)
        now = entitled(_standing(pages), self.plans, self.clock.now_ms())
        if now.undeclared:
            raise ConfigError(
                f"{tenant}/{holder} has paid for the plan {now.undeclared!r}, which is not "
                f"declared any more: declare it, or say remit plan set {holder} PLAN"
            )
        await self.introduce(tenant, holder)
        return terms_of(self.plans.get(now.plan), spender, len(pages))

    async def _settled(self, tenant: str, holder: str) -> Sequence[Page]:
        """The book of a holder, in which time alone changes nothing any more."""
        pages = await self.books.read(tenant, holder)
        plans = self.declared
        if changes(_standing(pages), plans, self.clock.now_ms()):
            await self.books.enter(
                tenant,
                holder,
                lambda pages, now_ms: Entry(events=changes(_standing(pages), plans, now_ms)),
            )
            await self.tell(tenant, holder)
            pages = await self.books.read(tenant, holder)
        return pages

    # ------------------------------------------------------------ for payments and operators

    async def pay(self, tenant: str, holder: str, received: PaymentReceived) -> bool:
        """Enter a payment; False where it was entered before. Runs under way are not told yet.

        Raises `ConfigError` for a holder who cannot have a plan (any more).
        """
        plans = self.declared
        self._check_holder(holder)

        def decide(pages: Sequence[Page], now_ms: int) -> Entry:
            return Entry(events=on_payment(_standing(pages), received, plans, now_ms))

        return bool((await self.books.enter(tenant, holder, decide)).events)

    async def assign(
        self, tenant: str, holder: str, plan: str, *, principal: str, reason: str = ""
    ) -> HolderPlan:
        """Give a holder a plan by hand, whatever was paid; empty: what was paid counts again.

        Raises `ConfigError` for a plan or a holder that cannot be.
        """
        plans = self.declared
        self._check_holder(holder)
        clean = self.redactor(tenant).clean(storable(reason)).text
        given = PlanAssigned(plan=plan, principal=principal, reason=clean)

        def decide(pages: Sequence[Page], now_ms: int) -> Entry:
            return Entry(events=on_assignment(_standing(pages), given, plans, now_ms))

        await self.books.enter(tenant, holder, decide)
        await self.tell(tenant, holder)
        return await self.show(tenant, holder)

    async def show(self, tenant: str, holder: str) -> HolderPlan:
        """The plan of a holder as it stands now."""
        plans = self.declared
        self._check_holder(holder)
        standing = _standing(await self.books.read(tenant, holder))
        now = entitled(standing, plans, self.clock.now_ms())
        return HolderPlan(
            tenant=tenant,
            holder=holder,
            plan=now.plan,
            until_ms=now.until_ms,
            assigned=bool(standing.assigned),
        )

    def _check_holder(self, holder: str) -> None:
        scope, _, name = holder.partition(":")
        if scope != self.declared.holder:
            raise ConfigError(
                f"{holder!r}: plans are held by each {self.declared.holder}; say "
                f"{self.declared.holder}:NAME"
            )
        check_name(scope, name)

    # ------------------------------------------------------------ who is who

    async def introduce(self, tenant: str, holder: str) -> None:
        """Before a checkout link is made: keep the names of a holder that no reference can hold."""
        self._check_holder(holder)
        longest = Reference(plan="x" * MAX_NAME, until_ms=0, tenant=tenant, holder=holder)
        if not fits(longest):
            await self.link(f"name:{holder_digest(tenant, holder)}", (tenant, holder))

    async def link(self, payer: str, owner: tuple[str, str]) -> tuple[PaymentReceived, ...]:
        """Remember whose a payer is; the payments that waited for that, oldest first."""
        tenant, holder = owner

        def decide(pages: Sequence[Page], _now_ms: int) -> Entry:
            known = _links(pages)
            same = bool(known) and known[-1] == owner
            return Entry(events=() if same else (PayerLinked(tenant=tenant, holder=holder),))

        await self.books.enter(OPERATOR, payer, decide)
        pages = await self.books.read(OPERATOR, payer)
        if _links(pages)[0] != owner:
            return ()  # they were the first owner's
        return tuple(page.event for page in pages if isinstance(page.event, PaymentReceived))

    async def owner(self, payer: str) -> tuple[str, str] | None:
        """(tenant, holder) of a payer, None where nobody has claimed it."""
        known = _links(await self.books.read(OPERATOR, payer))
        return known[-1] if known else None

    async def keep(self, payer: str, received: PaymentReceived) -> tuple[str, str] | bool:
        """Keep a payment until its payer is claimed; False where it waits already.

        The owner, where somebody has claimed the payer meanwhile.
        """

        def decide(pages: Sequence[Page], _now_ms: int) -> Entry:
            known = any(
                isinstance(page.event, PaymentReceived) and page.event.event == received.event
                for page in pages
            )
            return Entry(events=() if known or _links(pages) else (received,))

        entry = await self.books.enter(OPERATOR, payer, decide)
        owner = None if entry.events else await self.owner(payer)
        return bool(entry.events) if owner is None else owner

    async def seen(self, tenant: str, holder: str) -> frozenset[str]:
        """The payment events in a holder's book, as `provider:event`."""
        return _standing(await self.books.read(tenant, holder)).seen

    # ------------------------------------------------------------ telling runs

    async def tell(self, tenant: str, holder: str) -> None:
        """Tell the living runs of a holder its plan, by letter; one letter for one state of things.

        Only the drivers of this process are rung; those of others find the letter.
        """
        plans = self.declared
        pages = await self.books.read(tenant, holder)
        make = partial(terms_of, self._plan_now(pages), number=len(pages))
        before: str | None = None
        while rows := await self.store.runs(tenant, status=LIVE, before=before, limit=_PAGE):
            before = rows[-1].run
            for row in rows:
                if holder != holder_name(plans, row.tenant, row.user):
                    continue
                with suppress(NotFound):  # erased meanwhile
                    await self._send(tenant, row.run, make(spender=_spender(row)))

    async def catch_up(self, run: str, spender: Spender, started: PlanTerms) -> None:
        """Tell a run that has just become durable what changed since its terms were read.

        Whoever changed it before could not know of the run; whoever does afterwards tells it.
        """
        tenant = spender.tenant
        holder = holder_name(self.declared, tenant, spender.user)
        pages = await self.books.read(tenant, holder)
        if len(pages) > started.number:
            await self._send(tenant, run, terms_of(self._plan_now(pages), spender, len(pages)))

    def _plan_now(self, pages: Sequence[Page]) -> Plan:
        plans = self.declared
        return plans.get(entitled(_standing(pages), plans, self.clock.now_ms()).plan)

    async def _send(self, tenant: str, run: str, terms: PlanTerms) -> None:
        fact, now_ms = PlanChanged(plan=terms), self.clock.now_ms()
        await self.store.send(tenant, letter(run, plan_key(terms.number), fact, now_ms))
        self.ring(tenant, run)


def _standing(pages: Sequence[Page]) -> Standing:
    return standing_of(_events(pages))


def _events(pages: Sequence[Page]) -> list[Event]:
    return [page.event for page in pages]


def _links(pages: Sequence[Page]) -> list[tuple[str, str]]:
    return [
        (event.tenant, event.holder) for event in _events(pages) if isinstance(event, PayerLinked)
    ]


def _spender(row: RunRow) -> Spender:
    """Who pays for a run under way; what is limited of a run is the root's."""
    return Spender(
        tenant=row.tenant,
        user=row.user,
        session=row.session,
        agent=row.agent,
        run=OWN if row.run == row.root else row.root,
    )
