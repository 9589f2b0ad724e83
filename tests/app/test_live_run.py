"""One reader of a tree of runs: wherever it is cut off, nothing is lost and nothing comes twice."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from remit.app.live_cursor import read_cursor
from remit.app.live_run import Batch, LiveRun, StreamSnapshot, Told
from remit.runtime import hub as hub_module
from remit.runtime.hub import Hub, StreamDelta, StreamEvent, StreamRetraction
from tests.app.screens import Screen
from tests.app.scribe import ROOT, TENANT, Author, Scribe

Step = tuple[int, int, int, str]
"""What is done, by which run, how often, with which words."""
LATE = 10
"""From this number on the same is done, and published later than it is read."""
STEPS = st.lists(
    st.tuples(
        st.integers(0, 2 * LATE - 1), st.integers(0, 3), st.integers(0, 3), st.text(max_size=3)
    ),
    max_size=40,
)
CUTS = st.lists(st.integers(0, 6), max_size=12)


class Reader:
    """A reader that is cut off after every so many items, and comes back."""

    def __init__(self, scribe: Scribe, screen: Screen, cuts: list[int]) -> None:
        self._scribe = scribe
        self._cuts = cuts
        self._batches: AsyncGenerator[Batch, None] | None = None
        self._left = -1
        self.over = False
        self.screen = screen

    def _connect(self) -> AsyncGenerator[Batch, None]:
        live = LiveRun(
            self._scribe.store,
            self._scribe.hub,
            TENANT,
            read_cursor(ROOT, self.screen.cursor),
            drives=lambda *_: True,
            resumed=True,
        )
        self._left = self._cuts.pop() if self._cuts else -1
        return live.batches(lambda: self.over, 0)

    async def read(self) -> None:
        """Read until there is nothing new; or be cut off."""
        if self._batches is None:
            self._batches = self._connect()
        async for batch in self._batches:
            for told in batch:
                if self._left == 0:
                    await self._batches.aclose()
                    self._batches = None
                    return
                self._left -= 1
                self.screen.show(told)
            if not batch:
                return

    async def finish(self) -> None:
        """Read to the end of the run."""
        self.over = True
        self._cuts.clear()
        self._left = -1
        if self._batches is None:
            self._batches = self._connect()
        async for batch in self._batches:
            for told in batch:
                self.screen.show(told)


def carry_out(scribe: Scribe, step: Step) -> None:
    """One step of the drivers, if it is possible now."""
    what, who, count, text = step
    scribe.publish()
    scribe.late = what >= LATE
    what %= LATE
    living = [author for author in scribe.runs.values() if not author.ended]
    author = living[who % len(living)]
    match what:
        case 0 | 1 | 2 if author.attempt:
            scribe.say(author, count % 2, text or "…")
        case 3 if author.attempt:
            scribe.answer(author)
        case 4 if author.attempt:
            scribe.fail(author, again=count > 1)
        case 5 if len(scribe.runs) < 6:
            scribe.fork(author)
        case 6 if author.name != ROOT:
            scribe.end(author, afterwards=count > 1)
        case 7:
            scribe.note(author, count)
        case 8:
            scribe.move(author)
        case _ if not author.attempt:
            scribe.ask(author)
        case _:
            scribe.say(author, 0, text or "…")


@pytest.mark.requirement("UX-1")
@settings(max_examples=300)  # a few milliseconds each
@given(STEPS, CUTS, st.lists(st.booleans(), max_size=40), st.sampled_from([1, 2, 256]))
@example(  # who comes back between an answer's append and its being published
    [(0, 0, 0, ""), (18, 0, 0, ""), (18, 0, 0, ""), (0, 0, 0, ""), (0, 0, 0, ""), (13, 0, 0, "")],
    [1, 0, 5],
    [],
    1,
)
async def test_wherever_a_reader_is_cut_off_it_gets_the_journal_and_every_word_once(
    steps: list[Step], cuts: list[int], looks: list[bool], backlog: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub_module, "BACKLOG", backlog)
        await told_once(steps, cuts, looks)


async def told_once(steps: list[Step], cuts: list[int], looks: list[bool]) -> None:
    hub = Hub()
    hub.always = True
    scribe = Scribe(hub)
    scribe.note(scribe.runs[ROOT], 1)
    steady = Reader(scribe, Screen(ROOT), [])
    shaky = Reader(scribe, Screen(ROOT), cuts)
    for number, step in enumerate(steps):
        carry_out(scribe, step)
        await steady.read()
        assert steady.screen.events == scribe.journal
        assert {k: v for k, v in steady.screen.words.items() if v} == scribe.under_way()
        if number >= len(looks) or looks[number]:
            await shaky.read()
            await shaky.read()
    scribe.late = False
    scribe.publish()
    scribe.end(scribe.runs[ROOT], afterwards=True)
    late = Reader(scribe, Screen(ROOT), [])
    for reader in (steady, shaky, late):
        await reader.finish()
        assert reader.screen.events == scribe.journal
        assert not any(reader.screen.words.values())
        assert reader.screen.said == steady.screen.said
    assert not hub._channels
    if hub._tick is not None:
        hub._tick.cancel()


async def everything(scribe: Scribe, after: str = "", *, resumed: bool = False) -> list[Told]:
    live = LiveRun(
        scribe.store,
        scribe.hub,
        TENANT,
        read_cursor(ROOT, after),
        drives=lambda *_: False,
        resumed=resumed,
    )
    return [told async for batch in live.batches(lambda: True, 60) for told in batch]


def an_author() -> tuple[Scribe, Author]:
    scribe = Scribe(Hub())
    scribe.hub.always = True
    scribe.note(scribe.runs[ROOT], 1)
    scribe.ask(scribe.runs[ROOT])
    return scribe, scribe.runs[ROOT]


@pytest.mark.requirement("UX-1")
async def test_who_comes_back_is_told_first_what_was_said_so_far() -> None:
    scribe, root = an_author()
    scribe.say(root, 0, "Once ")
    scribe.say(root, 1, "(hm)")
    scribe.say(root, 0, "upon")
    (only,) = await everything(scribe, "2.0", resumed=True)
    assert isinstance(only.item, StreamSnapshot)
    (call,) = only.item.calls
    assert (call.run, call.call, call.attempt) == (ROOT, "c1", 1)
    assert [(part.part, part.text) for part in call.parts] == [(0, "Once upon"), (1, "(hm)")]


async def test_who_follows_from_the_beginning_gets_the_same_as_deltas() -> None:
    scribe, root = an_author()
    scribe.say(root, 0, "Once upon")
    items = [told.item for told in await everything(scribe)]
    assert [type(item) for item in items] == [StreamEvent, StreamEvent, StreamDelta]


async def test_a_slow_reader_gets_larger_pieces_and_all_of_them_before_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hub_module, "_TICK_S", 0.001)
    scribe, root = an_author()
    live = LiveRun(
        scribe.store, scribe.hub, TENANT, read_cursor(ROOT, ""), drives=lambda *_: True,
        resumed=False,
    )  # fmt: skip
    async with aclosing(live.batches(lambda: False, 60)) as batches:
        await anext(batches)
        for word in ("one ", "two ", "three"):
            scribe.say(root, 0, word)
        scribe.answer(root)
        batch = await anext(batches)
    first, second = (told.item for told in batch)
    assert isinstance(first, StreamDelta)
    assert first.text == "one two three"
    assert isinstance(second, StreamEvent)


async def test_what_was_told_of_a_broken_answer_is_taken_back() -> None:
    scribe, root = an_author()
    live = LiveRun(
        scribe.store, scribe.hub, TENANT, read_cursor(ROOT, ""), drives=lambda *_: True,
        resumed=False,
    )  # fmt: skip
    async with aclosing(live.batches(lambda: False, 60)) as batches:
        await anext(batches)
        scribe.say(root, 0, "nev")
        assert [type(told.item) for told in await anext(batches)] == [StreamDelta]
        scribe.fail(root, again=True)
        batch = await anext(batches)
        assert [type(told.item) for told in batch] == [StreamRetraction, StreamEvent, StreamEvent]
        scribe.say(root, 0, "then")
        await anext(batches)
        scribe.hub.let_go(TENANT, ROOT, ROOT)  # its driver is gone without a word
        (last,) = await anext(batches)
        assert last.item == StreamRetraction(ROOT, "c1", 2)


async def test_a_reader_of_a_sub_run_gets_that_alone() -> None:
    scribe, root = an_author()
    scribe.fork(root)
    scribe.fork(root)
    child = root.children[0]
    live = LiveRun(
        scribe.store, scribe.hub, TENANT, read_cursor(child, ""), drives=lambda *_: True,
        resumed=True,
    )  # fmt: skip
    seen: list[Told] = []

    async def read() -> None:
        async for batch in live.batches(lambda: scribe.runs[child].ended, 60):
            seen.extend(batch)

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    scribe.ask(root)
    scribe.say(root, 0, "not for you")
    scribe.ask(scribe.runs[child])
    scribe.say(scribe.runs[child], 0, "for you")
    scribe.end(scribe.runs[child], afterwards=False)
    await task
    runs = {told.item.run for told in seen if not isinstance(told.item, StreamSnapshot)}
    assert runs == {child}
    assert any(isinstance(told.item, StreamDelta) for told in seen)


async def test_an_erased_record_is_passed_over() -> None:
    scribe, root = an_author()
    scribe.note(root, 2)
    records = scribe.store._records[TENANT, ROOT]
    object.__setattr__(records[1], "payload", b"")
    screen = Screen(ROOT)
    for told in await everything(scribe):
        screen.show(told)
    assert [place for place, _ in screen.events[ROOT]] == [(1, 0), (3, 0), (3, 1)]
