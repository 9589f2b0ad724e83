"""The looks behind `App.ready`: journal, clock, sandbox, models with pins and prices, tools."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from remit.errors import ProviderError, RemitError, SandboxUnavailable
from remit.machine.spec import AgentSpec
from remit.machine.tools import AnyTool, ToolCheck
from remit.policy.pinning import unpinned
from remit.ports import ModelChecker
from remit.runtime.services import Services
from remit.runtime.starting import OWN_PROVIDER
from remit.values.command import Command
from remit.values.ids import made_ms
from remit.values.model import TRANSIENT, ModelCard

CURSOR = "remit.ready"
_LOOK_S = 10.0  # a look at one model; providers tell within a second
# Leases are 30 s long and signed webhooks hold for minutes: a clock further off than this harms.
SKEW_MS = 60_000
_OLDEST_MS = 1_767_225_600_000  # 2026-01-01, before the first Remit: such a clock was never set

Look = Callable[[], Awaitable["Sight"]]


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw. Passing: it may be well again by itself. Lasting: somebody must act.

    Doubtful: it works, and may not be what somebody wants.
    """

    name: str
    wrong: Literal["", "doubtful", "passing", "lasting"] = ""
    detail: str = ""
    remedy: str = ""
    model: str = ""
    """The model that was looked at, where one was."""


@dataclass(slots=True)
class Looks:
    """Everything to be looked at for some agents."""

    services: Services
    specs: tuple[AgentSpec, ...]
    where_key: Callable[[str], str]
    channels: int = 0
    _skews: list[int] = field(default_factory=list)
    """How far providers' clocks are from ours, in milliseconds."""

    def all(self) -> Iterator[tuple[Sight, Look]]:
        """What is looked at, and how."""
        yield Sight("journal"), self._journal
        yield Sight("clock"), self._clock
        if self.services.environment == "production" and self._asking():
            yield Sight("channels"), self._channels
        tools = list(self._tools())
        if any(tool.runs_programs for tool in tools):
            yield Sight("sandbox"), self._sandbox
        for model in self._models():
            sight = Sight(f"model {model}", model=model)
            yield sight, partial(self._model, sight)
        for tool in tools:
            if tool.check is not None:
                sight = Sight(f"tool {tool.name}")
                yield sight, partial(self._tool, sight, tool.check)

    def judged(self, seen: Iterable[Sight]) -> Iterator[Sight]:
        """What was seen, as it counts.

        A model that is away for the moment does no harm where each agent has another that is there.
        """
        rows = list(seen)
        well = {row.model for row in rows if row.model and not row.wrong}
        for row in rows:
            others = (
                {each.model for each in spec.candidates} & well
                for spec in _every(self.specs)
                if row.model in {each.model for each in spec.candidates}
            )
            if row.model and row.wrong == "passing" and all(others):
                yield replace(row, wrong="", detail=f"{row.detail}; others answer in its place")
            elif row.name == "clock" and not row.wrong:
                yield self._compared(row)
            else:
                yield row

    # ------------------------------------------------------------ what there is

    def _models(self) -> list[str]:
        names = (each.model for spec in _every(self.specs) for each in spec.candidates)
        # Our own code, as what takes writes back, has neither provider nor price.
        return [name for name in dict.fromkeys(names) if not name.startswith(OWN_PROVIDER)]

    def _tools(self) -> Iterator[AnyTool]:
        known: dict[int, AnyTool] = {}
        for agent in self.services.agents.values():
            known |= {id(tool): tool for tool in agent.tools}
        yield from known.values()

    # ------------------------------------------------------------ looks

    async def _journal(self) -> Sight:
        store = self.services.store
        try:
            await store.set_cursor(CURSOR, self.services.clock.now_ms())
            await store.switches()
        except RemitError as exc:
            return Sight("journal", "lasting", str(exc), "repair the journal's database")
        return Sight("journal", detail=f"{store.url} is open, migrated, and can be written")

    def _asking(self) -> list[str]:
        """Agents that ask people before they act."""
        return sorted(
            spec.name
            for spec in _every(self.specs)
            if spec.phase == "supervised" or any(rule.effect == "ask" for rule in spec.rules)
        )

    async def _channels(self) -> Sight:
        if self.channels:
            return Sight("channels", detail=f"{self.channels} tell people what waits for them")
        return Sight(
            "channels",
            wrong="lasting",
            detail=f"{', '.join(self._asking())} asks people, and nobody is told: after the "
            "approval_timeout the answer is no",
            remedy="write [channels.NAME] in remit.toml, or App(on_approval=...)",
        )

    async def _clock(self) -> Sight:
        now_ms = self.services.clock.now_ms()
        remedy = "set the clock of this machine, best by NTP"
        if now_ms < _OLDEST_MS:
            return Sight("clock", "lasting", "it says a day before 2026", remedy)
        newest = await self.services.store.runs(None, limit=1)
        ahead_ms = made_ms(newest[0].run) - now_ms if newest else 0
        if ahead_ms > SKEW_MS:
            text = f"the newest run was started {ahead_ms // 1000} s later than it is here"
            return Sight("clock", "lasting", text, remedy)
        return Sight("clock", detail="it is not behind the journal")

    def _compared(self, sight: Sight) -> Sight:
        """The clock beside those of the providers; it is known after they were asked."""
        if not self._skews:
            return sight
        skews = sorted(self._skews)
        off_ms = (skews[(len(skews) - 1) // 2] + skews[len(skews) // 2]) // 2  # their median
        if abs(off_ms) <= SKEW_MS:
            return replace(sight, detail=f"{sight.detail}, and right by the providers'")
        way = "behind" if off_ms > 0 else "ahead of"
        return replace(
            sight,
            wrong="lasting",
            detail=f"it is {abs(off_ms) // 1000} s {way} the providers'",
            remedy="set the clock of this machine, best by NTP",
        )

    async def _sandbox(self) -> Sight:
        sandbox = self.services.sandbox
        remedy = "install what it names, or take out the tools that run programs"
        if sandbox is None:
            return Sight("sandbox", "lasting", "none works on this machine", remedy)
        try:
            ended = await sandbox.run(Command(argv=("true",), cwd="/"))
        except SandboxUnavailable as exc:
            return Sight("sandbox", "lasting", str(exc), remedy)
        if ended.exit_code != 0:
            return Sight("sandbox", "lasting", f"`true` ended with {ended.exit_code}", remedy)
        return Sight("sandbox", detail="a program ran confined")

    async def _model(self, sight: Sight) -> Sight:
        """Pinned, priced, and there for our key."""
        services, name = self.services, sight.model
        problem = unpinned(name, services.floating_models)
        if problem is not None:
            return replace(sight, wrong="lasting", detail=problem, remedy="write its dated name")
        provider, _, own = name.partition(":")
        try:
            priced = services.prices.price(name).version
            model = services.model(provider)
        except RemitError as exc:
            remedy = "declare its price, or set its key"
            return replace(sight, wrong="lasting", detail=str(exc), remedy=remedy)
        known = f"pinned, priced ({priced})"
        if not isinstance(model, ModelChecker):
            return replace(sight, detail=f"{known}; its adapter cannot look whether it is there")
        try:
            card = await model.check(own, deadline_s=_LOOK_S)
        except ProviderError as exc:
            wrong: Literal["passing", "lasting"] = "passing" if exc.kind in TRANSIENT else "lasting"
            remedy = self._remedy(provider, exc.kind)
            return replace(sight, wrong=wrong, detail=str(exc), remedy=remedy)
        except RemitError as exc:  # it cannot be made here: an SDK or a key is missing
            return replace(sight, wrong="lasting", detail=str(exc), remedy="bring what it asks for")
        return replace(sight, detail=f"{known}, {self._told(card)}")

    def _told(self, card: ModelCard | None) -> str:
        if card is None:
            return "its provider tells nothing of single models"
        if card.told_ms is not None:
            self._skews.append(card.told_ms - self.services.clock.now_ms())
        if card.stage == "deprecated":
            return f"there, but it is retired{f' on {card.ends}' if card.ends else ' soon'}"
        return "there"

    def _remedy(self, provider: str, kind: str) -> str:
        match kind:
            case "auth" | "billing":
                return f"look at the key and its account: {self.where_key(provider)}"
            case "not_found":
                return "name a model that is there"
            case "connection" | "timeout":
                return f"look at the network and at providers.{provider}.base_url in remit.toml"
            case _:
                return "try again; where it stays so, look at the provider's status page"

    async def _tool(self, sight: Sight, check: ToolCheck) -> Sight:
        remedy = "see what the check of the tool asks for"
        wrong = replace(sight, wrong="lasting", remedy=remedy)
        try:
            if inspect.iscoroutinefunction(check):
                said = await check()
            else:
                loop = asyncio.get_running_loop()
                said = await loop.run_in_executor(self.services.threads, check)
                said = await said if inspect.isawaitable(said) else said
        except Exception as exc:  # noqa: BLE001  # user code may raise anything; it is the answer
            return replace(wrong, detail=f"{type(exc).__name__}: {exc}")
        if isinstance(said, str) and said:
            return replace(wrong, detail=said)
        if said is False:
            return replace(wrong, detail="its check says no")
        return replace(sight, detail="its check says yes")


def _every(specs: Iterable[AgentSpec]) -> Iterator[AgentSpec]:
    """Agents and all below them."""
    for spec in specs:
        yield spec
        yield from _every(spec.agents)
