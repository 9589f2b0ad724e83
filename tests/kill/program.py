"""The program that is killed: agents on a SQLite journal whose tools write to an effect log.

It drives every run it finds, starts new ones, answers for people, and ends when all is done.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from remit.adapters.prices import declare
from remit.adapters.scripted import Reply, ScriptedModel, turn_of
from remit.app.app import App
from remit.app.desk import Desk
from remit.errors import NotAllowed, NotFound
from remit.machine.agent import Agent, Remit
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.machine.tools import probe
from remit.values.model import ModelRequest

JOURNAL = "journal.db"
EFFECTS = "effects.log"
# No child outlives its test by more, whatever becomes of the parent.
_LIFE_S = 60
# Runs under way at once: enough that a kill always hits several calls.
_AT_ONCE = 6
_TURNS = 4
MODEL = "scripted:x"


class Place:
    """Where this process works; set once after the fork."""

    folder = Path()
    dice = random.Random(0)


def effect(call: Call, name: str) -> None:
    """One line per effect; O_APPEND makes it whole or not there, and a kill does not undo it."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    log = os.open(Place.folder / EFFECTS, flags, 0o600)
    try:
        os.write(log, f"{call.idempotency_key} {name} {call.attempt}\n".encode())
    finally:
        os.close(log)


def effects(folder: Path) -> Counter[tuple[str, str]]:
    """(idempotency key, tool) -> how often it happened."""
    path = folder / EFFECTS
    lines = path.read_text().splitlines() if path.exists() else []
    return Counter((line.split()[0], line.split()[1]) for line in lines)


async def linger(longest_s: float = 0.004) -> None:
    """Time for a kill to come."""
    await asyncio.sleep(Place.dice.random() * longest_s)


@tool
async def look_around(place: str) -> str:
    """Look."""
    await linger()
    return f"seen {place}"


@tool(access="write", on_crash="repeat", resources="flag:{name}")
async def set_flag(call: Call, name: str) -> str:
    """Set a flag; twice is once."""
    await linger()
    effect(call, "set_flag")
    await linger(0.03)
    return f"flag {name}"


async def was_charged(call: Call) -> str | None:
    """Ask the log."""
    await linger()
    done = effects(Place.folder)[call.idempotency_key, "charge_card"]
    return "charged before" if done else None


@tool(access="write", on_crash=probe(was_charged), resources="card:{card}")
async def charge_card(call: Call, card: str) -> str:
    """Charge a card; the log can be asked."""
    await linger()
    effect(call, "charge_card")
    await linger(0.03)
    return f"charged {card}"


@tool(access="write", resources="mail:{to}")
def send_mail(call: Call, to: str) -> str:
    """Send a mail, from a thread; nobody can be asked whether it went."""
    time.sleep(Place.dice.random() * 0.004)
    effect(call, "send_mail")
    time.sleep(Place.dice.random() * 0.004)
    return f"sent {to}"


@tool(access="write", risk="high", resources="mail:{to}", delay="40ms")
async def send_offer(call: Call, to: str) -> str:
    """Send what a human must agree to, and can call back for a moment."""
    await linger()
    effect(call, "send_offer")
    return f"offered {to}"


def script(request: ModelRequest) -> Reply:
    """What the model says in this turn: it depends on the conversation alone."""
    turn = turn_of(request.messages)
    if turn >= _TURNS:
        return "all done"
    if turn == _TURNS - 1:
        return [{"send_offer": {"to": f"o{turn}"}}, {"look_around": {"place": f"p{turn}"}}]
    return [
        {"set_flag": {"name": f"f{turn}"}},
        {"charge_card": {"card": f"c{turn}"}},
        {"send_mail": {"to": f"m{turn}"}},
        {"look_around": {"place": f"p{turn}"}},
    ]


EXPECTED = {
    **{f"c{turn + 1}-1": "set_flag" for turn in range(_TURNS - 1)},
    **{f"c{turn + 1}-2": "charge_card" for turn in range(_TURNS - 1)},
    **{f"c{turn + 1}-3": "send_mail" for turn in range(_TURNS - 1)},
    f"c{_TURNS}-1": "send_offer",
}
"""The effects that every run must have had, by call."""

worker = Agent(
    "worker",
    model=MODEL,
    instructions="Work.",
    tools=[look_around, set_flag, charge_card, send_mail, send_offer],
    remit=Remit(
        approvals={set_flag: 0, charge_card: 0, send_mail: 0, send_offer: 1},
        tool_calls=40,
        model_attempts=50,  # a run that is killed in every call would stop after the usual 4
        cost_usd="1000",  # and each of those calls is posted in full
    ),
)


def app_in(folder: Path) -> App:
    """The app of this journal; it takes over what others left behind."""
    return App(
        f"sqlite:///{folder / JOURNAL}",
        agents=[worker],
        models={"scripted": ScriptedModel(*[script] * (_TURNS + 1))},
        prices={"scripted:*": declare(MODEL, input_usd="3", output_usd="15")},
        worker=True,
    )


async def people(desk: Desk) -> None:
    """They agree, and look into the log to say whether a mail went."""
    while True:
        with suppress(NotFound, NotAllowed):  # answered a moment ago
            for pending in await desk.approvals("local"):
                await desk.approve("local", pending.id, principal="ann", channel="test")
            for doubt in await desk.doubts("local"):
                key = (f"{doubt.run}:{doubt.call}", doubt.tool)
                happened = effects(Place.folder)[key] > 0
                await desk.resolve(
                    "local", doubt.run, doubt.call, happened=happened, principal="ann"
                )
        await asyncio.sleep(0.02)


async def work(*, finish: bool) -> None:
    """Drive everything until it is done; without `finish` there is always more to do."""
    async with app_in(Place.folder) as app:
        person = asyncio.create_task(people(app.desk))
        while True:
            living = await app.desk.living("local")
            if finish and not living:
                break
            for _ in range(0 if finish else _AT_ONCE - len(living)):
                await app.start(worker, "go")
            await asyncio.sleep(0.02)
        person.cancel()
        await asyncio.gather(person, return_exceptions=True)


def live(folder: Path, seed: int, *, finish: bool) -> None:
    """The life of a forked child."""
    signal.alarm(_LIFE_S)
    Place.folder, Place.dice = folder, random.Random(seed)
    asyncio.run(work(finish=finish))
