"""Asks the person at this terminal what a run waits for, or says how to answer from another."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import click

from remit.app.desk import Desk
from remit.app.run import PendingApproval, PendingDelay, PendingDoubt, PendingQuestion, Run
from remit.cli.journal import short
from remit.cli.output import moment
from remit.cli.person import CHANNEL, principal
from remit.cli.plain import printable
from remit.cli.previewing import preview_lines
from remit.errors import NotAllowed, NotFound

_YES = ("y", "yes")


def at_terminal() -> bool:
    """Someone can be asked here."""
    return sys.stdin.isatty() and sys.stderr.isatty()


async def read_line(prompt: str) -> str:
    """A line from the terminal; other work of this process goes on, and Ctrl-C ends it.

    Raises `EOFError` when the terminal is gone.
    """
    click.echo(prompt, nl=False, err=True)
    loop = asyncio.get_running_loop()
    came: asyncio.Future[str] = loop.create_future()

    def take() -> None:
        if not came.done():
            came.set_result(sys.stdin.readline())

    loop.add_reader(sys.stdin.fileno(), take)
    try:
        line = await came
    finally:
        loop.remove_reader(sys.stdin.fileno())
    if not line:
        raise EOFError
    return line.strip()


@dataclass(slots=True)
class Asker:
    """Deals with what a run waits for. `tell` prints a line for the person.

    `changed` returns when the run moved on, because somebody answered elsewhere.
    """

    desk: Desk
    tenant: str
    asks: bool
    tell: Callable[[str], None]
    changed: Callable[[], Awaitable[None]]
    told: set[str] = field(default_factory=set)
    """Ids that were asked or told about already."""

    async def deal(self, run: Run[object]) -> bool:
        """Ask, or tell how to answer; True when something was answered, here or elsewhere."""
        answered, could_ask = False, self.asks
        for approval in run.approvals:
            if self._is_new(f"{approval.id} {approval.given}"):
                answered |= await self._approval(approval)
        for question in run.questions:
            if self._is_new(question.id):
                answered |= await self._question(question)
        for doubt in run.doubts:
            if self._is_new(f"{doubt.run}:{doubt.call}"):
                self._doubt(doubt)
        for delay in run.delays:
            if self._is_new(f"{delay.run}:{delay.call}"):
                self._delay(delay)
        if could_ask and not self.asks:
            return await self.deal(run)  # nobody sits here any more: tell how to answer elsewhere
        return answered

    async def _line(self, prompt: str) -> str | None:
        """What the person types; None when the run moved on first. Raises `EOFError`."""
        typed = asyncio.ensure_future(read_line(prompt))
        moved = asyncio.ensure_future(self.changed())
        try:
            await asyncio.wait([typed, moved], return_when=asyncio.FIRST_COMPLETED)
            if typed.done():
                return typed.result()
            moved.result()
        finally:
            typed.cancel()
            moved.cancel()
            await asyncio.gather(typed, moved, return_exceptions=True)
        self.tell("\nanswered elsewhere")
        return None

    def _is_new(self, name: str) -> bool:
        fresh = name not in self.told
        self.told.add(name)
        return fresh

    async def _approval(self, each: PendingApproval) -> bool:
        call = f"{click.style(printable(each.tool), bold=True)} {printable(each.arguments)}"
        self.tell(f"waits for a human ({each.rule}): {call}")
        if each.preview is not None:
            for line in preview_lines(each.preview):
                self.tell(line)
        mine = principal()
        if not self.asks or self.desk.person_of(mine) in each.given:
            name = short(each.id)
            self.tell(f"  remit approve {name}   or   remit deny {name}")
            return False
        try:
            said = await self._line("agree to exactly this call? [y/N] ")
            if said is None:
                return True
            if said.lower() in _YES:
                await self.desk.approve(
                    self.tenant, each.id, principal=mine, channel=CHANNEL, digest=each.digest
                )
            else:
                await self.desk.deny(self.tenant, each.id, principal=mine, channel=CHANNEL)
        except (NotFound, NotAllowed) as exc:  # somebody else was faster
            self.tell(str(exc))
        except EOFError:
            return self._left()
        return True

    def _left(self) -> bool:
        """Nobody is at this terminal any more: tell once more how to answer elsewhere."""
        self.asks = False
        self.told.clear()
        return False

    async def _question(self, each: PendingQuestion) -> bool:
        self.tell(f"{printable(each.tool)} asks: {printable(each.text)}")
        if not self.asks:
            self.tell(f"  remit answer {short(each.id)} JSON")
            return False
        try:
            line = await self._line("answer (JSON or text): ")
            if line is None:
                return True
            await self.desk.answer(
                self.tenant, each.id, principal=principal(), channel=CHANNEL, value=as_json(line)
            )
        except (NotFound, NotAllowed) as exc:  # somebody else was faster
            self.tell(str(exc))
        except EOFError:
            return self._left()
        return True

    def _doubt(self, each: PendingDoubt) -> None:
        call = f"{printable(each.tool)} {printable(each.arguments)}"
        self.tell(f"nobody knows whether this happened: {call}")
        name = f"{short(each.run)} {each.call}"
        self.tell(f"  remit resolve {name} --happened   or   --not-happened")

    def _delay(self, each: PendingDelay) -> None:
        call = f"{printable(each.tool)} {printable(each.arguments)}"
        self.tell(f"leaves at {moment(each.until_ms)}: {call}")
        self.tell(f"  remit recall {short(each.run)} {each.call}   calls it back")


def as_json(text: str) -> str:
    """JSON text as it is, any other text as a JSON string."""
    try:
        json.loads(text)
    except ValueError:
        return json.dumps(text)
    return text
