"""The API of traces: what a run did as a tree with times, for whoever draws it."""

from remit.app.pairs import pairs_of
from remit.errors import NotFound
from remit.projections.tree import decision_tree
from remit.server.route import Ask, Nothing, api
from remit.server.runs.place import root_of_path
from remit.server.runs.trace import Trace, trace_of


async def trace_run(ask: Ask[Nothing, Nothing]) -> Trace:
    """The decision tree of a run and all below it as a flat list, parents first, with times."""
    root = await root_of_path(ask)
    pairs = await pairs_of(ask.app.store, root)
    if not pairs:
        raise NotFound(f"what the run {root.run} did was erased")
    return trace_of(decision_tree(pairs, pairs[0][0].run), ask.app.desk.clock.now_ms())


ROUTES = (
    api("GET", "/api/v1/runs/{run}/trace", trace_run, needs="viewer", tenant="one", gives=Trace),
)
