"""The undoer asks for each step once, in order, whatever came of the one before."""

from dataclasses import replace

import pytest

from remit.adapters.undoer import Undoer
from remit.errors import ProviderError
from remit.projections.undoing import Step, plan_text
from remit.values.clean import Clean
from remit.values.message import CallPart, Message, Origin, ResultPart, TextPart
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawText

USER = Origin(kind="user", name="ann")
MODEL = Origin(kind="model")
TOOL = Origin(kind="tool")
PLAN = [Step(of=f"r/c{n}", tool=f"drop_{n}", arguments="{}") for n in range(2)]


def said(text: str, origin: Origin = USER) -> Message:
    return Message(role="user", parts=(TextPart(text=Clean(text), origin=origin),))


def turn(number: int, *, failed: bool = False) -> tuple[Message, Message]:
    call = CallPart(call=f"c{number}", tool="drop", arguments=Clean("{}"), origin=MODEL)
    result = ResultPart(
        call=f"c{number}", tool="drop", text=Clean("told"), is_error=failed, origin=TOOL
    )
    return Message(role="assistant", parts=(call,)), Message(role="user", parts=(result,))


async def answer(*messages: Message) -> ModelAnswer:
    request = ModelRequest(model="undo", system="", messages=messages, max_output_tokens=9)
    undoer = Undoer()
    try:
        return await undoer.answer(request, deadline_s=1, emit=lambda _: None)
    finally:
        await undoer.close()


@pytest.mark.requirement("TOOL-14")
async def test_one_step_after_another_and_then_the_report() -> None:
    plan = said(plan_text(PLAN))
    first = await answer(plan)
    assert (first.parts, first.stop) == ((RawCall("undo_0", "drop_0", "{}"),), "tools")
    second = await answer(plan, *turn(0, failed=True))
    assert second.parts == (RawCall("undo_1", "drop_1", "{}"),)
    last = await answer(plan, *turn(0, failed=True), *turn(1))
    assert (last.parts, last.stop) == (
        (RawText("not undone: 1 of 2\nr/c0 by drop_0: told"),),
        "end",
    )
    whole = await answer(plan, *turn(0), *turn(1))
    assert whole.parts == (RawText("undone: 2 of 2"),)
    assert whole.usage.total == 0


@pytest.mark.requirement("TOOL-14")
async def test_the_newest_plan_of_the_user_counts() -> None:
    older = said(plan_text([*PLAN, *PLAN]))
    newer = said(plan_text(PLAN[1:]))
    runtime = said("hurry", Origin(kind="runtime"))
    found = await answer(older, *turn(0), newer, runtime)
    assert found.parts == (RawCall("undo_0", "drop_1", "{}"),)
    assert (await answer()).parts == (RawText("undone: 0 of 0"),)
    with pytest.raises(ProviderError, match="not JSON"):
        await answer(said("undo all"))


@pytest.mark.requirement("TOOL-14")
async def test_what_is_in_doubt_is_not_asked_for_and_named_in_the_report() -> None:
    first, second = PLAN
    plan = said(plan_text([replace(first, doubt="nobody knows"), second]))
    asked = await answer(plan)
    assert asked.parts == (RawCall("undo_0", "drop_1", "{}"),)
    last = await answer(plan, *turn(0))
    assert last.parts == (RawText("not undone: 1 of 2\nr/c0 by drop_0: nobody knows"),)
