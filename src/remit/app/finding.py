"""Finds runs by who, what and how they ended, and by what happened in them.

The rows of runs tell who, when and how; what happened is read in the journals of those that fit so
far, a bounded number at a time: `Findings.next` goes on where it stopped.
"""

from dataclasses import dataclass

from remit.app.pairs import pairs_of, spent_by
from remit.journal.rows import RunRow, RunStatus
from remit.ports import Store
from remit.projections.tree import decision_tree

_PAGE = 1_000  # rows read at once
_ROWS = 10_000  # looked through for one answer
# Journals read for one answer: some milliseconds each, so that nobody waits longer than a second.
_OPENED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is looked for; what is empty does not matter. Money is in nano-dollars."""

    agent: str = ""
    user: str = ""
    session: str = ""
    status: RunStatus | None = None
    least_nano: int | None = None
    most_nano: int | None = None
    text: str = ""
    """Somewhere in what was said, done or refused, whatever the case."""
    tool: str = ""
    """A call of this tool was proposed."""
    rule: str = ""
    """This rule decided something."""

    @property
    def opens(self) -> bool:
        """Journals must be read for it."""
        return bool(self.text or self.tool or self.rule)

    @property
    def prices(self) -> bool:
        """It asks for a cost."""
        return self.least_nano is not None or self.most_nano is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRun:
    """A run and what it has spent, sub-runs included."""

    row: RunRow
    cost_nano: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Runs, newest first; `next` is where to go on, None where there are no more."""

    runs: tuple[FoundRun, ...]
    next: str | None
    looked_at: int
    """Rows that were looked through."""
    whole: bool
    """As many as were asked for, or all there are: it did not stop at its bounds."""


async def find_runs(
    store: Store, tenant: str | None, wish: Wish, *, before: str | None = None, limit: int = 50
) -> Findings:
    """Root runs that fit, newest first. `tenant=None` is for operators. Raises `StoreError`."""
    found: list[FoundRun] = []
    looked, opened, last = 0, 0, before
    while looked < _ROWS:
        page = await store.runs(
            tenant,
            session=wish.session or None,
            status=() if wish.status is None else (wish.status,),
            before=last,
            limit=_PAGE,
        )
        for row in page:
            looked, last = looked + 1, row.run
            if not _fits(row, wish):
                continue
            cost = await spent_by(store, row)
            if wish.prices and not _costs(cost, wish):
                continue
            if wish.opens:
                opened += 1
                if not await _holds(store, row, wish):
                    if opened >= _OPENED:
                        return Findings(runs=tuple(found), next=last, looked_at=looked, whole=False)
                    continue
            found.append(FoundRun(row=row, cost_nano=cost))
            if len(found) >= limit or opened >= _OPENED:
                whole = len(found) >= limit
                return Findings(runs=tuple(found), next=last, looked_at=looked, whole=whole)
        if len(page) < _PAGE:
            return Findings(runs=tuple(found), next=None, looked_at=looked, whole=True)
    return Findings(runs=tuple(found), next=last, looked_at=looked, whole=False)


def _fits(row: RunRow, wish: Wish) -> bool:
    return row.parent is None and wish.agent in ("", row.agent) and wish.user in ("", row.user)


def _costs(nano: int, wish: Wish) -> bool:
    least = wish.least_nano is None or nano >= wish.least_nano
    return least and (wish.most_nano is None or nano <= wish.most_nano)


async def _holds(store: Store, row: RunRow, wish: Wish) -> bool:
    """What happened in the run is what is looked for; of what was erased nobody knows."""
    pairs = await pairs_of(store, row)
    if not pairs:
        return False
    text = wish.text.casefold()
    seen_text, seen_tool, seen_rule = not text, not wish.tool, not wish.rule
    for node in decision_tree(pairs, pairs[0][0].run).walk():
        seen_text |= bool(text) and (text in node.text.casefold() or text in node.label.casefold())
        seen_tool |= node.kind == "call" and node.label == wish.tool
        seen_rule |= bool(node.rule) and node.rule == wish.rule
        if seen_text and seen_tool and seen_rule:
            return True
    return False
