"""A model that tells stories word by word, whose stream may break, and agents that use it."""

import asyncio
from collections.abc import Callable

from remit import Agent, App, Remit, declare, tool
from remit.errors import ProviderError
from remit.machine.tools import AnyTool
from remit.values.message import ResultPart
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawCall, RawPart, RawText
from remit.values.usage import Usage

PRICES = {"teller:*": declare("teller:x", input_usd="1", output_usd="2")}
WORDS = "Once upon a time there was a lamp, it was blue and 光り輝く. "


class Teller:
    """Says `words` words an answer, one each `pause_s`; one `gate` holds it back in the middle.

    The boss first asks both scouts, who look something up. `breaks`: how many streams break.
    """

    provider = "teller"

    def __init__(self, *, words: int = 12, pause_s: float = 0.0, breaks: int = 0) -> None:
        self.words = words
        self.pause_s = pause_s
        self.breaks = breaks
        self.gate: asyncio.Event | None = None
        self.at_gate = asyncio.Event()

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """Tell, then call tools where that is left to do."""
        del deadline_s
        told = WORDS.split(" ")
        story = [told[at % len(told)] + " " for at in range(self.words)]
        for number, word in enumerate(story):
            if number == self.words // 2:
                await self._half()
            if request.stream:
                emit(Delta(0, "text", word))
            await asyncio.sleep(self.pause_s)
        parts: list[RawPart] = [RawText("".join(story)), *_calls(request)]
        return ModelAnswer(
            parts=tuple(parts),
            stop="tools" if len(parts) > 1 else "end",
            usage=Usage(input=100, output=self.words),
            model=request.model,
        )

    async def _half(self) -> None:
        if self.gate is not None:
            self.at_gate.set()
            await self.gate.wait()
        if self.breaks:
            self.breaks -= 1
            raise ProviderError("the line went dead", kind="stream_broken")

    async def close(self) -> None:
        """Nothing to release."""


def _calls(request: ModelRequest) -> list[RawPart]:
    if any(isinstance(p, ResultPart) for m in request.messages for p in m.parts):
        return []
    if "boss" in request.system:
        return [RawCall(f"p{n}", "ask_scout", f'{{"brief": "{n}"}}') for n in (1, 2)]
    if "scout" in request.system:
        return [RawCall("p1", "find_fact", '{"name": "tea"}')]
    if "shipper" in request.system:
        return [RawCall("p1", "ship_order", '{"order": 1}')]
    return []


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    return f"{name} is so"


@tool(access="write")
async def ship_order(order: int) -> str:
    """Ship an order."""
    return f"shipped {order}"


def _agent(
    name: str, *tools: AnyTool, agents: tuple[Agent[object], ...] = (), remit: Remit | None = None
) -> Agent[str]:
    return Agent(
        name,
        model="teller:x",
        instructions=f"You are the {name}.",
        tools=tools,
        agents=agents,
        remit=remit,
        max_output_tokens=1000,
    )


SOLO = _agent("solo")
SCOUT = _agent("scout", find_fact)
BOSS = _agent("boss", agents=(SCOUT,))
SHIPPER = _agent("shipper", ship_order, remit=Remit(approvals={ship_order: 1}))


def teller_app(url: str, teller: Teller | None = None, *, worker: bool = False) -> App:
    """An app of these agents."""
    return App(
        url,
        agents=[SOLO, BOSS, SHIPPER],
        models={"teller": teller or Teller()},
        prices=PRICES,
        worker=worker,
    )
