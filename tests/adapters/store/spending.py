"""Runs that hold, post, void and crash while windows and limits change, all of it accounted for."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from remit.journal.events import (
    AccountLimit,
    Event,
    Hold,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    Post,
)
from remit.journal.rows import Answer, Appended, Exceeded, Fenced, LimitLine
from remit.journal.transfers import transfers
from remit.policy.budget import amount_of, open_accounts
from remit.ports import Store
from remit.values.account import OPERATOR, is_alert, keeper, limit_names
from remit.values.usage import Usage
from tests.adapters.store.chains import NOW, Chain, book
from tests.support.trial import Place, kept, told

TENANTS = ("acme", "globex")
RUNS = 3
DAY_MS = 86_400_000
LEASE_MS = 1_000
DECLARED = (
    AccountLimit(account="run:.|total|nano", limit=150),
    AccountLimit(account="session:s|alert|nano", limit=50),
    AccountLimit(account="user:ann|day|nano", limit=200),
    AccountLimit(account="tenant:t|month|tokens", limit=900),
    AccountLimit(account="global:all|total|nano", limit=400),
    AccountLimit(account="global:all|day|calls", limit=9),
)
LIMITED = (
    *("user:ann|day|nano", "user:*|day|nano", "tenant:*|month|tokens"),
    *("global:all|total|nano", "global:*|day|calls"),
)


@dataclass
class Spender:
    """One run: its chain, and the calls that are open."""

    chain: Chain
    open: dict[str, tuple[Hold, ...]] = field(default_factory=dict)
    calls: int = 0
    owners: int = 1


def posts(holds: Sequence[Hold], nano: int | None) -> tuple[Post, ...]:
    """Entries for real use; all that was held where nobody knows it."""
    return tuple(
        Post(
            account=hold.account,
            amount=hold.amount if nano is None else amount_of(hold.account, nano, 3 * nano, 1),
        )
        for hold in holds
    )


class Spending:
    """Several runs of two tenants on one store, and what their accounts must say."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now_ms = NOW
        self.limits: dict[Place, int] = {}
        self.room: dict[Place, int] = defaultdict(int)
        """What posted and held may come to: the limit at the last hold, and what was above."""
        self.operators = {tenant: book(tenant) for tenant in (*TENANTS, OPERATOR)}
        self.spenders = [
            Spender(
                Chain(
                    run=f"run_{n}",
                    session=f"s{n}",
                    tenant=TENANTS[n % 2],
                    lease=("owner 1", NOW + LEASE_MS),
                )
            )
            for n in range(RUNS)
        ]

    # ------------------------------------------------------------ what happens

    async def call(self, number: int, nano: int) -> bool:
        """A call that may cost so much is released, or refused with nothing written."""
        spender = self.spenders[number]
        accounts = open_accounts(DECLARED, self.now_ms)
        holds = tuple(
            Hold(
                account=each.account,
                amount=amount_of(each.account, nano, 3 * nano),
                limit=each.limit,
            )
            for each in accounts
        )
        name = f"c{spender.calls + 1}"
        before = await self.balances()
        fact = ModelRequested(
            call=name,
            model="m",
            messages=1,
            digest="d",
            max_output_tokens=1,
            input_bound=1,
            holds=holds,
        )
        answer = await self._append(spender, fact)
        limits = {hold.account: self._in_force(spender, hold) for hold in holds}
        fits = True
        for hold in holds:
            place = self._place(spender, hold.account)
            taken = sum(before.get(place, (0, 0))) + hold.amount
            fits = fits and (is_alert(hold.account) or taken <= limits[hold.account])
        assert isinstance(answer, Appended) == fits
        if not fits:
            assert isinstance(answer, Exceeded)
            assert await self.balances() == before
            return False
        spender.calls += 1
        spender.open[name] = holds
        for hold in holds:
            self.room[self._place(spender, hold.account)] = limits[hold.account]
        return True

    async def settle(self, number: int, share: int) -> None:
        """The oldest call ends; it cost so many percent of what was held."""
        spender = self.spenders[number]
        if not spender.open:
            return
        name, holds = next(iter(spender.open.items()))
        nano = next(h.amount for h in holds if h.account.endswith("|nano")) * share // 100
        entries = posts(holds, nano)
        fact = ModelCompleted(
            call=name,
            parts=(),
            stop="end",
            usage=Usage(input=1, output=1),
            model="m",
            posts=entries,
            cost=nano,
            over_hold=share > 100,
        )
        assert isinstance(await self._append(spender, fact), Appended)
        self._closed(spender, name, entries)

    async def void(self, number: int) -> None:
        """The oldest call did not happen."""
        spender = self.spenders[number]
        if spender.open:
            name, holds = next(iter(spender.open.items()))
            entries = tuple(Post(account=hold.account, amount=0) for hold in holds)
            fact = ModelFailed(call=name, kind="connection", posts=entries)
            assert isinstance(await self._append(spender, fact), Appended)
            self._closed(spender, name, entries)

    async def crash(self, number: int) -> None:
        """The driver dies; the next one posts in full what may have happened, and no other can."""
        spender = self.spenders[number]
        chain = spender.chain
        if chain.version == 0:
            return
        self.now_ms += 10 * LEASE_MS
        spender.owners += 1
        claimed = await self.store.claim(
            chain.tenant,
            chain.run,
            owner=f"owner {spender.owners}",
            now_ms=self.now_ms,
            lease_ms=LEASE_MS,
        )
        assert claimed is not None
        before = await self.balances()
        late = ModelFailed(
            call="c1", kind="connection", posts=(Post(account="a|b|nano", amount=9),)
        )
        assert isinstance(await self._append(spender, late), Fenced)
        assert await self.balances() == before
        chain.epoch = claimed.row.epoch
        for name, holds in list(spender.open.items()):
            entries = posts(holds, None)
            fact = ModelFailed(call=name, kind="in_doubt", posts=entries, assumed=True)
            assert isinstance(await self._append(spender, fact), Appended)
            self._closed(spender, name, entries)

    def pass_day(self) -> None:
        """Windows expire; what is held settles in the window that opened it."""
        self.now_ms += DAY_MS

    async def limit(self, tenant: str, account: str, amount: int | None) -> None:
        """An operator sets a limit."""
        operator = self.operators[tenant]
        line = LimitLine(account, amount)
        answer = await operator.write(self.store, status="completed", limits=(line,))
        assert answer == Appended()
        place = (keeper(tenant, account), account)
        self.limits.pop(place, None)
        if amount is not None:
            self.limits[place] = amount

    async def finish(self) -> None:
        """Everything comes to its end: nothing is held then."""
        for number, spender in enumerate(self.spenders):
            while spender.open:
                await self.settle(number, 70)
        assert all(held == 0 for _, held in (await self.balances()).values())
        await self.check()

    # ------------------------------------------------------------ what must be

    async def balances(self) -> dict[Place, tuple[int, int]]:
        """(posted, held) of every account."""
        return await kept(self.store, TENANTS)

    async def check(self) -> None:
        """Accounts say what events say, and none is beyond what it may be."""
        found = await self.balances()
        assert found == await told(self.store)
        for place, (posted, held) in found.items():
            assert held >= 0
            if not is_alert(place[1]):
                assert posted + held <= self.room[place]

    # ------------------------------------------------------------ inside

    async def _append(self, spender: Spender, fact: Event) -> Answer:
        chain = spender.chain
        chain.facts, chain.now_ms = (fact,), self.now_ms
        holds, entries = transfers(chain.run, (fact,))
        return await chain.write(self.store, holds=tuple(holds), posts=tuple(entries))

    def _place(self, spender: Spender, account: str) -> Place:
        chain = spender.chain
        name = account.replace("run:.|", f"run:{chain.run}|")
        return keeper(chain.tenant, name), name

    def _in_force(self, spender: Spender, hold: Hold) -> int:
        for name in limit_names(hold.account):
            place = (keeper(spender.chain.tenant, name), name)
            if place in self.limits:
                return self.limits[place]
        return hold.limit

    def _closed(self, spender: Spender, name: str, entries: Sequence[Post]) -> None:
        holds = {hold.account: hold.amount for hold in spender.open.pop(name)}
        for entry in entries:
            above = max(0, entry.amount - holds[entry.account])
            self.room[self._place(spender, entry.account)] += above
