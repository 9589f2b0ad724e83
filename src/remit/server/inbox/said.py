"""Who said what to requests of an agent's runs, read from the journal and kept until runs go on."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

from remit.journal.codec import open_record
from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    Event,
)
from remit.journal.rows import RunRow
from remit.ports import Store

What = Literal["approved", "changed", "denied", "expired"]
# Runs looked through for one page: the newest, a few milliseconds each when first seen.
RUNS = 200
_ROWS = 1_000  # rows of a tenant looked through for an agent's runs
_KEPT = 5_000  # runs whose words are kept, some hundred bytes each


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One word of a person about one call, or that nobody spoke in time."""

    time_ms: int
    tenant: str
    run: str
    tool: str
    what: What
    person: str = ""
    on_behalf: str = ""
    channel: str = ""
    comment: str = ""
    rule: str = ""


@dataclass(slots=True)
class Words:
    """Reads what people said in runs; each run is read once for each version."""

    store: Store
    _known: OrderedDict[tuple[str, str], tuple[int, tuple[Said, ...]]] = field(
        default_factory=OrderedDict
    )

    async def of_agent(self, tenant: str, agent: str) -> list[Said]:
        """What was said in the agent's newest runs in a tenant, the newest first."""
        found: list[Said] = []
        for row in await runs_of(self.store, tenant, agent):
            found += await self._of(row)
        return sorted(found, key=lambda each: -each.time_ms)

    async def _of(self, row: RunRow) -> tuple[Said, ...]:
        key = (row.tenant, row.run)
        known = self._known.get(key)
        if known is None or known[0] != row.version:
            known = (row.version, await self._read(row))
            self._known[key] = known
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known[1]

    async def _read(self, row: RunRow) -> tuple[Said, ...]:
        asked: dict[str, ApprovalRequested] = {}
        found: list[Said] = []
        for record in await self.store.records(row.tenant, row.run):
            body = open_record(record)
            for event in () if body is None else body.events:
                if isinstance(event, ApprovalRequested):
                    asked[event.approval] = event
                    continue
                said = _said(row, record.header.time_ms, event, asked)
                if said is not None:
                    found.append(said)
        return tuple(found)


async def runs_of(store: Store, tenant: str, agent: str) -> list[RunRow]:
    """The newest runs of an agent in a tenant."""
    rows = await store.runs(tenant, limit=_ROWS)
    return [row for row in rows if row.agent == agent][:RUNS]


def _said(
    row: RunRow, time_ms: int, event: Event, asked: dict[str, ApprovalRequested]
) -> Said | None:
    """What an event tells of a person's word; None for any other event."""
    if not isinstance(event, ApprovalGiven | ApprovalDenied | ApprovalExpired):
        return None
    request = asked.get(event.approval)
    tool, rule = ("", "") if request is None else (request.tool, request.rule)
    if isinstance(event, ApprovalExpired):
        return Said(
            time_ms=time_ms, tenant=row.tenant, run=row.run, tool=tool, rule=rule, what="expired"
        )
    what: What = "denied"
    if isinstance(event, ApprovalGiven):
        what = "approved" if event.arguments is None else "changed"
    return Said(
        time_ms=time_ms,
        tenant=row.tenant,
        run=row.run,
        tool=tool,
        rule=rule,
        what=what,
        person=event.principal,
        on_behalf="" if event.on_behalf is None else event.on_behalf.person,
        channel=event.channel,
        comment=event.comment,
    )
