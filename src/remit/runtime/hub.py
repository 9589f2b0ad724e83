"""Live streams of runs: passes what drivers publish to the readers of this process, by reference.

A reader has no queue of its own. It has a place in what was published of its tree of runs, and an
offset in each answer on its way; it takes what is new when it is ready for more. So a slow reader
costs no memory and slows nobody down: it gets larger pieces, and beyond a bound the journal.
"""

import asyncio
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from functools import cached_property

from remit.journal.events import EVENT, Event, ModelCompleted, ModelFailed
from remit.runtime.partial import MAX_CALL_CHARS, DeltaKind, Partial

Key = tuple[str, str]
"""Tenant and root run."""
CallKey = tuple[str, str, int]
"""Run, call and attempt."""

# Events a reader may be behind before it is sent to the journal. Only a slow reader makes them
# pile up; one record of many inputs may bring as many at once.
BACKLOG = 256
# Answers that are whole, kept for who still reads their last words.
_ANSWERED = 8
# Of all answers on their way in this process.
MAX_CHARS = 64 * 1024 * 1024
# Words are passed on 30 times a second, which reads as smooth; the first at once. What a reader
# costs is mostly the number of times something is sent to it.
_TICK_S = 1 / 30
# Where that is more than the process can do, its loop is late, and events would be as late: then
# words come in larger pieces, four a second at worst.
_SLOWEST_S = 0.25
_EASE = 4.0


@dataclass(frozen=True)
class StreamEvent:
    """A journalled event: it is durable. `version` is its record's, `index` its place there."""

    run: str
    version: int
    index: int
    event: Event
    time_ms: int = 0
    """When its record was made, in milliseconds since 1970."""

    @cached_property
    def json(self) -> bytes:
        """The event as JSON, made once for all readers."""
        return EVENT.dump_json(self.event)


@dataclass(frozen=True, slots=True)
class StreamDelta:
    """A piece of an answer on its way; never stored. Keyed by (call, attempt, part, offset).

    What is held back of a part, lest a secret be cut in two, may come when the next has begun:
    order by part and offset.
    """

    run: str
    call: str
    attempt: int
    part: int
    offset: int
    kind: DeltaKind
    text: str


@dataclass(frozen=True, slots=True)
class StreamRetraction:
    """What came of this attempt is taken back: the stream broke, or was cut. Drop its deltas."""

    run: str
    call: str
    attempt: int


StreamItem = StreamEvent | StreamDelta | StreamRetraction


@dataclass(slots=True)
class _Slot:
    """An event that so many readers have not taken yet."""

    event: StreamEvent
    left: int


class Ear:
    """One reader's place in what is published of its tree."""

    def __init__(self, key: Key, place: int) -> None:
        self.key = key
        self.place = place
        self.behind = False
        """Something was missed: the journal has it."""
        self._bell = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self._silent = False

    def ring(self, *, behind: bool = False) -> None:
        """There may be something new; in the journal only, if `behind`."""
        self.behind |= behind
        self._silent = False
        self._bell.set()

    async def wait(self, timeout_s: float) -> bool:
        """True when there may be something new since the last call, False after the time."""
        if not self._bell.is_set():
            # The timer is not moved with each wait: it looks how late it is when it fires.
            loop = asyncio.get_running_loop()
            self._until = loop.time() + timeout_s
            if self._timer is None or self._timer.when() > self._until:
                self._arm(loop)
            await self._bell.wait()
        self._bell.clear()
        silent, self._silent = self._silent, False
        return not silent

    def close(self) -> None:
        """Nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, loop: asyncio.AbstractEventLoop) -> None:
        self.close()
        self._timer = loop.call_at(self._until, self._late)

    def _late(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        if self._bell.is_set():
            return
        if loop.time() < self._until:
            self._arm(loop)
            return
        self._silent = True
        self._bell.set()


@dataclass(slots=True)
class Channel:
    """What is kept of one tree of runs: events its readers have not taken, answers on their way."""

    ears: set[Ear] = field(default_factory=set)
    partials: dict[CallKey, Partial] = field(default_factory=dict)
    answered: OrderedDict[CallKey, Partial] = field(default_factory=OrderedDict)
    slots: deque[_Slot] = field(default_factory=deque)
    begin: int = 0
    """The place of the first slot."""

    @property
    def end(self) -> int:
        """The place after the last slot."""
        return self.begin + len(self.slots)

    def ring(self) -> None:
        """Wake all readers."""
        for ear in self.ears:
            ear.ring()

    def add(self, event: StreamEvent) -> None:
        """Keep an event for the readers."""
        self.slots.append(_Slot(event, len(self.ears)))
        if len(self.slots) > BACKLOG:
            self.slots.popleft()
            self.begin += 1

    def take(self, ear: Ear) -> list[StreamEvent]:
        """What the reader has not taken yet; `ear.behind` is set if some of it is gone."""
        if ear.place < self.begin:
            ear.behind = True
            ear.place = self.begin
        taken = []
        for at in range(ear.place - self.begin, len(self.slots)):
            slot = self.slots[at]
            slot.left -= 1
            taken.append(slot.event)
        ear.place = self.end
        while self.slots and self.slots[0].left <= 0:
            self.slots.popleft()
            self.begin += 1
        return taken

    def find(self, key: CallKey) -> Partial | None:
        """What was streamed of a call, if it is on its way or has just been answered."""
        return self.partials.get(key) or self.answered.get(key)


class Hub:
    """What goes on in this process, for those who read it."""

    def __init__(self) -> None:
        self.always = False
        """Readers may come at any time: answers are streamed though nobody reads yet."""
        self.bell = asyncio.Event()
        """Something was journalled here."""
        self._channels: dict[Key, Channel] = {}
        self._chars = 0
        self._tick: asyncio.TimerHandle | None = None
        self._grown: set[Key] = set()

    # ------------------------------------------------------------ readers

    def listen(self, tenant: str, root: str) -> Ear:
        """A new reader of a root run and its sub-runs, from now on."""
        channel = self._channels.setdefault((tenant, root), Channel())
        ear = Ear((tenant, root), channel.end)
        channel.ears.add(ear)
        return ear

    def leave(self, ear: Ear) -> None:
        """The reader is gone."""
        ear.close()
        channel = self._channels.get(ear.key)
        if channel is None or ear not in channel.ears:
            return
        channel.take(ear)
        channel.ears.remove(ear)
        if not channel.ears:
            channel.answered.clear()
        self._tidy(ear.key, channel)

    def listens(self, tenant: str, root: str) -> bool:
        """Somebody reads this tree of runs, or may begin to."""
        return self.always or self.is_read(tenant, root)

    def is_read(self, tenant: str, root: str) -> bool:
        """Somebody reads this tree of runs."""
        channel = self._channels.get((tenant, root))
        return channel is not None and bool(channel.ears)

    def channel(self, ear: Ear) -> Channel:
        """What there is for a reader."""
        return self._channels[ear.key]

    def watched(self) -> list[Key]:
        """The trees that somebody reads."""
        return [key for key, channel in self._channels.items() if channel.ears]

    def ring(self, tenant: str, root: str, *, behind: bool = False) -> None:
        """Let the readers of a tree look, into the journal if `behind`."""
        channel = self._channels.get((tenant, root))
        for ear in channel.ears if channel is not None else ():
            ear.ring(behind=behind)

    # ------------------------------------------------------------ drivers

    def publish(self, tenant: str, root: str, item: StreamItem) -> None:
        """Hand `item` to everybody who reads this tree of runs."""
        key = (tenant, root)
        match item:
            case StreamEvent():
                self.bell.set()
                self._event(key, item)
            case StreamDelta():
                self._delta(key, item)
            case StreamRetraction():
                self._forget(key, (item.run, item.call, item.attempt))

    def let_go(self, tenant: str, root: str, run: str) -> None:
        """A run is not driven here any more: of its answers nothing more comes."""
        channel = self._channels.get((tenant, root))
        if channel is None:
            return
        for call in [call for call in channel.partials if call[0] == run]:
            self._drop(channel, call)
        channel.ring()
        self._tidy((tenant, root), channel)

    def _event(self, key: Key, item: StreamEvent) -> None:
        channel = self._channels.get(key)
        if channel is None:
            return
        event = item.event
        if isinstance(event, ModelCompleted | ModelFailed):
            call = (item.run, event.call, event.attempt)
            partial = self._drop(channel, call)
            if partial is not None and channel.ears and isinstance(event, ModelCompleted):
                channel.answered[call] = partial
                if len(channel.answered) > _ANSWERED:
                    channel.answered.popitem(last=False)
        if channel.ears:
            channel.add(item)
            channel.ring()
        self._tidy(key, channel)

    def _delta(self, key: Key, item: StreamDelta) -> None:
        channel = self._channels.get(key)
        if channel is None:
            if not self.always:
                return
            channel = self._channels[key] = Channel()
        call = (item.run, item.call, item.attempt)
        partial = channel.partials.get(call)
        if partial is None:
            partial = channel.partials[call] = Partial(*call)
        if partial.cut:
            return
        size = len(item.text)
        if partial.chars + size > MAX_CALL_CHARS or self._chars + size > MAX_CHARS:
            self._chars -= partial.chars
            partial.drop()
            return
        partial.add(item.part, item.kind, item.text)
        self._chars += size
        if channel.ears:
            self._grew(key, channel)

    def _grew(self, key: Key, channel: Channel) -> None:
        if self._tick is not None:
            self._grown.add(key)
            return
        channel.ring()
        self._tick = asyncio.get_running_loop().call_later(_TICK_S, self._pass_on)

    def _pass_on(self) -> None:
        loop = asyncio.get_running_loop()
        late_s = 0.0 if self._tick is None else max(0.0, loop.time() - self._tick.when())
        grown, self._grown, self._tick = self._grown, set(), None
        for key in grown:
            channel = self._channels.get(key)
            if channel is not None:
                channel.ring()
        if grown:
            pause_s = min(_SLOWEST_S, _TICK_S + _EASE * late_s)
            self._tick = loop.call_later(pause_s, self._pass_on)

    def _forget(self, key: Key, call: CallKey) -> None:
        channel = self._channels.get(key)
        if channel is not None and self._drop(channel, call) is not None:
            channel.ring()
            self._tidy(key, channel)

    def _drop(self, channel: Channel, call: CallKey) -> Partial | None:
        partial = channel.partials.pop(call, None)
        if partial is not None:
            self._chars -= partial.chars
        return partial

    def _tidy(self, key: Key, channel: Channel) -> None:
        if not channel.ears and not channel.partials:
            self._channels.pop(key, None)
