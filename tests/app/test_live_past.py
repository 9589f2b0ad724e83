"""The past of a tree of runs: each run in its order, causes before effects, a page at a time."""

import pytest

from remit.app import live_past as module
from remit.app.live_cursor import Cursor, read_cursor
from remit.app.live_past import past
from remit.journal.events import RunEnded, SubrunEnded, SubrunRequested
from remit.runtime.hub import Hub
from tests.app.scribe import ROOT, TENANT, Scribe

Told = list[tuple[str, int]]


async def told(scribe: Scribe, cursor: Cursor) -> Told:
    found: Told = []
    async for header, events in past(scribe.store, TENANT, cursor):
        for index, event in enumerate(events):
            cursor.take(header.run, header.version, index, event)
        cursor.pass_by(header.run, header.version)
        found.append((header.run, header.version))
    return found


def a_tree() -> Scribe:
    scribe = Scribe(Hub())
    root = scribe.runs[ROOT]
    scribe.note(root, 1)
    scribe.fork(root)
    scribe.fork(root)
    first, second = (scribe.runs[child] for child in root.children)
    scribe.note(second, 1)
    scribe.note(first, 1)
    scribe.end(first, afterwards=True)
    scribe.end(root, afterwards=False)
    return scribe


@pytest.mark.requirement("UX-1")
@pytest.mark.parametrize("page", [1, 2, 256])
async def test_it_is_told_in_order_of_time_and_cause(
    monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(module, "_PAGE", page)
    scribe = a_tree()
    order = await told(scribe, read_cursor(ROOT, ""))
    every = [(run, place[0]) for run, story in scribe.journal.items() for place, _ in story]
    assert sorted(order) == sorted(every)
    for run in scribe.runs:
        assert [version for name, version in order if name == run] == sorted(
            version for name, version in every if name == run
        )
    for run, story in scribe.journal.items():
        for (version, _), event in story:
            if isinstance(event, SubrunRequested):
                assert order.index((run, version)) < order.index((event.child, 1))
            elif isinstance(event, SubrunEnded):
                ends = next(
                    place for place, each in scribe.journal[event.child]
                    if isinstance(each, RunEnded)
                )  # fmt: skip
                assert order.index((event.child, ends[0])) < order.index((run, version))
    if page == 256:
        first, second = scribe.runs[ROOT].children
        assert order.index((second, 2)) < order.index((first, 2))  # as it happened


async def test_only_what_is_new_is_told() -> None:
    scribe = a_tree()
    cursor = read_cursor(ROOT, "")
    await told(scribe, cursor)
    again = await told(scribe, read_cursor(ROOT, cursor.text()))
    assert all(cursor.has(run, version, 0) for run, version in again)  # the last records, whole
    assert await told(scribe, cursor) == []


async def test_an_end_that_no_journal_bears_out_stops_nothing() -> None:
    scribe = a_tree()
    child = scribe.runs[ROOT].children[0]
    records = scribe.store._records[TENANT, child]
    records[:] = records[:1]  # its end is missing
    assert (ROOT, 4) in await told(scribe, read_cursor(ROOT, ""))
