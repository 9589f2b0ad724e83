"""What a run wrote that can be undone: its writes in their order, and those nobody is sure of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from remit.journal.events import ToolCompleted
from remit.machine.evolve import evolve
from remit.machine.state import CallState, State
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
    doubt: str = ""
    """Why nobody knows whether it took place; empty where it did."""

    @property
    def key(self) -> str:
        """Its name in a plan."""
        return f"{self.run}/{self.call}"


def effects(before: State, pairs: Iterable[Pair]) -> list[Effect]:
    """The writes of a run, in their order; `before` is the state before its first event.

    Those that were still in doubt when it ended come last, and say so. Raises `StoreCorrupt` for
    events that cannot follow each other.
    """
    found: list[Effect] = []
    state, now_ms = before, 0
    for _, body in pairs:
        events = iter(body.events)
        for cause in body.causes:
            now_ms = cause.now_ms
            for _number, event in zip(range(cause.count), events, strict=False):
                if isinstance(event, ToolCompleted) and not event.recorded_only:
                    found += _effect(state, event.call, str(event.text), now_ms)
                state = evolve(state, event, now_ms)
    for call in doubtful_calls(state):
        doubt = f"nobody knows whether {call.tool} took place"
        found += _effect(state, call.call, "", now_ms, doubt)
    return found


def doubtful_calls(state: State) -> tuple[CallState, ...]:
    """The writes of which nobody said what became of them before the run ended."""
    return tuple(call for call in state.unfinished if call.unsure and not call.child)


def _effect(
    state: State, name: str, result: str, time_ms: int, doubt: str = ""
) -> Iterator[Effect]:
    call = state.find(name)
    if call is None or call.spec is None or call.spec.access != "write":
        return
    yield Effect(
        run=state.run,
        call=name,
        tool=call.tool,
        undo=call.spec.undo,
        arguments=str(call.arguments),
        result=result,
        time_ms=time_ms,
        doubt=doubt,
    )


# ---------------------------------------------------------------- plans


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One compensation: the tool, its arguments, and the effect it takes back."""

    of: str
    tool: str
    arguments: str
    doubt: str = ""
    """Why it is named and not carried out: a human must look first. Empty where it is due."""


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
    rows: list[Json] = []
    for step in steps:
        row: dict[str, Json] = {"of": step.of, "tool": step.tool, "arguments": step.arguments}
        rows.append({**row, "doubt": step.doubt} if step.doubt else row)
    return write(rows)


_WORDS = ("of", "tool", "arguments", "doubt")


def read_plan(text: str) -> tuple[Step, ...]:
    """The plan in a text, nothing where there is none."""
    rows = parse(text)
    found = []
    for row in rows if isinstance(rows, list) else ():
        words = {key: str(value) for key, value in row.items()} if isinstance(row, dict) else {}
        found.append(Step(**{key: words.get(key, "") for key in _WORDS}))
    return tuple(found)
