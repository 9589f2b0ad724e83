"""Tools from end to end: questions over a restart, changed worlds, long results, any exception."""

import hashlib
from pathlib import Path

import pytest

from remit import Call, Remit, ToolError, tool
from remit.adapters.scripted import Reply
from remit.errors import NotFound
from remit.journal.events import (
    ApprovalRequested,
    InputReceived,
    InputRequested,
    ToolCompleted,
    ToolFailed,
    ToolRequested,
)
from remit.values.model import ModelRequest
from tests.runtime.stage import an_agent, journal_at, opened, told

DONE: list[object] = []
WORLD = {"tree": "clean"}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    DONE.clear()
    WORLD["tree"] = "clean"


def result_of(request: ModelRequest) -> Reply:
    """The results in the last message, as the model sees them."""
    return " | ".join(str(part.model_dump()["text"]) for part in request.messages[-1].parts)


@tool(access="write")
async def pack_order(call: Call, order: int) -> str:
    """Pack an order; asks two things."""
    boxes = call.ask("boxes", "How many boxes?", int)
    colour = call.ask("colour", "Which colour?", str)
    DONE.append((order, boxes, colour))
    return f"{boxes} {colour} boxes"


@tool(access="write", depends=lambda: WORLD["tree"])
async def commit_tree() -> str:
    """Commit the tree as it is."""
    DONE.append(WORLD["tree"])
    return "committed"


@tool(access="write")
async def spoil_tree() -> str:
    """Change the tree."""
    WORLD["tree"] = "spoiled"
    return "spoiled"


@tool
async def read_book(chars: int) -> str:
    """Read a long book."""
    return "".join(chr(0xE0 + n % 60) for n in range(chars))


@tool
async def go_wrong(how: str) -> str:
    """Go wrong in some way."""
    errors: dict[str, BaseException] = {
        "tool": ToolError("the shelf is empty"),
        "value": ValueError("seven is no colour"),
        "exit": SystemExit(3),
        "remit": NotFound("no such thing"),
        "own timeout": TimeoutError("the line was dead"),
        "group": ExceptionGroup("many", [ValueError("a"), KeyError("b")]),
        "recursion": RecursionError("too deep"),
    }
    raise errors[how]


@tool
def go_wrong_in_thread() -> str:
    """Go wrong in a thread."""
    raise KeyError("lost")


# ---------------------------------------------------------------- questions


@pytest.mark.requirement("APR-5")
async def test_questions_of_a_call_are_answered_over_restarts_and_it_happens_once(
    tmp_path: Path,
) -> None:
    agent = an_agent(tools=[pack_order], remit=Remit(approvals={pack_order: 0}))
    url, script = journal_at(tmp_path), ({"pack_order": {"order": 7}}, result_of)
    async with opened(url, [agent], *script) as app:
        run = await app.run(agent, "Pack 7")
        assert [question.text for question in run.questions] == ["How many boxes?"]
    async with opened(url, [agent], *script) as app:
        await app.answer(run.questions[0].id, "three", principal="ann")
        again = await app.resume(run.id)
        assert "did not fit" in again.questions[0].text
    async with opened(url, [agent], *script) as app:
        await app.answer(again.questions[0].id, 3, principal="ann")
        last = await app.resume(run.id)
        assert [question.text for question in last.questions] == ["Which colour?"]
    async with opened(url, [agent], *script) as app:
        await app.answer(last.questions[0].id, "red", principal="bob")
        assert (await app.resume(run.id)).output == "3 red boxes"
        assert DONE == [(7, 3, "red")]
        assert len(await told(app, run.id, InputRequested)) == 3
        assert [each.principal for each in await told(app, run.id, InputReceived)] == [
            "ann",
            "ann",
            "bob",
        ]


# ---------------------------------------------------------------- what a call depends on


@pytest.mark.requirement("APR-4")
async def test_an_approval_does_not_hold_once_what_the_call_depends_on_has_changed() -> None:
    agent = an_agent(tools=[commit_tree], remit=Remit(approvals={commit_tree: 1}))
    async with opened("memory:", [agent], {"commit_tree": {}}, result_of) as app:
        run = await app.run(agent, "Commit")
        WORLD["tree"] = "changed"
        await app.approve(run.approvals[0].id, principal="ann")
        again = await app.resume(run.id)
        assert DONE == []
        (pending,) = again.approvals
        assert pending.id != run.approvals[0].id
        assert pending.digest != run.approvals[0].digest
        assert pending.given == ()
        asked = await told(app, run.id, ApprovalRequested)
        assert "has changed" in asked[1].reason
        await app.approve(pending.id, principal="ann")
        assert (await app.resume(run.id)).output == "committed"
        assert DONE == ["changed"]


async def test_a_call_is_refused_when_a_call_before_it_changed_the_world() -> None:
    remit = Remit(approvals={commit_tree: 0, spoil_tree: 0})
    agent = an_agent(tools=[commit_tree, spoil_tree], remit=remit)
    both: Reply = [{"spoil_tree": {}}, {"commit_tree": {}}]
    async with opened("memory:", [agent], both, result_of) as app:
        run = await app.run(agent, "Go")
        assert run.output == "spoiled | refused: what the call depends on has changed"
        assert DONE == []


# ---------------------------------------------------------------- results and errors


@pytest.mark.requirement("TOOL-3")
async def test_a_long_result_is_cut_for_the_model_and_kept_whole(tmp_path: Path) -> None:
    agent = an_agent(tools=[read_book], remit=Remit(result_chars=500))
    whole = await read_book(5_000)
    async with opened(
        journal_at(tmp_path), [agent], {"read_book": {"chars": 5_000}}, result_of
    ) as app:
        run = await app.run(agent, "Read")
        assert run.output.startswith(whole[:500])
        assert len(run.output) < 1_000
        (fact,) = await told(app, run.id, ToolCompleted)
        assert fact.artifact is not None
        content = await app.store.blob("local", fact.artifact)
        assert content == whole.encode()
        assert fact.artifact == hashlib.sha256(content).hexdigest()
        assert fact.artifact[:16] in run.output
        assert fact.artifact_bytes == len(content)
        assert await app.store.blob("acme", fact.artifact) is None


@pytest.mark.requirement("DUR-7")
@pytest.mark.parametrize(
    ("how", "seen"),
    [
        ("tool", "the shelf is empty"),
        ("value", "ValueError: seven is no colour"),
        ("exit", "SystemExit: 3"),
        ("remit", "no such thing"),
        ("own timeout", "TimeoutError: the line was dead"),
        ("group", "ExceptionGroup: many (2 sub-exceptions)"),
        ("recursion", "RecursionError: too deep"),
    ],
)
async def test_whatever_a_tool_raises_is_an_observation(how: str, seen: str) -> None:
    agent = an_agent(tools=[go_wrong])
    async with opened("memory:", [agent], {"go_wrong": {"how": how}}, result_of) as app:
        run = await app.run(agent, "Go")
        assert (run.status, run.output) == ("completed", seen)
        assert len(await told(app, run.id, ToolFailed)) == 1


@pytest.mark.requirement("DUR-7")
async def test_so_is_what_a_thread_raises() -> None:
    agent = an_agent(tools=[go_wrong_in_thread])
    async with opened("memory:", [agent], {"go_wrong_in_thread": {}}, result_of) as app:
        assert (await app.run(agent, "Go")).output == "KeyError: 'lost'"


@pytest.mark.requirement("TOOL-1")
@pytest.mark.parametrize("arguments", ['{"order": "many"}', "{}", '{"order": 1', "[]", '{"x": 1}'])
async def test_malformed_arguments_never_reach_the_function_and_can_be_mended(
    arguments: str,
) -> None:
    @tool(access="write")
    async def ship_order(order: int) -> str:
        """Ship an order."""
        DONE.append(order)
        return f"shipped {order}"

    agent = an_agent(tools=[ship_order], remit=Remit(approvals={ship_order: 0}))
    script = ({"ship_order": arguments}, {"ship_order": {"order": 2}}, result_of)
    async with opened("memory:", [agent], *script) as app:
        run = await app.run(agent, "Ship")
        assert run.output == "shipped 2"
        assert DONE == [2]
        (failed,) = await told(app, run.id, ToolFailed)
        assert failed.kind == "invalid"
        assert len(await told(app, run.id, ToolRequested)) == 1
