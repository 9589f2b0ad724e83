"""Reads a run, or all runs of its session, ready to be replayed and decided again."""

from dataclasses import dataclass

from remit.journal.rows import RunRow
from remit.machine.state import State, begin
from remit.ports import Store
from remit.projections.timeline import Pair
from remit.runtime.reader import Reader

# Runs of one session, and sub-runs of one run, that are replayed together.
_RUNS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A run before its first event, its records, and where they led."""

    row: RunRow
    before: State
    pairs: tuple[Pair, ...]
    after: State


async def read_past(reader: Reader, row: RunRow) -> Past:
    """The run of a row. Raises `NotFound` where content was erased, `IntegrityError` for damage."""
    past = await reader.past(row)
    spec = await reader.spec(row.tenant, row.spec)
    history = await reader.history_before(row.tenant, list(past.bodies))
    pairs = tuple(
        (record.header, body) for record, body in zip(past.records, past.bodies, strict=True)
    )
    before = begin(row.tenant, row.run, spec, history)
    return Past(row=row, before=before, pairs=pairs, after=past.state)


async def rows_below(store: Store, row: RunRow) -> list[RunRow]:
    """The run of a row and all its sub-runs, parents first."""
    rows = [row]
    for each in rows:
        rows += sorted(
            await store.runs(each.tenant, parent=each.run, limit=_RUNS), key=lambda row: row.run
        )
    return rows


async def rows_of_session(store: Store, row: RunRow) -> list[RunRow]:
    """All runs of the row's session with their sub-runs, oldest first."""
    found: list[RunRow] = []
    for each in reversed(await store.runs(row.tenant, session=row.session, limit=_RUNS)):
        if each.parent is None:
            found += await rows_below(store, each)
    return found
