"""The records of a run and of all its sub-runs, as projections read them, and what it has spent."""

from remit.app.following import tree_rows
from remit.journal.codec import open_record
from remit.journal.rows import RunRow
from remit.ports import Store
from remit.projections.timeline import Pair
from remit.values.account import account


async def pairs_of(store: Store, row: RunRow) -> list[Pair]:
    """The records of a run and of all its sub-runs; those whose payload was erased are left out.

    Raises `ChainBroken` or `StoreCorrupt` where a payload is not what was written.
    """
    found: list[Pair] = []
    for each in await tree_rows(store, row.tenant, row.run):
        for record in await store.records(each.tenant, each.run):
            body = open_record(record)
            if body is not None:
                found.append((record.header, body))
    return found


async def spent_by(store: Store, row: RunRow) -> int:
    """Nano-dollars entered on the run's own account; sub-runs draw on it too."""
    name = account("run", row.run, "nano")
    return sum(each.posted for each in await store.balances(row.tenant, name))
