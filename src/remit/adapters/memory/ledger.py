"""Rows of the ledger of a journal in memory."""

from collections.abc import Sequence

from remit.values.ledger import (
    LEDGER_CURSOR,
    NOTHING,
    Amounts,
    LedgerField,
    LedgerFilter,
    LedgerKey,
    LedgerSum,
)


class Ledger:
    """A dictionary that a database has as a table."""

    def __init__(self, cursors: dict[str, int]) -> None:
        self._rows: dict[LedgerKey, Amounts] = {}
        self._cursors = cursors

    def enter(self, sums: Sequence[LedgerSum], after: int, upto: int) -> bool:
        """Add to rows and move the cursor; False when it does not stand at `after`."""
        if self._cursors.get(LEDGER_CURSOR, 0) != after:
            return False
        for each in sums:
            self._rows[each.key] = self._rows.get(each.key, NOTHING) + each.amounts
        self._cursors[LEDGER_CURSOR] = upto
        return True

    def clear(self) -> None:
        """Forget all rows, and how far they reached."""
        self._rows.clear()
        self._cursors[LEDGER_CURSOR] = 0

    def read(
        self,
        by: tuple[LedgerField, ...],
        where: LedgerFilter,
        after: LedgerKey | None,
        limit: int,
    ) -> list[LedgerSum]:
        """Rows summed by these fields and sorted by them."""

        def values(key: LedgerKey) -> tuple[str, ...]:
            return tuple(getattr(key, name) for name in by)

        found: dict[LedgerKey, Amounts] = {}
        for key, amounts in self._rows.items():
            if where.takes(key):
                group = LedgerKey(**dict(zip(by, values(key), strict=True)))
                found[group] = found.get(group, NOTHING) + amounts
        wanted = [key for key in found if after is None or values(key) > values(after)]
        return [LedgerSum(key, found[key]) for key in sorted(wanted, key=values)[:limit]]
