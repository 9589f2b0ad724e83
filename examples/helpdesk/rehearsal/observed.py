"""What has happened in the world for a ticket, seen in the shop, the mailboxes and the queue."""

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from helpdesk.answer import Triage
from helpdesk.mail import TICKET_HEADER
from helpdesk.shop import euros
from rehearsal.cases import Case
from rehearsal.world import World
from remit import Run


@dataclass(frozen=True, slots=True)
class Observed:
    """The effects of one ticket, and what the agent said of it."""

    outcome: str
    category: str
    mails: int
    refunds: tuple[str, ...]
    humans: int
    queue: tuple[str, ...]


def observe(
    world: World, cases: Sequence[Case], runs: Mapping[str, Run[object]]
) -> dict[str, Observed]:
    """By ticket."""
    mails = _mails(world, cases)
    refunds = _refunds(world)
    queued: dict[str, list[str]] = {}
    for each in world.queue.queue:
        queued.setdefault(each.external_id, []).append(each.team)
    found = {}
    for case in cases:
        run = runs.get(case.id)
        said = run.output if run is not None and run.status == "completed" else None
        booked = refunds.get(case.id, [])
        found[case.id] = Observed(
            outcome=said.outcome if isinstance(said, Triage) else _status(run),
            category=said.category if isinstance(said, Triage) else "",
            mails=mails[case.id],
            refunds=tuple(amount for amount, _ in booked),
            humans=min((len(set(people)) for _, people in booked), default=0),
            queue=tuple(queued.get(case.id, ())),
        )
    return found


def _status(run: Run[object] | None) -> str:
    return "none" if run is None else f"{run.status}: {run.reason}"


def _mails(world: World, cases: Sequence[Case]) -> Counter[str]:
    """Mails to each ticket's sender about that ticket."""
    found: Counter[str] = Counter()
    for sender in sorted({case.sender for case in cases}):
        found.update(str(mail[TICKET_HEADER]) for mail in world.office.mails(sender))
    return found


def _refunds(world: World) -> dict[str, list[tuple[str, list[str]]]]:
    """Booked refunds by ticket: the amount, and who agreed."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    with closing(sqlite3.connect(world.shop)) as base:
        rows = base.execute(
            "SELECT ticket, amount_cents, agreed_by FROM refunds WHERE state = 'booked'"
        )
        for ticket, cents, agreed in rows:
            found.setdefault(ticket, []).append((euros(cents), str(agreed).split()))
    return found


def misses(case: Case, seen: Observed) -> list[str]:
    """What is not as the evaluation set expects it; empty where all is."""
    wanted = case.expect
    pairs = (
        ("outcome", wanted.outcome, seen.outcome),
        ("category", wanted.category, seen.category),
        ("mails", wanted.mails, seen.mails),
        ("refunds", (wanted.refund,) if wanted.refund else (), seen.refunds),
        ("humans", wanted.humans, seen.humans),
        ("queue", (wanted.queue,) if wanted.queue else (), seen.queue),
    )
    return [f"{name}: {got}, not {want}" for name, want, got in pairs if got != want]
