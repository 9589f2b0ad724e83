"""Limited accounts, their open holds and set limits of a journal in memory, by tenant."""

from collections import defaultdict

from remit.journal.rows import Append, Balance, Exceeded, LimitLine
from remit.journal.settle import (
    HoldKey,
    Settled,
    Standing,
    settle,
    touched_accounts,
    touched_limits,
)
from remit.journal.transfers import HoldLine
from remit.values.account import keeper


class Accounts:
    """Dictionaries that a database has as tables."""

    def __init__(self) -> None:
        self._standings: dict[str, dict[str, Standing]] = defaultdict(dict)
        self._holds: dict[str, dict[HoldKey, HoldLine]] = defaultdict(dict)
        self._limits: dict[str, dict[str, int]] = defaultdict(dict)

    def settle(self, tenant: str, append: Append) -> Settled | Exceeded:
        """What an append comes to; nothing is written."""
        touched = touched_accounts(append.holds, append.posts)
        known = {name: self._standings[keeper(tenant, name)].get(name) for name in touched}
        limits = {
            name: self._limits[keeper(tenant, name)].get(name)
            for name in touched_limits(append.holds)
        }
        return settle(
            append.holds,
            append.posts,
            {name: standing for name, standing in known.items() if standing is not None},
            self._holds[tenant],
            {name: limit for name, limit in limits.items() if limit is not None},
        )

    def write(self, tenant: str, append: Append, settled: Settled) -> None:
        """Enter what `settle` came to, and the limits that the append sets."""
        for name, standing in settled.standings.items():
            self._standings[keeper(tenant, name)][name] = standing
        holds = self._holds[tenant]
        for key, line in settled.open_holds.items():
            if line is None:
                holds.pop(key, None)  # opened and posted in this append
            else:
                holds[key] = line
        for each in append.limits:
            limits = self._limits[keeper(tenant, each.account)]
            if each.limit is None:
                limits.pop(each.account, None)
            else:
                limits[each.account] = each.limit

    def balances(self, tenant: str, prefix: str, after: str, limit: int) -> list[Balance]:
        """Accounts whose name begins with `prefix` and comes after `after`, by name."""
        found = (
            Balance(name, now.posted, now.held, now.limit)
            for name, now in sorted(self._standings[tenant].items())
            if name.startswith(prefix) and name > after
        )
        return [each for each, _ in zip(found, range(limit), strict=False)]

    def limits(self, tenant: str, prefixes: tuple[str, ...], limit: int) -> list[LimitLine]:
        """Limits whose account begins with one of these, by name."""
        found = {
            name: amount
            for prefix in prefixes
            for name, amount in self._limits[keeper(tenant, prefix)].items()
            if name.startswith(prefix)
        }
        return [LimitLine(name, found[name]) for name in sorted(found)[:limit]]

    def open_holds(self, tenant: str, run: str) -> list[HoldLine]:
        """Holds of a run that are neither posted nor released."""
        return [
            line
            for (hold, _), line in sorted(self._holds[tenant].items())
            if hold.startswith(f"{run}:")
        ]
