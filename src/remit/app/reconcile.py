"""Reconciles the ledger with a provider's report, and enters the result in the provider's book."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from remit.app.billing import prefixes
from remit.app.day_use import bill_holder, day_use
from remit.errors import ProviderError, RemitError
from remit.journal.events import (
    AssumptionCorrected,
    ReconciliationFailed,
    ReconciliationFinished,
)
from remit.journal.fact import Post
from remit.journal.facts_of_bills import ReconciledLine
from remit.policy.redact import Redactor
from remit.ports import Billing, Clock, Store
from remit.projections.reconcile import (
    EXACT,
    Correction,
    Line,
    Reconciliation,
    Tolerance,
    compare,
)
from remit.runtime.books import NOTHING, Books, Entry, Page
from remit.values.account import OPERATOR, resolve, unit_of
from remit.values.clean import Clean

# Lines that are written out in the journal; the counts hold all of them.
MAX_LINES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be compared."""

    provider: str
    day: date
    keys: tuple[str, ...] = ()
    """The provider's ids of API keys; none: the whole organization."""
    tenant: str | None = None
    """None: all tenants of the journal together, as the provider's report has them."""
    tolerance: Tolerance = EXACT


class Reconciler:
    """Compares days and keeps what came out."""

    def __init__(
        self, store: Store, books: Books, clock: Clock, redactor: Callable[[str], Redactor]
    ) -> None:
        """`redactor`: that of a tenant; a report belongs to none, and is cleaned all the same."""
        self._store = store
        self._books = books
        self._clock = clock
        self._redactor = redactor

    async def reconcile(self, wanted: Wanted, billing: Billing) -> Reconciliation:
        """Compare a day, and enter the result. Comparing it again enters only what is new.

        Raises `ProviderError` when the report cannot be had or read, `StoreError`.
        """
        statement = await billing.statement(wanted.day, wanted.keys)
        use = await day_use(
            self._store, wanted.day, wanted.provider, prefixes(wanted.provider), wanted.tenant
        )
        found = compare(use, statement, wanted.tolerance, self._clock.now_ms())
        holder = bill_holder(wanted.provider)
        fact = self._fact(found, wanted)

        def entry(pages: Sequence[Page], _now_ms: int) -> Entry:
            return NOTHING if newest(pages, fact) == fact else Entry(events=(fact,))

        await self._books.enter(wanted.tenant or OPERATOR, holder, entry)
        for tenant in sorted({each.doubt.tenant for each in found.corrections}):
            mine = [each for each in found.corrections if each.doubt.tenant == tenant]
            await self._correct(tenant, holder, wanted, mine)
        return found

    async def days(self, provider: str, keys: tuple[str, ...]) -> tuple[set[date], set[date]]:
        """The days that are done with, and those that failed, for these keys of all tenants.

        A day that was compared before it had closed, or for other keys, is not done with.
        """
        done: set[date] = set()
        failed: set[date] = set()
        for page in await self._books.read(OPERATOR, bill_holder(provider)):
            match page.event:
                case ReconciliationFinished(closed=True) as event if event.keys == keys:
                    done.add(date.fromisoformat(event.day))
                case ReconciliationFailed() as event:
                    failed.add(date.fromisoformat(event.day))
                case _:
                    pass
        return done, failed

    async def failed(self, provider: str, day: date, error: RemitError) -> None:
        """Write down, once a day and kind of failure, that a day could not be compared."""
        kind = error.kind if isinstance(error, ProviderError) else type(error).__name__
        fact = ReconciliationFailed(
            provider=provider, day=day.isoformat(), kind=kind, detail=self._clean(str(error))
        )

        def entry(pages: Sequence[Page], _now_ms: int) -> Entry:
            told = any(
                isinstance(page.event, ReconciliationFailed)
                and (page.event.day, page.event.kind) == (fact.day, fact.kind)
                for page in pages
            )
            return NOTHING if told else Entry(events=(fact,))

        await self._books.enter(OPERATOR, bill_holder(provider), entry)

    async def _correct(
        self, tenant: str, holder: str, wanted: Wanted, corrections: Sequence[Correction]
    ) -> None:
        facts = [_corrected(each, wanted) for each in corrections]

        def entry(pages: Sequence[Page], _now_ms: int) -> Entry:
            known = {
                (page.event.run, page.event.call, page.event.attempt)
                for page in pages
                if isinstance(page.event, AssumptionCorrected)
            }
            fresh = (fact for fact in facts if (fact.run, fact.call, fact.attempt) not in known)
            return Entry(events=tuple(fresh))

        await self._books.enter(tenant, holder, entry)

    def _fact(self, found: Reconciliation, wanted: Wanted) -> ReconciliationFinished:
        lines = [line for line in found.lines if line.state != "matched"]
        lines.sort(key=lambda line: not line.beyond)  # what must be looked at comes first
        return ReconciliationFinished(
            provider=found.provider,
            source=found.source,
            day=found.day.isoformat(),
            closed=found.closed,
            keys=wanted.keys,
            matched=found.count("matched"),
            missing_here=found.count("missing_here"),
            missing_there=found.count("missing_there"),
            differing=found.count("differing"),
            beyond=sum(line.beyond for line in found.lines),
            lines=tuple(self._line(line) for line in lines[:MAX_LINES]),
            hints=tuple(self._clean(hint) for hint in found.hints),
        )

    def _clean(self, text: str) -> Clean:
        return self._redactor("").clean(text).text

    def _line(self, line: Line) -> ReconciledLine:
        if line.state == "matched":
            raise ValueError(f"{line.model}: a line that matches is not written down")
        return ReconciledLine(
            model=self._clean(line.model),
            what=self._clean(line.what),
            unit=line.unit,
            here=line.here,
            there=line.there,
            state=line.state,
            why=line.why,
        )


def newest(pages: Sequence[Page], like: ReconciliationFinished) -> ReconciliationFinished | None:
    """The last result for the same day and keys."""
    for page in reversed(pages):
        event = page.event
        if isinstance(event, ReconciliationFinished) and (event.day, event.keys) == (
            like.day,
            like.keys,
        ):
            return event
    return None


def _corrected(correction: Correction, wanted: Wanted) -> AssumptionCorrected:
    """The new entry: on every account of money the difference, elsewhere what was posted."""
    doubt = correction.doubt
    return AssumptionCorrected(
        provider=wanted.provider,
        day=wanted.day.isoformat(),
        run=doubt.run,
        call=doubt.call,
        attempt=doubt.attempt,
        model=doubt.asked,
        assumed=doubt.nano,
        billed=correction.billed,
        usage=correction.usage,
        posts=tuple(
            Post(account=resolve(post.account, doubt.run), amount=change)
            for post in doubt.posts
            if (change := _change(post, correction))
        ),
    )


def _change(post: Post, correction: Correction) -> int:
    """What is added to an account so that it holds what was really used."""
    unit = unit_of(post.account)
    if unit == "nano":
        return correction.billed - post.amount
    if unit == "tokens":
        return correction.usage.total - post.amount
    return 0  # the call was made, whatever was billed
