"""The program that is killed while it undoes: it kills itself after each effect, the first time."""

import asyncio
import os
import signal
from pathlib import Path

from remit import Agent, App, Call, Remit, ScriptedModel, declare, probe, tool
from remit.app.undo import undo_session
from remit.errors import ToolError
from remit.journal.rows import RunRow
from remit.machine.tools import AnyTool
from tests.kill.program import EFFECTS, JOURNAL, MODEL, Place, effect, effects

ASKED, TOLD = "asked.txt", "told.txt"
"""Which tools people were asked about, a line each; the output of the undo."""
COMPENSATIONS = ("retract_mail", "refund_card", "clear_flag")
"""Newest first."""
_LIFE_S = 60


def effect_and_death(call: Call, name: str) -> None:
    """An effect whose outcome nobody hears, if it is the first of its kind."""
    first = name not in compensated(Place.folder)
    effect(call, name)
    if first:
        os.kill(os.getpid(), signal.SIGKILL)


def compensated(folder: Path) -> list[str]:
    """The effects in their order."""
    path = folder / EFFECTS
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.split()[1] for line in lines]


@tool(access="write", on_crash="repeat")
async def clear_flag(call: Call, name: str) -> str:
    """Clear a flag; twice is once."""
    effect_and_death(call, "clear_flag")
    return f"no {name}"


async def was_refunded(call: Call) -> str | None:
    """Ask the log."""
    known = effects(Place.folder)[call.idempotency_key, "refund_card"]
    return "refunded before" if known else None


@tool(access="write", on_crash=probe(was_refunded))
async def refund_card(call: Call, card: str) -> str:
    """Refund; the log can be asked."""
    effect_and_death(call, "refund_card")
    return f"refunded {card}"


@tool(access="write")
def retract_mail(call: Call, to: str) -> str:
    """Retract a mail, from a thread; nobody can be asked."""
    effect_and_death(call, "retract_mail")
    return f"retracted {to}"


@tool(access="write")
async def close_account(card: str) -> str:
    """Close an account, which the bank does not."""
    raise ToolError(f"the bank says no to {card}")


@tool(access="write", undo=clear_flag)
async def set_flag(name: str) -> str:
    """Set a flag."""
    return name


@tool(access="write", undo=close_account)
async def open_account(card: str) -> str:
    """Open an account."""
    return card


@tool(access="write", undo=refund_card)
async def charge_card(card: str) -> str:
    """Charge a card."""
    return card


@tool(access="write", undo=retract_mail)
async def send_mail(to: str) -> str:
    """Send a mail."""
    return to


_WRITES: list[AnyTool] = [set_flag, open_account, charge_card, send_mail]
_BACK: list[AnyTool] = [clear_flag, close_account, refund_card, retract_mail]
clerk = Agent(
    "clerk",
    model=MODEL,
    instructions="Serve.",
    tools=_WRITES,
    remit=Remit(approvals=dict.fromkeys([*_WRITES, *_BACK], 0)),
)
_SCRIPT = (
    [{"set_flag": {"name": "f"}}, {"open_account": {"card": "c"}}],
    [{"charge_card": {"card": "c"}}, {"send_mail": {"to": "ann"}}],
    "Done.",
)


async def _undo() -> None:
    app = App(
        f"sqlite:///{Place.folder / JOURNAL}",
        agents=[clerk],
        models={"scripted": ScriptedModel(*_SCRIPT)},
        prices={"scripted:*": declare(MODEL, input_usd="3", output_usd="15")},
    )
    async with app:
        rows = await app.store.runs("local")
        if not rows:
            run = await app.run(clerk, "go")
            await app.undo(run.id)
            return
        served = next(row for row in rows if row.agent == "clerk")
        (undoing,) = await app.store.runs("local", session=undo_session(served.run))
        await _finish(app, undoing)


async def _finish(app: App, row: RunRow) -> None:
    found = await app.resume(row.run)
    while found.status == "waiting":
        for doubt in await app.desk.doubts("local"):
            with (Place.folder / ASKED).open("a") as asked:
                asked.write(f"{doubt.tool}\n")
            happened = effects(Place.folder)[f"{doubt.run}:{doubt.call}", doubt.tool] > 0
            await app.desk.resolve(
                "local", doubt.run, doubt.call, happened=happened, principal="ann"
            )
        found = await app.wait(row.run)
    (Place.folder / TOLD).write_text(str(found.output))


def live(folder: Path) -> None:
    """The life of a forked child."""
    signal.alarm(_LIFE_S)
    Place.folder = folder
    asyncio.run(_undo())
