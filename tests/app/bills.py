"""Journals and reports for tests of reconciliation: days long gone, and a provider made by hand."""

from dataclasses import dataclass, field, replace
from datetime import date

from remit.adapters.memory.store import MemoryStore
from remit.app.reconcile import Reconciler
from remit.errors import RemitError
from remit.journal.events import Event, ModelCompleted, ModelFailed, ModelRequested
from remit.journal.fact import Post
from remit.journal.transfers import transfers
from remit.ports import Store
from remit.runtime.books import Books
from remit.runtime.services import Signer
from remit.values.clean import Clean
from remit.values.statement import TOKENS, CostLine, Statement, TokenLine, start_ms, token_classes
from remit.values.usage import Usage
from tests.adapters.store.chains import MAC_KEY, Chain
from tests.runtime.kit import redactor

DAY = date(2026, 11, 19)
NOON = start_ms(DAY) + 43_200_000
MODEL = "claude-haiku-4-5-20251001"
USAGE = Usage(input=100, cache_read=20, output=7)
ACCOUNT = "tenant:acme|month:2026-11|nano"
COUNTED = "tenant:acme|month:2026-11|tokens"


@dataclass
class Hands:
    """A clock that is set by hand, and dice that always fall alike."""

    now: int = NOON + 5 * 86_400_000

    def now_ms(self) -> int:
        return self.now

    def entropy(self, count: int) -> bytes:
        return bytes(count)

    def jitter(self) -> int:
        return 0


def asked(call: str, model: str = f"anthropic:{MODEL}") -> ModelRequested:
    return ModelRequested(
        call=call,
        model=model,
        messages=1,
        digest="d",
        max_output_tokens=50,
        input_bound=500,
    )


def answered(call: str, nano: int = 9_000, model: str = MODEL) -> ModelCompleted:
    return ModelCompleted(call=call, parts=(), stop="end", usage=USAGE, model=model, cost=nano)


def lost(call: str, nano: int = 80_000) -> ModelFailed:
    return ModelFailed(
        call=call,
        kind="in_doubt",
        detail=Clean.vouch("lost"),
        cost=nano,
        assumed=True,
        posts=(
            Post(account=ACCOUNT, amount=nano),
            Post(account=COUNTED, amount=550),
            Post(account="run:.|total|calls", amount=1),
        ),
    )


async def write(store: Store, *events: Event, run: str = "run_1", at: int = NOON) -> None:
    """A run's records, one event each, a second apart."""
    chain = Chain(run=run, session=run, now_ms=at)
    for event in events:
        chain.facts = (event,)
        _, posts = transfers(run, (event,))
        await chain.write(store, posts=tuple(posts))
        chain.now_ms += 1000


def told(*usages: Usage, nano: int | None = 0, model: str = MODEL) -> Statement:
    """What the provider says about the day."""
    lines = [
        TokenLine(model=model, token_class=name, tokens=count)
        for usage in usages
        for name, count in token_classes(usage).items()
    ]
    return Statement(
        provider="anthropic",
        source="by-hand",
        day=DAY,
        tokens=tuple(lines),
        costs=None if nano is None else (CostLine(model=model, item=TOKENS, nano=nano),),
    )


@dataclass
class ByHand:
    """A provider whose report is said by the test."""

    says: Statement | RemitError
    asked: list[tuple[date, tuple[str, ...]]] = field(default_factory=list)

    async def statement(self, day: date, keys: tuple[str, ...] = ()) -> Statement:
        self.asked.append((day, keys))
        if isinstance(self.says, RemitError):
            raise self.says
        return replace(self.says, day=day)


@dataclass
class Office:
    """A store with books and a reconciler on it."""

    store: Store
    books: Books
    reconciler: Reconciler
    clock: Hands


async def office(store: Store | None = None) -> Office:
    store = MemoryStore() if store is None else store
    await store.open()
    clock = Hands()
    books = Books(store, clock, clock, Signer(key=MAC_KEY, key_id="test"))
    return Office(store, books, Reconciler(store, books, clock, lambda _tenant: redactor()), clock)
