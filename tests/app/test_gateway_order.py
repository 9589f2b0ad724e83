"""The order of the gateway, from the schema to the outcome, as one call goes through it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, TypeVar

import pytest
from pydantic import AfterValidator

from remit import (
    AfterAnswer,
    App,
    BeforeAnswer,
    Call,
    Command,
    Finished,
    HookedCall,
    HookedResult,
    Remit,
    ScriptedModel,
    after_tool,
    before_tool,
    tool,
)
from remit.adapters.memory.store import MemoryStore
from remit.journal.codec import open_record
from remit.journal.events import ToolCompleted, ToolFailed, ToolRequested
from remit.journal.rows import Answer, Append
from remit.machine import judging
from remit.policy import permission
from remit.runtime import results
from remit.runtime.cleaning import Cleaner
from remit.values.clean import Clean
from remit.values.command import Program
from remit.values.credential import Credential, Wanted
from remit.values.model import ModelAnswer, RawCall
from remit.values.usage import Usage
from tests.runtime.stage import PRICES, an_agent, told

STEPS: list[str] = []
T = TypeVar("T")


def noted(step: str, value: T) -> T:
    """The value; the step is written down, where it is not the last one already."""
    if not STEPS or STEPS[-1] != step:
        STEPS.append(step)
    return value


Address = Annotated[str, AfterValidator(lambda value: noted("schema", value))]


@tool(access="write", credential="crm", price_usd="0.01")
async def send_note(call: Call, to: Address) -> str:
    """Send."""
    noted("call", to)
    await call.run_confined(Command(argv=("true",), cwd="/"))
    return "sent " + "x" * 300


@before_tool(send_note)
def look(call: HookedCall) -> BeforeAnswer:
    """Look."""
    return noted("before-hooks", call.go_on())


@after_tool(send_note)
def trim(result: HookedResult) -> AfterAnswer:
    """Look."""
    return noted("after-hooks", result.keep())


class Crm:
    """Gives the credential."""

    async def get(self, wanted: Wanted) -> Credential:
        return noted("credentials", Credential("k" * 20, name=wanted.name))

    async def close(self) -> None:
        """Nothing to let go of."""


class Box:
    """A sandbox that runs nothing."""

    name = "box"

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        raise AssertionError(f"nothing is kept open: {command}")

    async def run(self, command: Command) -> Finished:
        return noted(
            "sandbox",
            Finished(
                exit_code=0,
                stdout=b"",
                stderr=b"",
                truncated=False,
                ended="exited",
                confinement="box",
            ),
        )


def watched(patch: pytest.MonkeyPatch, home: object, name: str, step: str) -> None:
    """Write the step down when that function is called."""
    inner: Callable[..., object] = getattr(home, name)

    def outer(*args: object, **words: object) -> object:
        noted(step, None)
        return inner(*args, **words)

    patch.setattr(home, name, outer)


@pytest.mark.requirement("TOOL-1", "TOOL-9", "TOOL-11", "TOOL-12", "PERM-3", "SEC-3")
async def test_the_order_of_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    STEPS.clear()
    watched(monkeypatch, judging, "judge_question", "rules")
    watched(monkeypatch, permission, "_by_phase", "phase")
    watched(monkeypatch, results, "_cut", "truncate")
    clean = Cleaner.text
    append = MemoryStore.append

    def cleaned(self: Cleaner, raw: str) -> Clean:
        return clean(self, noted("redact", raw) if raw.startswith("sent ") else raw)

    async def appended(self: MemoryStore, given: Append) -> Answer:
        body = open_record(given.record)
        for event in () if body is None else body.events:
            if isinstance(event, ToolRequested):
                noted("budget" if given.holds else "", None)
                noted("intent", None)
            if isinstance(event, ToolCompleted):
                noted("outcome", None)
        return await append(self, given)

    monkeypatch.setattr(Cleaner, "text", cleaned)
    monkeypatch.setattr(MemoryStore, "append", appended)
    remit = Remit(approvals={send_note: 0}, hooks=[look, trim], result_chars=200)
    agent = an_agent(tools=[send_note], remit=remit)
    app = App(
        "memory:",
        agents=[agent],
        models={"scripted": ScriptedModel({"send_note": {"to": "ann"}}, "done")},
        prices=PRICES,
        credentials={"crm": Crm()},
        sandbox=Box(),
    )
    async with app:
        assert (await app.run(agent, "Write")).output == "done"
    assert STEPS == [
        "schema",
        "before-hooks",
        "rules",
        "phase",
        "budget",
        "intent",
        "credentials",
        "schema",  # a secret that the tool may have takes the place of its placeholder first
        "call",
        "sandbox",
        "redact",
        "after-hooks",
        "truncate",
        "outcome",
    ]


@pytest.mark.requirement("TOOL-12")
@pytest.mark.parametrize("said", ["Please write to Ann.", '"to: ann"', '["ann"]', '{"to": "ann"'])
async def test_prose_in_place_of_arguments_never_reaches_a_write(said: str) -> None:
    STEPS.clear()
    agent = an_agent(tools=[send_note], remit=Remit(approvals={send_note: 0}))
    parts = (RawCall("p1", "send_note", said),)
    answer = ModelAnswer(parts=parts, stop="tools", usage=Usage(input=1, output=1), model="x")
    app = App(
        "memory:",
        agents=[agent],
        models={"scripted": ScriptedModel(answer, "done")},
        prices=PRICES,
        credentials={"crm": Crm()},
    )
    async with app:
        run = await app.run(agent, "Write")
        (failed,) = await told(app, run.id, ToolFailed)
        assert failed.kind == "invalid"
        assert "not a JSON object" in failed.text
    assert "call" not in STEPS
