"""Breakers of models and tools as this process knows them, shared by all its runs."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from remit.journal.events import (
    Event,
    ModelCompleted,
    ModelFailed,
    ToolCompleted,
    ToolFailed,
)
from remit.machine.state import State
from remit.policy.breaker import CLOSED, Breaker, Unwell, heard, looked_at
from remit.policy.retrying import loses, may_pass
from remit.ports import Clock

# Models are few, tools are kept per tenant: the least recently heard of are forgotten first.
_MOST = 10_000
# While one run looks whether a model is back, others go on without it; a look that nobody hears of
# any more is over then.
_LOOK_MS = 30_000

_ALL_WELL: Mapping[str, Unwell] = MappingProxyType({})

Key = tuple[str, str]
"""(tenant, target): a model is everybody's (`""`), a tool fails with its tenant's credentials."""


class HealthBoard:
    """Hears how calls ended, and says which models and tools are not well."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breakers: OrderedDict[Key, Breaker] = OrderedDict()
        self._looks: dict[Key, tuple[str, int]] = {}
        """Who looks at what is half-open, and since when."""

    def view(self, run: str, state: State) -> Mapping[str, Unwell]:
        """The positions of a run's models and tools that are not closed, as this run sees them.

        What is half-open is so for one run at a time; the others find it open.
        """
        if not self._breakers:  # most of the time, and asked for every decision
            return _ALL_WELL
        now_ms = self._clock.now_ms()
        found: dict[str, Unwell] = {}
        for key in targets_of(state):
            known = self._breakers.get(key)
            if known is None:
                continue
            position = looked_at(known, now_ms).position
            if position == "half_open":
                who, since_ms = self._looks.get(key, (run, now_ms))
                mine = who == run or now_ms - since_ms >= _LOOK_MS
                if mine:
                    self._looks[key] = (run, since_ms if who == run else now_ms)
                found[key[1]] = "half_open" if mine else "open"
            elif position == "open":
                found[key[1]] = "open"
        return found

    def unwell(self) -> tuple[tuple[str, str, Unwell], ...]:
        """What is not well now: (tenant, target, position); a model is everybody's (`""`)."""
        now_ms = self._clock.now_ms()
        found = []
        for (tenant, target), known in self._breakers.items():
            position = looked_at(known, now_ms).position
            if position != "closed":
                found.append((tenant, target, position))
        return tuple(found)

    def since(self, state: State) -> Mapping[str, int]:
        """Since when a run's models and tools that are not well have not been."""
        if not self._breakers:
            return {}
        known = ((name, self._breakers.get((tenant, name))) for tenant, name in targets_of(state))
        return {name: each.since_ms for name, each in known if each is not None and each.since_ms}

    def hear(self, events: Iterable[Event], before: State) -> None:
        """Learn from the outcomes in a record; `before` is the state that they came to."""
        for event in events:
            match event:
                case ModelCompleted() if before.model is not None:
                    self._note(("", before.model.model), good=True)
                case ModelFailed() if may_pass(event.kind) or loses(event.kind):
                    if event.kind != "in_doubt":
                        self._note(("", event.model), good=False, fatal=loses(event.kind))
                case ToolCompleted() | ToolFailed():
                    self._hear_tool(event, before)
                case _:
                    pass

    def _hear_tool(self, event: ToolCompleted | ToolFailed, before: State) -> None:
        call = before.find(event.call)
        if call is None or call.status != "released":
            return
        key = (before.tenant, f"tool:{call.tool}")
        if isinstance(event, ToolCompleted):
            self._note(key, good=True)
        elif event.fault or event.kind == "timeout":
            self._note(key, good=False)
        elif event.kind == "error":
            self._note(key, good=True)  # it said no: it is there

    def _note(self, key: Key, *, good: bool, fatal: bool = False) -> None:
        known = self._breakers.get(key, CLOSED)
        now = heard(known, good=good, fatal=fatal, now_ms=self._clock.now_ms())
        self._looks.pop(key, None)
        if now == CLOSED:
            self._breakers.pop(key, None)
            return
        self._breakers[key] = now
        self._breakers.move_to_end(key)
        while len(self._breakers) > _MOST:
            forgotten, _ = self._breakers.popitem(last=False)
            self._looks.pop(forgotten, None)


def targets_of(state: State) -> list[Key]:
    """The models and tools whose health matters to a run."""
    models = [("", each.model) for each in state.spec.candidates]
    tools = [(state.tenant, f"tool:{tool.name}") for tool in state.spec.tools]
    return models + tools
