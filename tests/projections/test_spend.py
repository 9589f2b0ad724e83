"""Tokens and cost add up, by whatever they are grouped."""

import pytest

from remit.journal.events import (
    InputRequested,
    ModelFailed,
    ProbeCompleted,
    ToolCompleted,
    ToolResolved,
    ToolUnknown,
)
from remit.journal.fact import Post
from remit.projections.spend import (
    Spent,
    entries,
    per_agent,
    per_run,
    per_session,
    per_tenant,
    per_tree,
    per_turn,
    posted,
    spent_by,
    total,
)
from remit.projections.timeline import Pair
from remit.values.usage import Usage
from tests.projections.facts import answered, asked, clean, judged, records, started

LOST = ModelFailed(
    call="c2",
    kind="in_doubt",
    detail=clean("lost"),
    cost=100,
    posts=(Post(account="run:.|total|nano", amount=100),),
    assumed=True,
)
REFUSED = ModelFailed(call="c3", kind="rate_limited")


def journal() -> list[Pair]:
    first = records(
        started(),
        judged(),
        asked("c1"),
        answered("a", call="c1", cost=30),
        asked("c2"),
        LOST,
        asked("c2", attempt=2),
        answered("b", call="c2", cost=40),
        asked("c3"),
        REFUSED,
    )
    below = records(
        started("helper"),
        asked("c1"),
        answered("c", cost=5, account="run:run_1|total|nano"),
        run="run_1.c1-1",
    )
    other = records(started(session="s2"), asked(), answered("d", cost=7), run="run_2")
    return [*first, *below, *other]


@pytest.mark.requirement("OBS-3")
def test_each_settled_call_is_a_line() -> None:
    lines = entries(journal())
    assert [(line.run, line.turn, line.call, line.attempt) for line in lines] == [
        ("run_1", 1, "c1", 1),
        ("run_1", 2, "c2", 1),
        ("run_1", 2, "c2", 1),
        ("run_1", 3, "c3", 1),
        ("run_1.c1-1", 1, "c1", 1),
        ("run_2", 1, "c1", 1),
    ]
    assert {line.model for line in lines} == {"sim:m"}
    assert lines[1].spent == Spent(calls=1, cost=100, assumed=100)
    assert lines[0].spent == Spent(calls=1, usage=Usage(input=20, output=10), cost=30)


@pytest.mark.requirement("OBS-3", "BUD-1")
def test_priced_tools_are_lines_and_what_is_taken_back_is_one() -> None:
    lines = entries(
        records(
            started(),
            asked(),
            answered("", ("buy", "{}"), ("look", "{}"), cost=30),
            judged("c1-1", tool="buy"),
            ToolUnknown(call="c1-1", reason=clean("cut"), cost=50, posts=(post(50),), assumed=True),
            ToolResolved(
                call="c1-1", happened=False, principal="boss", cost=-50, posts=(post(-50),)
            ),
            ToolCompleted(call="c1-1", attempt=2, text=clean("ok"), cost=7, posts=(post(7),)),
            ToolCompleted(call="c1-2", text=clean("free")),
            InputRequested(
                question="q", call="c1-1", key="k", text=clean("?"), answer_schema="", cost=1
            ),
            ProbeCompleted(call="c1-1", verdict="absent"),
        )
    )
    found = [(line.model, line.tool, line.call, line.attempt, line.spent.cost) for line in lines]
    assert found == [
        ("sim:m", "", "c1", 1, 30),
        ("", "buy", "c1-1", 1, 50),
        ("", "buy", "c1-1", 0, -50),
        ("", "buy", "c1-1", 2, 7),
        ("", "buy", "c1-1", 1, 1),
    ]
    assert total(lines) == Spent(
        calls=1, tool_calls=3, usage=Usage(input=20, output=10), cost=38, assumed=0
    )
    assert posted(lines) == {"run:run_1|total|nano": 37}


def post(amount: int) -> Post:
    return Post(account="run:.|total|nano", amount=amount)


@pytest.mark.requirement("OBS-3")
def test_sums_agree_however_they_are_grouped() -> None:
    lines = entries(journal())
    whole = total(lines)
    assert whole.cost == 30 + 100 + 40 + 5 + 7
    assert whole.assumed == 100
    assert whole.calls == 6
    for key in (per_turn, per_run, per_tree, per_agent, per_session, per_tenant):
        parts = spent_by(lines, key)
        again = Spent()
        for part in parts.values():
            again += part
        assert again == whole
    assert spent_by(lines, per_turn)["run_1#2"].cost == 140
    assert {name: each.cost for name, each in spent_by(lines, per_tree).items()} == {
        "run_1": 175,
        "run_2": 7,
    }
    assert spent_by(lines, per_agent)["helper"].cost == 5
    assert set(spent_by(lines, per_session)) == {"s1", "s2"}
    assert set(spent_by(lines, per_tenant)) == {"acme"}


@pytest.mark.requirement("OBS-3")
def test_posts_are_summed_on_accounts_by_their_full_names() -> None:
    assert posted(entries(journal())) == {
        "run:run_1|total|nano": 30 + 100 + 40 + 5,
        "run:run_2|total|nano": 7,
    }
