"""What runs asked of humans, read from records in the order in which they came."""

from collections.abc import Iterable
from dataclasses import dataclass

from remit.journal.events import ApprovalRequested, Event, InputRequested
from remit.values.notice import NoticeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request to humans. `expires_ms` is None for a question, which waits for ever."""

    tenant: str
    run: str
    ref: str
    kind: NoticeKind
    expires_ms: int | None = None


def asked(tenant: str, run: str, events: Iterable[Event]) -> tuple[Asked, ...]:
    """The requests among the events of one record."""
    found = []
    for event in events:
        if isinstance(event, ApprovalRequested):
            found.append(
                Asked(
                    tenant=tenant,
                    run=run,
                    ref=event.approval,
                    kind="approval",
                    expires_ms=event.expires_ms,
                )
            )
        elif isinstance(event, InputRequested):
            found.append(Asked(tenant=tenant, run=run, ref=event.question, kind="question"))
    return tuple(found)
