"""The desk is killed with SIGKILL; afterwards no mail has left twice, no refund is booked twice."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from contextlib import closing

import pytest

from rehearsal.clerk import clerk
from rehearsal.crash import live
from rehearsal.play import Wish, play
from rehearsal.seed import TENANTS
from rehearsal.work import at_work
from rehearsal.world import World
from remit import SimulatedProvider
from remit.app.app import App
from remit.journal.events import Event, ProbeCompleted, RunRecovered


async def _all_events(app: App) -> list[Event]:
    found = []
    for tenant in TENANTS:
        for row in await app.store.runs(tenant, limit=1_000):
            past = await app.engine.reader.past(row)
            found += [event for body in past.bodies for event in body.events]
    return found


def _refunds(place: World) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(place.shop)) as base:
        rows = base.execute("SELECT ticket, count(*) FROM refunds WHERE ticket <> '' GROUP BY 1")
        return list(rows.fetchall())


@pytest.mark.requirement("DUR-1", "DUR-3", "REF-2")
async def test_killed_while_the_server_has_a_mail_and_has_not_said_so(
    place: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SimulatedProvider(clerk) as provider:
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        assert await live(place, {}, 7, "bergtal") == -signal.SIGKILL
        report = await play(Wish(folder=place.folder, tenant="bergtal", quiet=True))
        async with at_work(place.inputs) as desk:
            found = await _all_events(desk.app)
    assert report.wrong == {}, "the mail that was taken is not sent again, the refunds neither"
    assert (report.doubled, report.leaks) == ([], [])
    assert any(isinstance(each, RunRecovered) for each in found)
    verdicts = {each.verdict for each in found if isinstance(each, ProbeCompleted)}
    assert "happened" in verdicts, "the archive was asked"
    assert "unknown" not in verdicts


@pytest.mark.requirement("DUR-1", "DUR-3", "APR-1")
async def test_killed_when_a_refund_has_just_been_booked(
    place: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but the shop's database knows that it happened."""
    with SimulatedProvider(clerk) as provider:
        variables = dict(provider.environment)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "rehearsal.work", json.dumps(place.inputs), "bergtal"),
            cwd=place.folder,
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        while len(_refunds(place)) < 2:
            await asyncio.sleep(0.002)  # shorter than what a booking's record takes
            assert process.returncode is None
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        before = _refunds(place)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        report = await play(Wish(folder=place.folder, tenant="bergtal", quiet=True))
    assert (report.wrong, report.doubled) == ({}, [])
    assert set(before) <= set(_refunds(place))
    assert {count for _, count in _refunds(place)} == {1}
