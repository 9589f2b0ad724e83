"""Whether calls of the simulation count on their rates as they should."""

from remit.journal.events import ToolRequested
from remit.machine.state import CallState, State
from remit.values.account import is_rate, undated
from tests.simulation.world import ensure

Counted = set[tuple[str, str, str, str]]
"""(tenant, run, call, tool): another tool that stands in counts for itself."""


def check_rates(
    counted: Counted, state: State, event: ToolRequested, known: CallState | None
) -> None:
    """A call counts on all its rates, once, however often it is tried."""
    held = sorted(undated(hold.account) for hold in event.holds if is_rate(hold.account))
    spec = None if known is None else known.spec
    rates = () if spec is None else state.spec.rates_of(spec, state.tenant, state.user)
    mark = (state.tenant, state.run, event.call, "" if known is None else known.tool)
    due = [] if mark in counted else sorted(rate.account for rate in rates)
    ensure(held == due, f"{mark} counts on {held}, not on {due}")
    if held:
        counted.add(mark)
