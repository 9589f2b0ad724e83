"""Audits one run: its chain, what its row says of it, its declaration and its artifacts."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from remit.app.verification import Damage
from remit.errors import RemitError
from remit.journal.codec import decompress, open_record
from remit.journal.events import (
    ApprovalRequested,
    Event,
    RunStarted,
    SubrunEnded,
    ToolCompleted,
)
from remit.journal.record import GENESIS, Body, Record, check_link, check_mac
from remit.journal.rows import LimitLine, RunRow
from remit.journal.transfers import transfers
from remit.machine.evolve import fold
from remit.machine.state import begin
from remit.policy.book import is_book, limits_of
from remit.ports import Store
from remit.projections.ledger import RunCharges, sums
from remit.projections.trial import faults
from remit.runtime.decisions import status_of
from remit.runtime.ledger import others_of
from remit.runtime.reader import Reader
from remit.values.ledger import Amounts, LedgerKey
from remit.values.message import TextPart

_ENDED = ("completed", "stopped")
_VERSION = re.compile(r"version (\d{1,9}): ", re.ASCII)


@dataclass(slots=True, kw_only=True)
class RunAudit:
    """What the journal says of one run, and the damage found in it."""

    tenant: str
    run: str
    hashes: list[bytes] = field(default_factory=list)
    """Of its records, by version."""
    erased: int = 0
    posted: dict[str, int] = field(default_factory=dict)
    limits: tuple[LimitLine, ...] = ()
    """What its book says operators set."""
    sums: dict[LedgerKey, Amounts] = field(default_factory=dict)
    """What its entries add to the ledger."""
    ended: bool = False
    names: dict[str, str] = field(default_factory=dict)
    """Other runs it speaks of, and how."""
    damages: list[Damage] = field(default_factory=list)

    def damage(self, what: str, version: int | None = None) -> None:
        """Note damage."""
        found = Damage(tenant=self.tenant, run=self.run, version=version, what=what)
        self.damages.append(found)


async def audit_run(
    store: Store, reader: Reader, macs: Mapping[str, bytes], row: RunRow
) -> RunAudit:
    """Check one run; nothing is raised for damage, whatever its form."""
    audit = RunAudit(tenant=row.tenant, run=row.run)
    try:
        records = await store.records(row.tenant, row.run)
        bodies = _walk(audit, records, dict(macs))
        now = await store.run(row.tenant, row.run)
        _check_length(audit, row, now, len(records))
        _check_header(audit, now, records)
        if not audit.damages and not audit.erased and now is not None:
            await _check_content(audit, store, reader, now, records, bodies)
    except RemitError as exc:
        audit.damage(*_placed(str(exc), row))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as exc:
        # A row with values of another type than any store writes.
        audit.damage(f"cannot be read: {type(exc).__name__}: {exc}")
    return audit


def _placed(text: str, row: RunRow) -> tuple[str, int | None]:
    """What is wrong, and in which version if the text says it."""
    text = text.removeprefix(f"{row.tenant}/{row.run} ").removeprefix(f"{row.run}: ")
    found = _VERSION.match(text)
    return (text, None) if found is None else (text[found.end() :], int(found[1]))


def _walk(audit: RunAudit, records: Iterable[Record], macs: dict[str, bytes]) -> list[Body]:
    """Follow the chain from its beginning; the bodies that are not erased."""
    previous, epoch = GENESIS, 0
    bodies: list[Body] = []
    for version, record in enumerate(records, start=1):
        header = record.header
        audit.hashes.append(record.hash)
        if header.version != version:
            audit.damage(f"version {version} is missing, {header.version} follows", version)
            break
        if (header.tenant, header.run) != (audit.tenant, audit.run):
            audit.damage(f"is a record of {header.tenant}/{header.run}", version)
        if header.epoch < epoch:
            audit.damage("its epoch is lower than the one before", version)
        plain = decompress(record.payload) if record.payload else None
        check_link(record, previous, plain)
        check_mac(record, macs)
        previous, epoch = record.hash, header.epoch
        body = open_record(record)
        if body is None:
            audit.erased += 1
        else:
            bodies.append(body)
    return bodies


def _check_length(audit: RunAudit, row: RunRow, now: RunRow | None, count: int) -> None:
    """The row knows how many records there are; those of a living run may have grown meanwhile."""
    if count < row.version:
        audit.damage(f"ends with version {count}, its row says {row.version}: its tail is missing")
    elif now is None or count > now.version:
        says = "is gone" if now is None else f"says {now.version}"
        audit.damage(f"has {count} records, its row {says}")


def _check_header(audit: RunAudit, now: RunRow | None, records: Sequence[Record]) -> None:
    """Times and epoch of the row are those of the records."""
    if now is None or audit.damages or not records:
        return
    if now.created_ms != records[0].header.time_ms:
        audit.damage("its row says another time of its beginning")
    if now.version == len(records) and now.updated_ms != records[-1].header.time_ms:
        audit.damage("its row says another time of its last record")
    if now.epoch < records[-1].header.epoch:
        audit.damage("its row says a lower epoch than its last record")


async def _check_content(
    audit: RunAudit,
    store: Store,
    reader: Reader,
    row: RunRow,
    records: Sequence[Record],
    bodies: list[Body],
) -> None:
    """What the records say is what the row says, and what they refer to is unchanged."""
    events = [event for body in bodies for event in body.events]
    _, posts = transfers(audit.run, events)
    for post in posts:
        audit.posted[post.account] = audit.posted.get(post.account, 0) + post.amount
    audit.ended = row.status in _ENDED
    pairs = [(record.header, body) for record, body in zip(records, bodies, strict=True)]
    charges = RunCharges(audit.tenant, audit.run)
    charges.others = await others_of(store, audit.tenant, audit.run, pairs)
    audit.sums = sums(charge for pair in pairs for charge in charges.add(pair))
    if is_book(audit.run):
        audit.limits = limits_of(events)
        return
    for version, what in faults(pairs):
        audit.damage(what, version)
    started = events[0] if events else None
    if not isinstance(started, RunStarted):
        audit.damage("does not begin with RunStarted", 1)
        return
    _check_row(audit, row, started)
    _note_names(audit, started, events)
    await _check_artifacts(audit, store, events)
    spec = await reader.spec(audit.tenant, started.spec)
    history = await reader.history_before(audit.tenant, bodies)
    state = fold(begin(audit.tenant, audit.run, spec, history), bodies)
    if len(bodies) == row.version and status_of(state) != row.status:
        audit.damage(f"is {status_of(state)}, its row says {row.status}")


def _check_row(audit: RunAudit, row: RunRow, started: RunStarted) -> None:
    pairs = {
        "agent": (row.agent, started.agent),
        "declaration": (row.spec, started.spec),
        "user": (row.user, started.user),
        "session": (row.session, started.session),
        "root": (row.root, started.root),
        "parent": (row.parent, started.parent),
    }
    for name, (says, was) in pairs.items():
        if says != was:
            audit.damage(f"its row says {name} {says!r}, its first record {was!r}")


def _note_names(audit: RunAudit, started: RunStarted, events: Iterable[Event]) -> None:
    if started.continues is not None:
        audit.names[started.continues] = f"{audit.run} continues it"
    if started.parent is not None:
        audit.names[started.parent] = f"it started {audit.run}"
    for event in events:
        if isinstance(event, SubrunEnded):
            audit.names[event.child] = f"{audit.run} has its answer"


async def _check_artifacts(audit: RunAudit, store: Store, events: Iterable[Event]) -> None:
    for digest, what in _blobs_of(events):
        content = await store.blob(audit.tenant, digest)
        if content is None:
            audit.damage(f"{what} ({digest}) is missing")
        elif hashlib.sha256(content).hexdigest() != digest:
            audit.damage(f"{what} ({digest}) was changed")


def _blobs_of(events: Iterable[Event]) -> Iterator[tuple[str, str]]:
    """What lies beside the records of a run: digests, and what is kept under each."""
    for event in events:
        if isinstance(event, ToolCompleted) and event.artifact is not None:
            yield event.artifact, f"the whole result of {event.call}"
        elif isinstance(event, ApprovalRequested) and event.preview and event.preview.artifact:
            yield event.preview.artifact, f"all of what {event.call} would do"
        elif isinstance(event, RunStarted):
            for part in event.input:
                if not isinstance(part, TextPart):
                    yield part.digest, f"the {part.kind} it was given"
