"""Artifacts: read on page by page to the last character, by their own conversation only."""

import re

import pytest

from remit import App, ScriptedModel, tool
from remit.adapters.scripted import Reply
from remit.errors import ToolError
from remit.journal.events import ToolCompleted, ToolFailed
from remit.machine.agent import Remit
from remit.runtime.artifacts import read_page
from remit.values.message import ResultPart
from remit.values.model import ModelRequest
from tests.runtime.stage import PRICES, an_agent, opened, told

WHOLE = "".join(f"line {number} grün\n" for number in range(400))
_CUT = re.compile(r"artifact ([0-9a-f]+), offset (\d+)\]$")
_MORE = re.compile(
    r"\n\[characters \d+ to \d+ of \d+; (?:go on with offset (\d+)|this is the end)\]$"
)


@tool
def read_book(title: str) -> str:
    """Read a book."""
    return f"{title}\n{WHOLE}"


READER = an_agent("reader", tools=[read_book], remit=Remit(result_chars=1500, tool_calls=30))


def last_result(request: ModelRequest) -> str:
    part = request.messages[-1].parts[-1]
    assert isinstance(part, ResultPart)
    return str(part.text)


class PageTurner:
    """A model that reads a book to its end, page by page."""

    def __init__(self) -> None:
        self.name, self.pages = "", list[str]()

    def __call__(self, request: ModelRequest) -> Reply:
        if len(request.messages) == 1:
            return {"read_book": {"title": "Tea"}}
        text = last_result(request)
        cut, more = _CUT.search(text), _MORE.search(text)
        if cut is not None:
            self.name = cut[1]
            self.pages = [text[: int(cut[2])]]
            return {"read_result": {"artifact": cut[1], "offset": int(cut[2])}}
        assert more is not None, text
        self.pages.append(text[: more.start()])
        if more[1] is None:
            return "read"
        return {"read_result": {"artifact": self.name, "offset": int(more[1])}}


def asks_for(name: str) -> Reply:
    return {"read_result": {"artifact": name}}


@pytest.mark.requirement("TOOL-3", "TOOL-16")
async def test_the_model_pages_through_the_whole() -> None:
    turner = PageTurner()
    async with opened("memory:", [READER], *[turner] * 30) as app:
        run = await app.run(READER, "Read")
        assert run.output == "read"
        assert "".join(turner.pages) == f"Tea\n{WHOLE}"
        assert run.tool_calls == len(turner.pages) > 3  # counted like other reads
        done = await told(app, run.id, ToolCompleted)
        assert [fact.artifact is not None for fact in done] == [True] + [False] * (len(done) - 1)
        assert all(len(fact.text) <= 1500 for fact in done[1:])


async def first_artifact(app: App, session: str, tenant: str) -> str:
    run = await app.run(READER, "Read", session=session, tenant=tenant)
    (done,) = await told(app, run.id, ToolCompleted, tenant=tenant)
    return (done.artifact or "")[:16]


@pytest.mark.requirement("TOOL-3", "TEN-1")
async def test_only_its_own_conversation_may_read_on() -> None:
    wanted: list[str] = []

    def script(request: ModelRequest) -> Reply:
        said = request.messages[-1].text
        if "Read" in said:
            return {"read_book": {"title": said}}
        return asks_for(wanted[0]) if "Again" in said else "fine"

    models = {"scripted": ScriptedModel(*[script] * 9)}
    async with App("memory:", agents=[READER], models=models, prices=PRICES) as app:
        wanted.append(await first_artifact(app, "s1", "acme"))
        for session, tenant, may in (
            ("s1", "acme", True),
            ("s2", "acme", False),
            ("s1", "beta", False),
        ):
            run = await app.run(READER, "Again", session=session, tenant=tenant)
            done = await told(app, run.id, ToolCompleted, tenant=tenant)
            failed = await told(app, run.id, ToolFailed, tenant=tenant)
            assert (len(done), len(failed)) == ((1, 0) if may else (0, 1)), (session, tenant)
        # Another name, or a hole in the name, is none of theirs either.
        run = await app.run(READER, "Read", session="s3", tenant="beta")
        for name in ("", "0" * 16, "../../x", wanted[0][:8], f"{wanted[0]}*"):
            with pytest.raises(ToolError, match="no artifact"):
                await read_page(app.store, "beta", run.id, name, 0, 1000)


async def test_an_offset_outside_is_said() -> None:
    turner = PageTurner()
    async with opened("memory:", [READER], *[turner] * 30) as app:
        run = await app.run(READER, "Read")
        for offset in (-1, len(WHOLE) + 4):
            with pytest.raises(ToolError, match=f"not {offset}"):
                await read_page(app.store, "local", run.id, turner.name, offset, 1000)
        page = await read_page(app.store, "local", run.id, turner.name, len(WHOLE) + 3, 200)
        assert page.text.endswith("this is the end]")
        short = await read_page(app.store, "local", run.id, turner.name, 0, 200)
        assert len(short.text) <= 200
