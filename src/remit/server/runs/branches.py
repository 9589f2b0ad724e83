"""What each run of a tree cost by itself, and with everything below it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from remit.journal.rows import RunRow
from remit.projections.spend import Entry, Spent, total


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchCost:
    """One run of the tree."""

    row: RunRow
    depth: int
    own: Spent
    whole: Spent
    """With its sub-runs."""


def branches_of(rows: Sequence[RunRow], found: Iterable[Entry]) -> tuple[BranchCost, ...]:
    """Every run of the tree, parents first, sub-runs below the run that made them."""
    by_run: dict[str, list[Entry]] = {}
    for entry in found:
        by_run.setdefault(entry.run, []).append(entry)
    children: dict[str | None, list[RunRow]] = {}
    for row in rows:
        children.setdefault(row.parent, []).append(row)
    made: list[BranchCost] = []

    def grow(row: RunRow, depth: int) -> list[Entry]:
        own = by_run.get(row.run, [])
        place = len(made)
        whole = list(own)
        for child in children.get(row.run, ()):
            whole += grow(child, depth + 1)
        made.insert(place, BranchCost(row=row, depth=depth, own=total(own), whole=total(whole)))
        return whole

    if rows:
        grow(rows[0], 0)
    return tuple(made)
