"""The ledger: each settled call as one entry of two lines, debited to its spender, owed to whom.

An entry tells who, which run, call and session, which model at which version of the price table,
tokens by class, the cost, whether it was assumed, and what it came to on limited accounts. What
was assumed and is known later is corrected by an entry of its own; none is ever changed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from remit.journal.events import (
    AssumptionCorrected,
    CallJudged,
    InputRequested,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    ProbeCompleted,
    RunStarted,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
    ToolResolved,
    ToolUnknown,
)
from remit.journal.facts_of_tools import Settled
from remit.journal.transfers import PostLine, transfers
from remit.projections.timeline import Pair, Told, timeline
from remit.values.account import is_rate, resolve
from remit.values.ledger import Amounts, LedgerKey, amounts_of, utc_day
from remit.values.usage import Usage

Kind = Literal["model", "tool", "correction"]
TOOLS = "tool"
"""The provider of what tools cost, and the prefix of their names beside models."""

_NO_USE = Usage()
_UNKNOWN = "unknown:"
_NO_MONEY = (Amounts(), Amounts(calls=1))
"""A call that was refused before anything was done, or a tool without a price: nothing moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """In whose name a run works, and which agent it is one of."""

    user: str = ""
    agent: str = ""
    session: str = ""


NOBODY = Who()


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry, in nano-dollars: one of `debit` and `credit` is 0."""

    account: str
    debit: int
    credit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One entry: a settled model or tool call, or the correction of one."""

    kind: Kind
    time_ms: int
    tenant: str
    who: Who
    run: str
    call: str
    attempt: int
    """0 where it is taken back that any attempt happened."""
    provider: str
    model: str
    """With the provider's prefix, as it was asked for; `tool:NAME` for a tool."""
    price_version: str = ""
    """Of the table the price was taken from when the run started."""
    amounts: Amounts
    posts: tuple[PostLine, ...] = ()
    """What was entered on limited accounts, by their full names."""

    @property
    def key(self) -> LedgerKey:
        """Where it is summed."""
        return LedgerKey(
            tenant=self.tenant,
            day=utc_day(self.time_ms),
            user=self.who.user,
            agent=self.who.agent,
            model=self.model,
        )

    @property
    def lines(self) -> tuple[Line, Line]:
        """Debit the spender, credit the provider; the other way round for what is given back."""
        spender = f"spent:{self.tenant}/{self.who.user}/{self.who.agent}"
        provider = f"owed:{self.provider}"
        if self.amounts.cost < 0:
            back = -self.amounts.cost
            return Line(provider, back, 0), Line(spender, 0, back)
        return Line(spender, self.amounts.cost, 0), Line(provider, 0, self.amounts.cost)


_OfTool = ToolCompleted | ToolFailed | ToolUnknown | InputRequested
_TakenBack = ProbeCompleted | ToolResolved
_Settled = ModelCompleted | ModelFailed | _OfTool | _TakenBack


@dataclass(frozen=True, slots=True)
class _Asked:
    model: str
    price_version: str


@dataclass(slots=True)
class RunCharges:
    """Reads the entries out of one run's records (or a book's), which must come in order.

    `others` says who the runs are that a book speaks of. What it keeps is bounded by the calls
    that are open at once.
    """

    tenant: str
    run: str
    who: Who = NOBODY
    others: Mapping[str, Who] = field(default_factory=dict)
    version: int = 0
    """Of the last record that was read."""
    _prices: dict[str, str] = field(default_factory=dict)
    _asked: dict[tuple[str, int], _Asked] = field(default_factory=dict)
    _tools: dict[str, str] = field(default_factory=dict)

    def add(self, pair: Pair) -> list[Charge]:
        """The entries of the next record."""
        self.version = pair[0].version
        found = (self._take(told) for told in timeline([pair]))
        return [charge for charge in found if charge is not None]

    def _take(self, told: Told) -> Charge | None:
        match told.event:
            case RunStarted() as event:
                self.who = Who(user=event.user, agent=event.agent, session=event.session)
                self._prices = {price.model: price.version for price in event.prices}
            case ModelRequested() as event:
                asked = _Asked(event.model, self._prices.get(event.model, ""))
                self._asked[event.call, event.attempt] = asked
            case CallJudged() as event:
                self._tools[event.call] = event.tool
            case ModelCompleted() | ModelFailed() as event:
                return self._model(told, event)
            case AssumptionCorrected() as event:
                return self._corrected(told, event)
            case ToolCompleted() | ToolFailed() | ToolUnknown() | InputRequested() as event:
                return self._tool(told, event)
            case ProbeCompleted() | ToolResolved() as event:
                back = Amounts(cost=event.cost, assumed=event.cost)
                return self._charge(told, event, back, self._named(event.call))
            case _:
                pass
        return None

    def _model(self, told: Told, event: ModelCompleted | ModelFailed) -> Charge | None:
        asked = self._asked.pop((event.call, event.attempt), None)
        if isinstance(event, ModelCompleted):
            usage, assumed, over = event.usage, 0, event.over_hold
            if asked is None:  # its request was erased
                asked = _Asked(f"{_UNKNOWN}{event.model}", "")
        else:
            usage, assumed, over = event.usage or _NO_USE, event.cost * event.assumed, False
            if asked is None:
                asked = _Asked(_UNKNOWN, "")
        amounts = amounts_of(usage, cost=event.cost, assumed=assumed, over_hold=int(over))
        return self._charge(told, event, amounts, asked)

    def _tool(self, told: Told, event: _OfTool) -> Charge | None:
        asked = self._named(event.call)
        if isinstance(event, ToolCompleted | ToolFailed):
            self._tools.pop(event.call, None)  # nothing comes after it
        assumed = event.cost if isinstance(event, Settled) and event.assumed else 0
        amounts = Amounts(calls=1, cost=event.cost, assumed=assumed, over_hold=int(event.over_hold))
        return self._charge(told, event, amounts, asked)

    def _named(self, call: str) -> _Asked:
        return _Asked(f"{TOOLS}:{self._tools.get(call, '')}", "")

    def _charge(
        self, told: Told, event: _Settled, amounts: Amounts, asked: _Asked
    ) -> Charge | None:
        """The entry of an event; none where nothing moved."""
        if not isinstance(event, ModelCompleted) and amounts in _NO_MONEY:
            return None
        return Charge(
            kind="model" if isinstance(event, ModelCompleted | ModelFailed) else "tool",
            time_ms=told.time_ms,
            tenant=self.tenant,
            who=self.who,
            run=self.run,
            call=event.call,
            attempt=0 if isinstance(event, _TakenBack) else event.attempt,
            provider=asked.model.partition(":")[0],
            model=asked.model,
            price_version=asked.price_version,
            amounts=amounts,
            posts=tuple(
                PostLine("", resolve(post.account, self.run), post.amount)
                for post in event.posts
                if not is_rate(post.account)
            ),
        )

    def _corrected(self, told: Told, event: AssumptionCorrected) -> Charge:
        """The difference, on the day it was found: what a day came to is never changed later."""
        named = event.model if ":" in event.model else f"{event.provider}:{event.model}"
        return Charge(
            kind="correction",
            time_ms=told.time_ms,
            tenant=self.tenant,
            who=self.others.get(event.run, NOBODY),
            run=event.run,
            call=event.call,
            attempt=event.attempt,
            provider=named.partition(":")[0],
            model=named,
            amounts=amounts_of(
                event.usage, calls=0, cost=event.billed - event.assumed, assumed=-event.assumed
            ),
            posts=tuple(PostLine("", post.account, post.amount) for post in event.posts),
        )


def corrected_runs(pairs: Iterable[Pair]) -> frozenset[str]:
    """The runs whose assumed costs these records of a book correct."""
    return frozenset(
        event.run
        for _, body in pairs
        for event in body.events
        if isinstance(event, AssumptionCorrected)
    )


def charges(pairs: Iterable[Pair], others: Mapping[str, Who] | None = None) -> list[Charge]:
    """The entries of these records, which may be of several runs."""
    runs: dict[tuple[str, str], RunCharges] = {}
    found: list[Charge] = []
    for pair in pairs:
        key = pair[0].tenant, pair[0].run
        if key not in runs:
            runs[key] = RunCharges(*key, others=others or {})
        found += runs[key].add(pair)
    return found


def sums(entries: Iterable[Charge]) -> dict[LedgerKey, Amounts]:
    """The rows of the ledger that these entries make."""
    found: dict[LedgerKey, Amounts] = {}
    for entry in entries:
        known = found.get(entry.key)
        found[entry.key] = entry.amounts if known is None else known + entry.amounts
    return found


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """All accounts of a ledger with what is left on them; it balances when both sides are equal."""

    debit: int
    credit: int
    accounts: Mapping[str, int]
    """Debit less credit, in nano-dollars."""

    @property
    def balanced(self) -> bool:
        """Debits are credits, and all accounts together come to nothing."""
        return self.debit == self.credit and sum(self.accounts.values()) == 0


def trial_balance(entries: Iterable[Charge]) -> TrialBalance:
    """Both sides of all entries, and each account."""
    debit = credit = 0
    accounts: dict[str, int] = {}
    for entry in entries:
        for line in entry.lines:
            debit += line.debit
            credit += line.credit
            accounts[line.account] = accounts.get(line.account, 0) + line.debit - line.credit
    return TrialBalance(debit, credit, accounts)


def posted(entries: Iterable[Charge]) -> dict[str, int]:
    """What was entered on each limited account, in its unit."""
    found: dict[str, int] = {}
    for entry in entries:
        for post in entry.posts:
            found[post.account] = found.get(post.account, 0) + post.amount
    return found


@dataclass(frozen=True, slots=True)
class Drawn:
    """What runs used of one limited account, in its unit, and its limit as of their last call."""

    account: str
    used: int
    limit: int


def drawn_on(pairs: Iterable[Pair]) -> list[Drawn]:
    """The limited accounts that these runs reserved on, by name."""
    known, used = list(pairs), Counter[str]()
    for header, body in known:
        # As the store reads them: a call that cost nothing has no entry, and may still count.
        for line in transfers(header.run, body.events)[1]:
            used[line.account] += line.amount
    limits = {
        resolve(hold.account, told.header.run): hold.limit
        for told in timeline(known)
        if isinstance(told.event, ModelRequested | ToolRequested)
        for hold in told.event.holds
        if not is_rate(hold.account)
    }
    return [Drawn(name, used[name], limits[name]) for name in sorted(limits)]
