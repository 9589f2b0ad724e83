"""The trial balance of a tenant: accounts, holds, set limits and sums are what the journal says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from remit.app.audit_run import RunAudit
from remit.errors import IntegrityError
from remit.journal.rows import Balance
from remit.policy.book import book_of
from remit.ports import Store
from remit.runtime.ledger import Ledger
from remit.values.account import OPERATOR, holder_of, keeper
from remit.values.ledger import FIELDS, NOTHING, Amounts, LedgerFilter, LedgerKey

# Rows read at a time: enough to keep the store busy, little to hold.
_PAGE = 1_000
# Limits that operators set in one tenant; each was typed by somebody.
_LIMITS = 1_000_000


async def tenants_of_ledger(store: Store) -> list[str]:
    """The tenants that the ledger knows: of one that was removed it may be all that is left."""
    found: list[str] = []
    after: LedgerKey | None = None
    while page := await store.ledger(("tenant",), after=after, limit=_PAGE):
        found += [each.key.tenant for each in page]
        after = page[-1].key
    return found


@dataclass(slots=True)
class Everybody:
    """What runs of all tenants posted and hold on accounts that belong to no tenant."""

    posted: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    whole: bool = True
    """Every tenant was counted, and nothing was damaged, erased or written meanwhile."""
    records: int = 0
    """How many records were counted: a journal that has more now was written meanwhile."""


@dataclass(slots=True)
class TrialBalance:
    """Reads everything first, so that the caller can see whether it changed meanwhile."""

    store: Store
    tenant: str
    audits: Sequence[RunAudit]
    held: Counter[str] = field(default_factory=Counter)
    left: list[tuple[str, int]] = field(default_factory=list)
    """Runs that ended, and how many holds they left."""
    balances: dict[str, Balance] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    sums: dict[LedgerKey, Amounts] | None = None

    async def read(self) -> None:
        """Read holds, balances, limits and sums as they are now. Raises `StoreError`."""
        for audit in self.audits:
            holds = await self.store.open_holds(self.tenant, audit.run)
            for hold in holds:
                self.held[hold.account] += hold.amount
            if holds and audit.ended:
                self.left.append((audit.run, len(holds)))
        after = ""
        while page := await self.store.balances(self.tenant, after=after, limit=_PAGE):
            self.balances |= {each.account: each for each in page}
            after = page[-1].account
        lines = await self.store.limits(self.tenant, limit=_LIMITS)
        self.limits = {line.account: line.limit for line in lines if line.limit is not None}
        try:
            await Ledger(self.store).catch_up()
        except IntegrityError:
            return  # a record of another tenant is damaged, which is told there
        self.sums = await self._sums()

    async def _sums(self) -> dict[LedgerKey, Amounts]:
        found: dict[LedgerKey, Amounts] = {}
        after: LedgerKey | None = None
        mine = LedgerFilter(tenant=self.tenant)
        while page := await self.store.ledger(FIELDS, mine, after=after, limit=_PAGE):
            found |= {each.key: each.amounts for each in page}
            after = page[-1].key
        return found

    def faults(self, everybody: Everybody) -> list[tuple[str, str]]:
        """What does not fit, with the run it concerns; shared accounts are added to `everybody`."""
        posted: Counter[str] = Counter()
        for audit in self.audits:
            posted.update(audit.posted)
        held = self.held
        if self.tenant == OPERATOR:
            posted.update(everybody.posted)
            held.update(everybody.held)
        else:
            for kind, counted in ((everybody.posted, posted), (everybody.held, held)):
                for name in [name for name in counted if keeper("", name) == OPERATOR]:
                    kind[name] += counted.pop(name)
        found = [(run, f"it has ended and left {count} holds") for run, count in self.left]
        if self.tenant != OPERATOR or everybody.whole:
            found += _accounts(self.balances, posted, held)
        return [*found, *self._books(), *self._ledger()]

    def _books(self) -> Iterable[tuple[str, str]]:
        """The limits in force are those that the books come to."""
        said: dict[str, int] = {}
        for audit in self.audits:
            for line in audit.limits:
                if book_of(holder_of(line.account)) != audit.run:
                    yield audit.run, f"tells of {line.account}, which is another holder's"
                if line.limit is not None:
                    said[line.account] = line.limit
        for name in sorted(said.keys() | self.limits.keys()):
            has, was = self.limits.get(name, "none"), said.get(name, "none")
            if has != was:
                yield "", f"the limit of {name} is {has}, the books say {was}"

    def _ledger(self) -> Iterable[tuple[str, str]]:
        """The sums of the ledger are those of its entries."""
        if self.sums is None:
            return
        entered: dict[LedgerKey, Amounts] = {}
        for audit in self.audits:
            for key, amounts in audit.sums.items():
                entered[key] = entered.get(key, NOTHING) + amounts
        for key in sorted(entered.keys() | self.sums.keys(), key=str):
            has, was = self.sums.get(key, NOTHING), entered.get(key, NOTHING)
            if has != was:
                row = f"{key.day}, user {key.user}, agent {key.agent}, {key.model}"
                what = f"the ledger of {row} says {_told(has)}, its entries {_told(was)}"
                yield "", f"{what} (`remit ledger --rebuild` makes it anew)"


def _told(amounts: Amounts) -> str:
    return f"{amounts.cost} nano-dollars in {amounts.calls} calls of {amounts.tokens} tokens"


def _accounts(
    balances: Mapping[str, Balance], posted: Mapping[str, int], held: Mapping[str, int]
) -> Iterable[tuple[str, str]]:
    """Each account says what was posted on it and what open holds reserve on it."""
    for name in sorted(balances.keys() | posted.keys() | held.keys()):
        has = balances.get(name, Balance(name, 0, 0, 0))
        if has.posted != posted.get(name, 0):
            yield "", f"the account {name} says {has.posted}, the events {posted.get(name, 0)}"
        if has.held != held.get(name, 0):
            yield "", f"the account {name} holds {has.held}, its open holds {held.get(name, 0)}"
