"""Says what happened to each ticket, and what it comes to: outcomes, money, budgets."""

import sqlite3
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal

from helpdesk.mail import TICKET_HEADER
from rehearsal.cases import Case
from rehearsal.observed import Observed, misses
from rehearsal.triage import USERS
from rehearsal.world import World
from remit import App, Run

_NANO = Decimal(10) ** 9
_P95 = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A finished triage."""

    cases: Sequence[Case]
    runs: Mapping[str, Run[object]]
    seen: Mapping[str, Observed]
    seconds: Mapping[str, float]
    elapsed_s: float
    leaks: Sequence[str]
    doubled: Sequence[str]
    budgets: Sequence[str]

    @property
    def wrong(self) -> dict[str, list[str]]:
        """The tickets that did not end as expected, with what differs."""
        found = {case.id: misses(case, self.seen[case.id]) for case in self.cases}
        return {ticket: differs for ticket, differs in found.items() if differs}

    @property
    def holds(self) -> bool:
        """Everything is as it should be."""
        return not (self.wrong or self.leaks or self.doubled)

    @property
    def cost_usd(self) -> Decimal:
        """What the models cost."""
        return sum(run.cost_nano for run in self.runs.values()) / _NANO

    @property
    def refunded(self) -> Decimal:
        """Euros that were booked."""
        booked = (Decimal(each) for seen in self.seen.values() for each in seen.refunds)
        return sum(booked, Decimal(0))

    def tree(self) -> dict[str, object]:
        """The summary as data."""
        outcomes = Counter(each.outcome for each in self.seen.values())
        tiers = Counter(case.expect.tier for case in self.cases)
        good = Counter(case.expect.tier for case in self.cases if case.id not in self.wrong)
        teams = Counter(team for each in self.seen.values() for team in each.queue)
        return {
            "tickets": len(self.cases),
            "outcomes": dict(outcomes.most_common()),
            "as_expected": {tier: [good[tier], tiers[tier]] for tier in sorted(tiers)},
            "refunded_eur": str(self.refunded),
            "mails": sum(each.mails for each in self.seen.values()),
            "escalated_to": dict(teams.most_common()),
            "cost_usd": f"{self.cost_usd:.4f}",
            "cost_per_ticket_usd": f"{self.cost_usd / len(self.cases):.4f}",
            "seconds": round(self.elapsed_s, 2),
            "runs_per_second": round(len(self.runs) / self.elapsed_s, 1),
            "latency_s": _latencies(list(self.seconds.values())),
            "budgets": list(self.budgets),
            "wrong": self.wrong,
            "leaks": list(self.leaks),
            "doubled": list(self.doubled),
            "holds": self.holds,
        }


def _latencies(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    last = ordered[min(len(ordered) - 1, int(len(ordered) * _P95))]
    return {"median": round(statistics.median(ordered), 2), "p95": round(last, 2)}


def line(case: Case, seen: Observed, cost_nano: int) -> str:
    """One ticket on one line."""
    done = [f"refund {amount} by {seen.humans}" for amount in seen.refunds]
    done += [f"queue {team}" for team in seen.queue]
    what = f"{seen.outcome:<10} {seen.category:<13} {', '.join(done):<22}"
    return f"{case.id}  {what} {seen.mails} mail  ${cost_nano / _NANO:.4f}"


def summary(report: Report) -> list[str]:
    """The end of the report, as lines."""
    tree = report.tree()
    return [
        f"── {len(report.cases)} tickets in {report.elapsed_s:.1f} s ──",
        f"outcomes      {_pairs(tree['outcomes'])}",
        f"refunded      {tree['refunded_eur']} EUR, each agreed to by people of finance",
        f"escalated to  {_pairs(tree['escalated_to'])}",
        f"mails         {tree['mails']}",
        f"cost          ${tree['cost_usd']}, ${tree['cost_per_ticket_usd']} a ticket",
        f"latency       {_pairs(tree['latency_s'])} s, people included",
        *(f"budget        {each}" for each in report.budgets),
        "── what holds ──",
        _claim("every ticket ended as the evaluation set expects", report.wrong),
        _claim("no mail left twice, no refund was booked twice", report.doubled),
        _claim("no secret of a ticket stands in the journal or in a mail", report.leaks),
    ]


def _pairs(found: object) -> str:
    pairs = found.items() if isinstance(found, dict) else ()
    return ", ".join(f"{name} {value}" for name, value in pairs)


def _claim(words: str, against: object) -> str:
    return f"✗ {words}: {against}" if against else f"✓ {words}"


def doubled(world: World) -> list[str]:
    """What happened more than once: mails in the archive, refunds in the books, tickets queued."""
    mails = (mail for box in world.office.boxes("archive+") for mail in world.office.mails(box))
    done = Counter(f"mail about {mail[TICKET_HEADER]}" for mail in mails)
    with closing(sqlite3.connect(world.shop)) as base:
        rows = base.execute("SELECT ticket FROM refunds WHERE ticket <> '' AND state = 'booked'")
        done.update(f"refund for {ticket}" for (ticket,) in rows)
    done.update(f"queued {each.external_id}" for each in world.queue.queue)
    return [what for what, times in done.items() if times > 1]


async def budgets_left(app: App) -> list[str]:
    """What is left of the budgets of each shop and its desk."""
    lines = []
    for tenant, user in USERS.items():
        for holder in ("tenant", f"user:{user}"):
            for each in await app.budgets.show(tenant, holder):
                if each.unit == "nano" and each.left is not None:
                    left, limit = each.left / _NANO, each.limit / _NANO
                    lines.append(f"{tenant} {holder}, {each.window}: ${left:.4f} of ${limit:.2f}")
    return lines
