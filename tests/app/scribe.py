"""Writes a tree of runs into a store as drivers do, here or in another process, word by word."""

from dataclasses import dataclass, field

from remit.adapters.memory.store import MemoryStore
from remit.journal.codec import seal
from remit.journal.events import (
    Event,
    ModelCompleted,
    ModelFailed,
    ModelRequested,
    RunEnded,
    RuntimeSaid,
    SubrunEnded,
    SubrunRequested,
)
from remit.journal.record import GENESIS, Body, Header
from remit.runtime.hub import Hub, StreamDelta, StreamEvent, StreamRetraction
from remit.values.clean import Clean
from remit.values.message import Origin, TextPart
from remit.values.usage import Usage

TENANT, ROOT = "acme", "run_1"


@dataclass(slots=True)
class Author:
    """One run as its driver sees it."""

    name: str
    here: bool = True
    calls: int = 0
    attempt: int = 0
    """Of the call under way; 0 for none."""
    words: dict[int, str] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)
    ended: bool = False


class Scribe:
    """The drivers of one tree. Those that are not `here` tell nobody in this process."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.store = MemoryStore()
        self.store._open = True
        self.runs = {ROOT: Author(ROOT)}
        self.journal: dict[str, list[tuple[tuple[int, int], Event]]] = {}
        self._time_ms = 1_000
        self.late = False
        """The next record is published later: others read it from the store before."""
        self._unpublished: list[StreamEvent] = []

    def publish(self) -> None:
        """Publish what is late."""
        items, self._unpublished = self._unpublished, []
        for item in items:
            self.hub.publish(TENANT, ROOT, item)

    def write(self, author: Author, *events: Event) -> None:
        """One record."""
        records = self.store._records.setdefault((TENANT, author.name), [])
        self._time_ms += 1
        header = Header(
            tenant=TENANT,
            run=author.name,
            version=len(records) + 1,
            epoch=1,
            time_ms=self._time_ms,
            engine="test",
        )
        previous = records[-1].hash if records else GENESIS
        body = Body(causes=(), events=events)
        records.append(
            seal(header, body, previous=previous, salt=bytes(16), key=b"k" * 32, key_id="k")
        )
        for index, event in enumerate(events):
            self.journal.setdefault(author.name, []).append(((header.version, index), event))
            if author.here:
                item = StreamEvent(author.name, header.version, index, event, self._time_ms)
                self._unpublished.append(item)
        if self.late or not author.here:
            self.hub.ring(TENANT, ROOT, behind=True)  # as the feed tells of it
        if not self.late:
            self.publish()
        self.late = False

    def note(self, author: Author, count: int) -> None:
        """A record of so many events."""
        said = RuntimeSaid(text=Clean("note"))
        self.write(author, *[said] * count)

    def ask(self, author: Author) -> None:
        """A model call begins, or its next attempt."""
        if not author.attempt:
            author.calls += 1
        author.attempt += 1
        author.words = {}
        fact = ModelRequested(
            call=f"c{author.calls}",
            attempt=author.attempt,
            model="scripted:x",
            messages=1,
            digest="",
            max_output_tokens=10,
            input_bound=10,
        )
        self.write(author, fact)

    def say(self, author: Author, part: int, text: str) -> None:
        """Words of the answer under way."""
        before = author.words.get(part, "")
        author.words[part] = before + text
        if author.here:
            key = (author.name, f"c{author.calls}", author.attempt)
            delta = StreamDelta(*key, part, len(before), "text", text)
            self.hub.publish(TENANT, ROOT, delta)

    def answer(self, author: Author) -> None:
        """The answer is whole."""
        parts = tuple(
            TextPart(text=Clean(text), origin=Origin(kind="model"))
            for _, text in sorted(author.words.items())
        )
        fact = ModelCompleted(
            call=f"c{author.calls}",
            attempt=author.attempt,
            parts=parts,
            stop="end",
            usage=Usage(),
            model="x",
        )
        author.attempt, author.words = 0, {}
        self.write(author, fact)

    def fail(self, author: Author, *, again: bool) -> None:
        """The stream broke: what came is taken back, and asked for again."""
        key = (author.name, f"c{author.calls}", author.attempt)
        if author.here:
            self.hub.publish(TENANT, ROOT, StreamRetraction(*key))
        author.words = {}
        self.write(author, ModelFailed(call=key[1], attempt=key[2], kind="stream_broken"))
        if again:
            self.ask(author)
        else:
            author.attempt = 0

    def move(self, author: Author) -> None:
        """Another process takes the run over, or this one takes it back; its answer is lost."""
        if author.here:
            self.hub.let_go(TENANT, ROOT, author.name)
        author.here = not author.here
        if author.attempt:
            author.words = {}
            call, attempt = f"c{author.calls}", author.attempt
            author.attempt = 0
            self.write(author, ModelFailed(call=call, attempt=attempt, kind="in_doubt"))

    def fork(self, author: Author) -> None:
        """A sub-run begins."""
        call = f"c{author.calls}-{len(author.children) + 1}"
        child = f"{author.name}.{call}"
        author.children.append(child)
        event = SubrunRequested(call=call, agent="scout", child=child, brief=Clean(""))
        self.write(author, event)
        self.runs[child] = Author(child, here=author.here)
        self.note(self.runs[child], 1)

    def end(self, author: Author, *, afterwards: bool) -> None:
        """A run ends, its sub-runs first, and its parent says so."""
        for child in author.children:
            if not self.runs[child].ended:
                self.end(self.runs[child], afterwards=False)
        if author.attempt:
            self.answer(author)
        author.ended = True
        self.write(author, RunEnded(status="completed", reason="done"))
        if afterwards:
            self.note(author, 1)
        parent, _, call = author.name.rpartition(".")
        if parent:
            fact = SubrunEnded(
                call=call, child=author.name, status="completed", reason="done", text=Clean("")
            )
            self.write(self.runs[parent], fact)
        if author.here:
            self.hub.let_go(TENANT, ROOT, author.name)

    def under_way(self) -> dict[tuple[str, str, int], dict[int, str]]:
        """What this process has of answers on their way."""
        return {
            (author.name, f"c{author.calls}", author.attempt): author.words
            for author in self.runs.values()
            if author.here and author.attempt and author.words
        }
