"""A cursor is given back as it came, whatever was read, and nobody can make one that breaks us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.app import live_cursor as module
from remit.app.live_cursor import MAX_CURSOR_CHARS, read_cursor
from remit.errors import UsageError
from remit.journal.events import RunEnded, RuntimeSaid, SubrunRequested
from remit.values.clean import Clean

RUN = "run_1"


def asked(child: str) -> SubrunRequested:
    return SubrunRequested(call="c1", agent="scout", child=child, brief=Clean(""))


def ended() -> RunEnded:
    return RunEnded(status="completed", reason="done")


def test_it_begins_before_everything() -> None:
    cursor = read_cursor(RUN, "")
    assert cursor.text() == "0.0"
    assert cursor.follows(RUN, 1, 0)
    assert not cursor.follows(RUN, 1, 1)
    assert not cursor.has(RUN, 1, 0)
    assert cursor.places[RUN].after == 0


def test_it_moves_on_event_by_event_and_record_by_record() -> None:
    cursor = read_cursor(RUN, "3.1")
    assert [cursor.has(RUN, 3, index) for index in range(3)] == [True, True, False]
    assert [cursor.follows(RUN, 3, 2), cursor.follows(RUN, 4, 0)] == [True, True]
    assert not cursor.follows(RUN, 5, 0)
    assert cursor.places[RUN].after == 2  # the third record may have more
    cursor.pass_by(RUN, 3)
    assert cursor.places[RUN].after == 3
    cursor.pass_by(RUN, 4)  # it had no events
    assert cursor.text() == "4.0"
    assert not cursor.follows("run_2", 1, 0)


def test_sub_runs_are_in_it_from_when_they_are_asked_for() -> None:
    cursor = read_cursor(RUN, "")
    cursor.take(RUN, 1, 0, asked("run_1.c1"))
    assert cursor.text() == "1.0,c1:0.0"
    assert not cursor.is_over("run_1.c1")
    cursor.take("run_1.c1", 1, 0, asked("run_1.c1.c2-1"))
    cursor.take("run_1.c1.c2-1", 2, 1, ended())
    assert cursor.text() == "1.0,c1:1.0,c1.c2-1!2.1"
    assert cursor.is_over("run_1.c1.c2-1")
    cursor.take(RUN, 2, 0, ended())
    assert cursor.text() == "2.0!,c1:1.0,c1.c2-1!2.1"
    assert cursor.ended
    assert read_cursor(RUN, cursor.text()) == cursor


def test_it_may_follow_a_sub_run_alone() -> None:
    cursor = read_cursor("run_1.c1", "2.0,c3:1.0")
    assert list(cursor.places) == ["run_1.c1", "run_1.c1.c3"]
    assert cursor.concerns("run_1.c1.c9")
    assert not cursor.concerns("run_1")
    assert not cursor.concerns("run_1.c11")


def test_sub_runs_that_ended_long_ago_are_forgotten() -> None:
    cursor = read_cursor(RUN, "")
    for number in range(module._RECENT + 2):
        child = f"run_1.c{number}"
        cursor.take(RUN, number + 1, 0, asked(child))
        cursor.take(child, 1, 0, ended())
    assert len(cursor.places) == module._RECENT + 1
    assert cursor.is_over("run_1.c0")
    cursor.take("run_1.c0", 2, 0, RuntimeSaid(text=Clean("a last word")))
    assert cursor.is_over("run_1.c0")
    cursor.pass_by("run_1.c99", 1)
    assert "run_1.c99" not in cursor.places


def test_a_cursor_that_nobody_could_give_back_is_left_out() -> None:
    cursor = read_cursor(RUN, "")
    for number in range(MAX_CURSOR_CHARS // 8):
        cursor.take(RUN, number + 1, 0, asked(f"run_1.c{number}"))
    assert cursor.text() == ""


@pytest.mark.requirement("UX-1")
@pytest.mark.parametrize(
    "text",
    ["x", "1", "1.", "-1.0", "1.0,", "1.0,c1", "1.0,c1:1", "1.0,c1:1.0:2", "1.0,../x:1.0",
     "1.0\n", "٣.0", "9" * 16 + ".0", "0.0" + ",c1:1.0" * MAX_CURSOR_CHARS],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no place in a stream"):
        read_cursor(RUN, text)


@given(st.text(alphabet="0123456789.,:!c-x", max_size=40))
def test_whatever_is_given_it_is_read_or_refused(text: str) -> None:
    try:
        cursor = read_cursor(RUN, text)
    except UsageError:
        return
    assert read_cursor(RUN, cursor.text()) == cursor
