"""Events come one by one, in order, each with the cause that counts it."""

from remit.journal.record import Body, Cause
from remit.projections.timeline import by_run, timeline
from tests.projections.facts import asked, judged, records, started


def test_events_come_in_order_with_their_causes() -> None:
    header = records(started())[0][0]
    causes = (Cause(kind="start", count=2, now_ms=5), Cause(kind="wake", count=1, now_ms=7))
    body = Body(causes=causes, events=(started(), asked(), judged()))
    told = list(timeline([(header, body)]))
    assert [each.event.type for each in told] == ["RunStarted", "ModelRequested", "CallJudged"]
    assert [each.time_ms for each in told] == [5, 5, 7]
    assert [each.cause.kind for each in told] == ["start", "start", "wake"]
    assert {each.header for each in told} == {header}


def test_records_are_sorted_to_their_runs() -> None:
    first, second = records(started(), asked()), records(started(), run="run_2")
    mixed = [first[0], second[0], first[1]]
    assert by_run(mixed) == {"run_1": first, "run_2": second}
