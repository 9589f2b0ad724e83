"""What a run wrote that can be undone: its completed writes with a compensation, newest first."""

from collections.abc import Iterable
from dataclasses import dataclass

from remit.journal.events import ToolCompleted
from remit.machine.evolve import evolve
from remit.machine.state import State
from remit.projections.timeline import Pair
from remit.wire.jsontext import Json, parse, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A write that took place, and what takes it back."""

    run: str
    call: str
    tool: str
    undo: str
    """The tool that compensates it; empty where none was declared."""
    arguments: str
    """JSON text of the call as it was carried out."""
    result: str
    time_ms: int

    @property
    def key(self) -> str:
        """Its name in a plan."""
        return f"{self.run}/{self.call}"


def effects(before: State, pairs: Iterable[Pair]) -> list[Effect]:
    """The completed writes of a run, in their order; `before` is the state before its first event.

    Raises `StoreCorrupt` for events that cannot follow each other.
    """
    found: list[Effect] = []
    state = before
    for _, body in pairs:
        events = iter(body.events)
        for cause in body.causes:
            for _number, event in zip(range(cause.count), events, strict=False):
                if isinstance(event, ToolCompleted) and not event.recorded_only:
                    found += _effect(state, event, cause.now_ms)
                state = evolve(state, event, cause.now_ms)
    return found


def _effect(state: State, event: ToolCompleted, time_ms: int) -> list[Effect]:
    call = state.find(event.call)
    if call is None or call.spec is None or call.spec.access != "write":
        return []
    effect = Effect(
        run=state.run,
        call=event.call,
        tool=call.tool,
        undo=call.spec.undo,
        arguments=str(call.arguments),
        result=str(event.text),
        time_ms=time_ms,
    )
    return [effect]


# ---------------------------------------------------------------- plans


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One compensation: the tool, its arguments, and the effect it takes back."""

    of: str
    tool: str
    arguments: str


RESULT = "result"
"""The argument through which a compensation learns what the call returned."""


def step_of(effect: Effect, accepted: Iterable[str]) -> Step:
    """The compensation of an effect: those of its arguments that the undoing tool accepts.

    Numbers keep their digits. Raises `ProviderError` for arguments that are no JSON object.
    """
    names = set(accepted)
    given = parse(effect.arguments or "{}")
    values: dict[str, Json] = dict(given) if isinstance(given, dict) else {}
    values[RESULT] = effect.result
    kept = {name: value for name, value in values.items() if name in names}
    return Step(of=effect.key, tool=effect.undo, arguments=write(kept))


def plan_text(steps: Iterable[Step]) -> str:
    """A plan as the input of the run that carries it out."""
    rows: list[Json] = [
        {"of": step.of, "tool": step.tool, "arguments": step.arguments} for step in steps
    ]
    return write(rows)


def read_plan(text: str) -> tuple[Step, ...]:
    """The plan in a text, nothing where there is none."""
    rows = parse(text)
    found = []
    for row in rows if isinstance(rows, list) else ():
        words = {key: str(value) for key, value in row.items()} if isinstance(row, dict) else {}
        found.append(Step(**{key: words.get(key, "") for key in ("of", "tool", "arguments")}))
    return tuple(found)
