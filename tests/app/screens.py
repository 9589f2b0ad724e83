"""A reader as tests see it: puts together what it is told; refuses what comes twice or early."""

from remit.app.live_run import StreamSnapshot, Told
from remit.journal.events import (
    Event,
    ModelCompleted,
    ModelFailed,
    RunEnded,
    SubrunEnded,
    SubrunRequested,
)
from remit.runtime.hub import CallKey, StreamDelta, StreamEvent, StreamRetraction

Place = tuple[int, int]


class Screen:
    """What a reader has; `cursor` is where it would go on."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.cursor = ""
        self.events: dict[str, list[tuple[Place, Event]]] = {}
        self.words: dict[CallKey, dict[int, str]] = {}
        """Answers on their way."""
        self.said: dict[CallKey, str] = {}
        """Of answers that are whole."""
        self._may_begin = {run}

    def show(self, told: Told) -> None:
        """Take one item."""
        match told.item:
            case StreamEvent() as item:
                self._event(item)
                assert told.cursor
                self.cursor = told.cursor
            case StreamDelta(run=run, call=call, attempt=attempt) as delta:
                parts = self.words.setdefault((run, call, attempt), {})
                assert delta.offset == len(parts.get(delta.part, "")), "lost or doubled words"
                parts[delta.part] = parts.get(delta.part, "") + delta.text
            case StreamRetraction(run=run, call=call, attempt=attempt):
                self.words.pop((run, call, attempt), None)
            case StreamSnapshot(calls=calls):
                self.words = {
                    (each.run, each.call, each.attempt): {p.part: p.text for p in each.parts}
                    for each in calls
                }

    def _event(self, item: StreamEvent) -> None:
        assert item.run in self._may_begin, "before it was asked for"
        seen = self.events.setdefault(item.run, [])
        place = (item.version, item.index)
        assert not seen or seen[-1][0] < place, "twice, or out of order"
        seen.append((place, item.event))
        match item.event:
            case SubrunRequested(child=child):
                self._may_begin.add(child)
            case SubrunEnded(child=child):
                ends = [isinstance(event, RunEnded) for _, event in self.events.get(child, [])]
                assert any(ends) or not ends, "before its own end"
            case ModelCompleted(call=call, attempt=attempt, parts=parts):
                self.words.pop((item.run, call, attempt), None)
                key = (item.run, call, attempt)
                self.said[key] = "".join(part.text for part in parts if part.kind == "text")
            case ModelFailed(call=call, attempt=attempt):
                self.words.pop((item.run, call, attempt), None)
            case _:
                pass
