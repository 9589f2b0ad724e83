"""A write with a delay waits once it was let through, and the run waits with it."""

import pytest

from remit.errors import SpecError
from remit.journal.events import ClockPaused, ToolDelayed, ToolQueued, ToolRequested
from remit.machine.agent import Agent, Remit
from remit.machine.declaring import tool
from remit.policy.permission import Access
from tests.machine.bench import START_MS, Bench, make_agent, one, types
from tests.machine.toolbox import look_up, read_doc, send_mail, write_doc, writer

MINUTE = 60_000
POST = ("post_note", '{"text":"x"}')
MAIL = ("send_mail", '{"to":"x"}')
LOOK = ("look_up", '{"path":"a"}')


@tool(access="write", resources="note", delay="5m")
def post_note(text: str) -> str:
    """Post a note."""
    return text


def begun(*calls: tuple[str, str], agent: Agent[object] | None = None) -> Bench:
    bench = Bench(agent or make_agent(look_up, post_note, remit=Remit(approvals={post_note: 0})))
    bench.start()
    bench.answer("", *calls)
    return bench


@pytest.mark.requirement("TOOL-14")
def test_a_delayed_write_leaves_at_its_instant_and_the_clock_stands_until_then() -> None:
    bench = begun(POST)
    assert types(bench.log[-3:]) == ["CallJudged", "ToolDelayed", "ClockPaused"]
    assert bench.last(ToolDelayed).until_ms == START_MS + 5 * MINUTE
    assert bench.state.waits_for_others
    assert bench.wakes_in_ms == 5 * MINUTE
    assert bench.wake(5 * MINUTE - 1) == []
    deadline_ms = bench.state.deadline_ms
    events = bench.wake(1)
    assert types(events) == ["ToolQueued", "ClockResumed", "ToolRequested"]
    assert bench.state.deadline_ms == deadline_ms + 5 * MINUTE
    assert types(bench.done()) == ["ToolCompleted", "ModelRequested"]


@pytest.mark.requirement("TOOL-14", "TOOL-6")
def test_what_conflicts_waits_behind_it_and_the_rest_goes_on() -> None:
    bench = begun(LOOK, POST, POST, LOOK)
    assert [call.status for call in bench.state.calls] == [
        "released",
        "delayed",
        "delayed",
        "released",
    ]
    assert bench.all_of(ClockPaused) == []
    bench.done(1)
    bench.done(4)
    assert bench.state.paused_ms is not None
    bench.wake(5 * MINUTE)
    assert [call.status for call in bench.state.calls[1:3]] == ["released", "queued"]


@pytest.mark.requirement("TOOL-14", "PERM-7")
def test_humans_agree_first_and_then_the_delay_begins() -> None:
    agent = make_agent(post_note, remit=Remit(approvals={post_note: 1}))
    bench = begun(POST, agent=agent)
    bench.pass_ms(MINUTE)
    events = bench.approve()
    assert types(events) == ["ApprovalGiven", "ToolDelayed"]
    assert one(events, ToolDelayed).until_ms == START_MS + 6 * MINUTE
    assert "ToolRequested" in types(bench.wake(5 * MINUTE))


def test_a_call_is_delayed_once_however_often_it_is_tried() -> None:
    bench = begun(POST)
    bench.wake(5 * MINUTE)
    bench.cut()
    events = bench.resolved(happened=False)
    assert types(events) == ["ToolResolved", "ToolQueued", "ClockResumed", "ToolRequested"]
    assert len(bench.all_of(ToolDelayed)) == 1


@pytest.mark.requirement("TOOL-14")
def test_an_agents_delays_are_those_of_writes_alone_and_the_longest_counts() -> None:
    remit = Remit(
        approvals={send_mail: 0, post_note: 0, write_doc: 0},
        delays={"*": "1m", post_note: "2m", "write_doc": "10m"},
    )
    agent = make_agent(read_doc, send_mail, post_note, write_doc, agents=(writer,), remit=remit)
    spec = agent.spec(str)
    found = {each.name: spec.delay_ms_of(each) for each in spec.tools}
    assert found == {
        "read_doc": 0,
        "read_result": 0,
        "send_mail": MINUTE,
        "post_note": 5 * MINUTE,
        "write_doc": 10 * MINUTE,
        "ask_writer": 0,
    }
    bench = begun(MAIL, agent=agent)
    assert bench.last(ToolDelayed).until_ms == START_MS + MINUTE


def test_without_delays_nothing_is_delayed_and_declarations_keep_their_digests() -> None:
    bench = Bench(make_agent(send_mail, remit=Remit(approvals={send_mail: 0})))
    assert "delay" not in bench.spec.model_dump_json()
    bench.start()
    bench.answer("", MAIL)
    assert [type(event) for event in bench.log[-2:]] == [ToolQueued, ToolRequested]


@pytest.mark.parametrize(
    ("access", "delay", "message"),
    [
        ("read", "5m", "delay is for writes"),
        ("write", "0s", "tool 'wait': delay: '0s': a delay is longer"),
        ("write", "5 minutes", "is not a duration"),
    ],
)
def test_a_delay_that_cannot_work_is_refused(access: Access, delay: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):

        @tool(access=access, delay=delay)
        def wait(text: str) -> str:
            """Wait."""
            return text


def test_a_delay_of_a_remit_that_cannot_work_is_refused() -> None:
    with pytest.raises(SpecError, match="a delay of the remit is wrong: '40d'"):
        make_agent(look_up, remit=Remit(delays={"look_up": "40d"}))
