"""A mail waits before it leaves; until then somebody can call it back."""

import pytest

from rehearsal.world import World
from remit.errors import NotAllowed
from remit.journal.events import CallRecalled, ToolDelayed, ToolFailed, ToolRequested
from tests.examples.helpdesk.desk import begin, events, opened, script

FIRST = {"reply": {"language": "en", "text": "Dear Anna Keller, we shall look into your lamp."}}
SECOND = {"reply": {"language": "en", "text": "Dear Mrs Keller, we are sorry about your lamp."}}
ANNA = "anna.keller@mail.example"


@pytest.mark.requirement("TOOL-14", "REF-2")
async def test_a_mail_is_called_back_before_it_leaves(place: World) -> None:
    async with opened(place, script(FIRST), delay="1h") as desk:
        run = await begin(desk, "A-001")
        assert (run.status, [each.tool for each in run.delays]) == ("waiting", ["reply"])
        assert place.office.mails(ANNA) == []
        called = await desk.app.recall(
            run.id, principal="mia", tenant="aurora", reason="she has phoned"
        )
        assert [each.tool for each in called] == ["reply"]
        done = await desk.app.resume(run.id, tenant="aurora")
        told = await events(desk, done)
        with pytest.raises(NotAllowed, match="no call waits"):
            await desk.app.recall(run.id, principal="mia", tenant="aurora")
    assert done.status == "completed"
    assert place.office.mails(ANNA) == []
    assert place.office.boxes("archive+") == []
    (recalled,) = [each for each in told if isinstance(each, CallRecalled)]
    assert (recalled.principal, recalled.reason) == ("mia", "she has phoned")
    assert any(isinstance(each, ToolFailed) and "she has phoned" in each.text for each in told)
    assert not any(isinstance(each, ToolRequested) for each in told), "it was never released"


@pytest.mark.requirement("TOOL-14")
async def test_what_is_not_called_back_leaves_once(place: World) -> None:
    async with opened(place, script(FIRST), delay="300ms") as desk:
        run = await begin(desk, "A-001")
        assert run.delays
        done = await desk.app.wait(run.id, tenant="aurora")
        told = await events(desk, done)
        with pytest.raises(NotAllowed):
            await desk.app.recall(run.id, principal="mia", tenant="aurora")
    assert done.status == "completed"
    assert len(place.office.mails(ANNA)) == 1
    assert sum(isinstance(each, ToolDelayed) for each in told) == 1


@pytest.mark.requirement("TOOL-14", "DUR-1")
async def test_a_mail_that_was_called_back_stays_so_whoever_goes_on(place: World) -> None:
    async with opened(place, script(FIRST, SECOND), delay="1h") as desk:
        run = await begin(desk, "A-001")
        await desk.app.desk.recall("aurora", run.id, principal="mia", reason="mind the name")
    async with opened(place, script(FIRST, SECOND), delay="1h") as desk:
        again = await desk.app.resume(run.id, tenant="aurora")
        assert [each.arguments for each in again.delays] != [each.arguments for each in run.delays]
        assert "sorry about your lamp" in again.delays[0].arguments
    assert place.office.mails(ANNA) == []


async def test_the_agent_waits_five_minutes_unless_told_otherwise(place: World) -> None:
    async with opened(place, script(FIRST), delay="5m") as desk:
        run = await begin(desk, "A-001")
        (row,) = await desk.app.store.runs("aurora", session="A-001")
        waits_ms = run.delays[0].until_ms - row.created_ms
    assert 300_000 <= waits_ms < 400_000
