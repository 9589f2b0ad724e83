"""Reading runs back to replay them: alone, with their sub-runs, with their session."""

import pytest

from remit.adapters.scripted import Reply
from remit.app.replay import read_past, rows_below, rows_of_session
from remit.journal.rows import RunRow
from remit.machine.evolve import fold
from remit.values.model import ModelRequest
from tests.runtime.stage import an_agent, opened

SCOUT = an_agent("scout")
BOSS = an_agent("boss", agents=[SCOUT])


def speak(request: ModelRequest) -> Reply:
    if "scout" in request.system or request.messages[-1].parts[0].kind == "result":
        return "done"
    return {"ask_scout": {"brief": "look"}}


SCRIPT = (speak,) * 9


@pytest.mark.requirement("DUR-8")
async def test_a_past_begins_with_its_conversation_and_leads_to_where_the_run_stands() -> None:
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        await app.run(BOSS, "one", session="s1")
        run = await app.run(BOSS, "two", session="s1")
        row = await app.store.run("local", run.id)
        assert row is not None
        past = await read_past(app.engine.reader, row)
        assert past.row == row
        assert past.before.messages[0].text == "one"
        assert fold(past.before, [body for _, body in past.pairs]) == past.after
        assert [header.version for header, _ in past.pairs] == list(range(1, row.version + 1))
        assert past.after.phase == "ended"


async def test_rows_come_with_their_sub_runs_and_by_session_oldest_first() -> None:
    async with opened("memory:", [BOSS], *SCRIPT) as app:
        runs = [await app.run(BOSS, "Go", session=name) for name in ("s1", "s2", "s1")]
        rows = [await app.store.run("local", run.id) for run in runs]
        first = rows[0]
        assert isinstance(first, RunRow)
        below = await rows_below(app.store, first)
        assert [row.parent for row in below] == [None, first.run]
        session = await rows_of_session(app.store, first)
        assert [row.root for row in session] == [runs[0].id] * 2 + [runs[2].id] * 2
