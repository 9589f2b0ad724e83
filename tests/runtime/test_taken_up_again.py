"""Runs whose process let go of them in the middle: what is repeated, asked, or known to be done."""

import asyncio
from pathlib import Path

import pytest

from remit import App, Call, Remit, probe, tool
from remit.adapters.scripted import Reply, turn_of
from remit.app.following import tree_rows
from remit.errors import SpecError, StoreGone
from remit.journal.events import ModelRequested, RunEnded, RunRecovered, ToolRequested
from remit.machine.tools import AnyTool
from remit.values.model import ModelRequest
from tests.runtime.stage import PATIENCE_S, Script, an_agent, journal_at, opened, told, until

BEGUN: list[tuple[str, str, int]] = []
HANGS = {"now": True}
FOUND: dict[str, str | Exception | None] = {}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    BEGUN.clear()
    FOUND.clear()
    HANGS["now"] = True


async def _work(call: Call, name: str) -> str:
    BEGUN.append((name, call.idempotency_key, call.fence))
    if HANGS["now"]:
        await asyncio.Event().wait()
    return f"{name} done"


@tool
async def read_page(call: Call) -> str:
    """Read a page."""
    return await _work(call, "read")


@tool(access="write", on_crash="repeat")
async def put_page(call: Call) -> str:
    """Put a page; twice is once."""
    return await _work(call, "put")


@tool(access="write")
async def post_page(call: Call) -> str:
    """Post a page; twice is twice."""
    return await _work(call, "post")


async def was_paid() -> str | None:
    """Ask the bank."""
    found = FOUND["bank"]
    if isinstance(found, Exception):
        raise found
    return found


@tool(access="write", on_crash=probe(was_paid))
async def pay_bill(call: Call) -> str:
    """Pay a bill."""
    return await _work(call, "pay")


TOOLS: tuple[AnyTool, ...] = (read_page, put_page, post_page, pay_bill)
REMIT = Remit(approvals={put_page: 0, post_page: 0, pay_bill: 0})
AGENT = an_agent(tools=TOOLS, remit=REMIT)


def result_of(request: ModelRequest) -> Reply:
    return str(request.messages[-1].parts[-1].model_dump()["text"])


async def left_in_the_middle(url: str, name: str) -> str:
    """A run whose process went away while a tool was under way."""
    async with opened(url, [AGENT], {name: {}}, result_of) as app:
        run = await app.start(AGENT, "Go")
        await until(lambda: bool(BEGUN))
    HANGS["now"] = False
    return run


async def resumed(app: App, run: str) -> object:
    return (await app.resume(run)).output


@pytest.mark.requirement("DUR-3")
@pytest.mark.parametrize(("tool_name", "word"), [("read_page", "read"), ("put_page", "put")])
async def test_a_read_and_a_repeatable_write_go_again_under_the_same_key(
    tool_name: str, word: str, tmp_path: Path
) -> None:
    url = journal_at(tmp_path)
    run = await left_in_the_middle(url, tool_name)
    async with opened(url, [AGENT], {tool_name: {}}, result_of) as app:
        assert await resumed(app, run) == f"{word} done"
        (first, key, fence), (second, same, later) = BEGUN
        assert (first, second, key) == (word, word, same)
        assert later > fence  # a system that can refuses the one who was left
        assert len(await told(app, run, RunRecovered)) == 1
        attempts = [each.attempt for each in await told(app, run, ToolRequested)]
        assert attempts == [1, 2]
        assert len(await told(app, run, ModelRequested)) == 2  # no answer was paid for twice


@pytest.mark.requirement("DUR-6")
@pytest.mark.parametrize(
    ("said", "output", "times"),
    [("receipt 9", "receipt 9", 1), (None, "pay done", 2)],
    ids=["it happened", "it did not"],
)
async def test_the_system_is_asked_whether_a_write_happened(
    said: str | None, output: str, times: int, tmp_path: Path
) -> None:
    url = journal_at(tmp_path)
    run = await left_in_the_middle(url, "pay_bill")
    FOUND["bank"] = said
    async with opened(url, [AGENT], {"pay_bill": {}}, result_of) as app:
        assert await resumed(app, run) == output
        assert len(BEGUN) == times


@pytest.mark.requirement("DUR-6")
@pytest.mark.parametrize("name", ["post_page", "pay_bill"])
async def test_of_any_other_write_a_human_says_whether_it_happened(
    name: str, tmp_path: Path
) -> None:
    url = journal_at(tmp_path)
    run = await left_in_the_middle(url, name)
    FOUND["bank"] = ConnectionError("the bank does not answer")
    async with opened(url, [AGENT], {name: {}}, result_of) as app:
        waiting = await app.resume(run)
        (doubt,) = waiting.doubts
        assert (doubt.tool, len(BEGUN)) == (name, 1)
        await app.desk.resolve(
            "local", run, doubt.call, happened=True, principal="ann", text="seen"
        )
        assert (await app.resume(run)).status == "completed"
        assert len(BEGUN) == 1


async def test_a_sub_run_is_taken_up_with_its_root(tmp_path: Path) -> None:
    boss = an_agent("boss", agents=[AGENT])

    def speak(request: ModelRequest) -> Reply:
        if "worker" in request.system:
            return ({"read_page": {}}, "read it")[turn_of(request.messages)]
        return ({"ask_worker": {"brief": "read"}}, result_of(request))[turn_of(request.messages)]

    url = journal_at(tmp_path)
    async with opened(url, [boss], speak, speak) as app:
        run = await app.start(boss, "Go")
        await until(lambda: bool(BEGUN))
    HANGS["now"] = False
    async with opened(url, [boss], speak, speak) as app:
        assert await resumed(app, run) == "read it"
        rows = await tree_rows(app.store, "local", run)
        assert [row.status for row in rows] == ["completed", "completed"]


async def test_an_ended_run_is_not_driven_again(tmp_path: Path) -> None:
    HANGS["now"] = False
    url = journal_at(tmp_path)
    async with opened(url, [AGENT], {"put_page": {}}, result_of) as app:
        run = await app.run(AGENT, "Go")
        again = await app.resume(run.id)
        assert again.output == run.output == "put done"
        assert len(BEGUN) == 1
        assert len(await told(app, run.id, RunEnded)) == 1


async def test_code_that_no_longer_fits_leaves_the_run_for_code_that_does(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    run = await left_in_the_middle(url, "read_page")
    without = an_agent(tools=TOOLS[1:], remit=REMIT)
    async with opened(url, [without]) as app:
        with pytest.raises(SpecError, match=r"the tool 'read_page' is gone since the run started"):
            await app.resume(run)
        assert (await app.get(run)).status == "running"
    async with opened(url, [AGENT], {"read_page": {}}, result_of) as app:
        assert await resumed(app, run) == "read done"


async def test_what_breaks_a_driver_is_raised_once_to_who_waits_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    HANGS["now"] = False
    async with opened(journal_at(tmp_path), [AGENT], {"read_page": {}}, result_of) as app:
        append, broken = app.store.append, [True]

        async def failing(*given: object) -> object:
            if BEGUN and broken:
                broken.pop()
                raise StoreGone("the disk was pulled")
            return await append(*given)  # type: ignore[arg-type]  # handed on as it came

        monkeypatch.setattr(app.store, "append", failing)
        with pytest.raises(StoreGone, match="the disk was pulled"):
            await app.run(AGENT, "Go", session="s1")
        (row,) = await app.store.runs("local", session="s1")
        done = await app.resume(row.run)  # the read whose outcome was lost is repeated
        assert (done.status, done.partial) == ("completed", '"read done"')
        assert len(BEGUN) == 2


async def test_of_two_apps_only_one_drives_a_run(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    script: tuple[Script, ...] = ({"put_page": {}}, result_of)
    async with opened(url, [AGENT], *script) as first, opened(url, [AGENT], *script) as second:
        run = await first.start(AGENT, "Go")
        await until(lambda: bool(BEGUN))
        assert (await second.resume(run)).status == "running"  # it is driven elsewhere
        assert len(BEGUN) == 1
        await second.cancel(run, reason="enough")
        ended = await second.wait(run, timeout_s=PATIENCE_S)
        assert ended.status == "stopped"
        assert ("local", run) not in first.engine.live
        assert len(BEGUN) == 1
