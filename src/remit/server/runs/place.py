"""Which run a path means: the root of the run it names, in the tenant that is asked about."""

from pydantic import BaseModel

from remit.errors import NotFound
from remit.journal.rows import RunRow
from remit.server.route import Ask


async def root_of_path(ask: Ask[BaseModel, BaseModel]) -> RunRow:
    """The root of the run that the path names. Raises `NotFound`; books are no runs."""
    run = ask.path["run"]
    row = await ask.app.store.run(ask.tenant, run)
    while row is not None and row.parent is not None:
        row = await ask.app.store.run(ask.tenant, row.parent)
    if row is None or not row.agent:
        raise NotFound(f"there is no run {run} of tenant {ask.tenant}")
    return row
