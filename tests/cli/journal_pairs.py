"""Every record of a tenant's runs, as projections read them."""

from remit.journal.codec import open_record
from remit.ports import Store
from remit.projections.timeline import Pair


async def all_pairs(store: Store, tenant: str) -> list[Pair]:
    """The records of all runs of a tenant, run by run."""
    found: list[Pair] = []
    for row in await store.runs(tenant, limit=1_000):
        for record in await store.records(tenant, row.run):
            body = open_record(record)
            if body is not None:
                found.append((record.header, body))
    return found
