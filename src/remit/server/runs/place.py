"""Which run a path means, in the tenant that is asked about: the very one, or the root above it."""

from pydantic import BaseModel

from remit.errors import NotFound
from remit.journal.rows import RunRow
from remit.server.route import Ask


async def row_of_path(ask: Ask[BaseModel, BaseModel]) -> RunRow:
    """The run that the path names. Raises `NotFound` where there is none such; books are none."""
    run = ask.path["run"]
    row = await ask.app.store.run(ask.tenant, run)
    if row is None or not row.agent:
        raise NotFound(f"there is no run {run} of tenant {ask.tenant}")
    return row


async def root_of_path(ask: Ask[BaseModel, BaseModel]) -> RunRow:
    """The root of the run that the path names. Raises `NotFound`."""
    row = await row_of_path(ask)
    while row.parent is not None:
        above = await ask.app.store.run(ask.tenant, row.parent)
        if above is None:
            raise NotFound(f"there is no run {row.parent} of tenant {ask.tenant}")
        row = above
    return row
