"""The prompt cache: marked prefixes are read again, by content, for five minutes."""

from collections.abc import Sequence

import pytest

from remit.simulator import cache
from remit.simulator.cache import LIFETIME_S, LOOK_BACK, Counted, PromptCache, Segment, weight


def prompt(*sizes: int, marks: Sequence[int] = ()) -> list[Segment]:
    """Blocks of the given sizes in tokens."""
    return [
        Segment(bytes([place]) * 4 * size, is_breakpoint=place in marks)
        for place, size in enumerate(sizes)
    ]


def count(held: PromptCache, segments: list[Segment], now_s: float = 0) -> Counted:
    return held.count(segments, min_tokens=100, now_s=now_s)


def test_what_is_marked_is_written_then_read() -> None:
    held = PromptCache()
    assert count(held, prompt(200, 50, marks=[0])) == Counted(250, 0, 200)
    assert count(held, prompt(200, 70, marks=[0])) == Counted(270, 200, 0)


def test_a_conversation_reads_what_was_there_and_writes_what_is_new() -> None:
    held = PromptCache()
    count(held, prompt(200, 50, marks=[0, 1]))
    assert count(held, prompt(200, 50, 30, 20, marks=[0, 3])) == Counted(300, 250, 50)


def test_without_marks_nothing_is_cached() -> None:
    held = PromptCache()
    assert count(held, prompt(200)) == Counted(200, 0, 0)
    assert count(held, prompt(200)) == Counted(200, 0, 0)
    assert count(held, []) == Counted(0, 0, 0)


def test_short_prefixes_are_not_cached() -> None:
    held = PromptCache()
    for _ in range(2):
        assert count(held, prompt(99, marks=[0])) == Counted(99, 0, 0)


def test_another_prefix_is_another_entry() -> None:
    held = PromptCache()
    count(held, prompt(200, marks=[0]))
    changed = [Segment(b"x" * 800, is_breakpoint=True)]
    assert count(held, changed) == Counted(200, 0, 200)
    split = [Segment(b"\0" * 400), Segment(b"\0" * 400, is_breakpoint=True)]
    assert count(held, split).read == 0


def test_an_entry_lives_five_minutes_from_its_last_use() -> None:
    held = PromptCache()
    segments = prompt(200, marks=[0])
    count(held, segments)
    assert count(held, segments, now_s=LIFETIME_S - 1).read == 200
    assert count(held, segments, now_s=2 * LIFETIME_S - 2).read == 200
    assert count(held, segments, now_s=3 * LIFETIME_S - 2).read == 0


def test_it_looks_back_twenty_blocks() -> None:
    held = PromptCache()
    count(held, prompt(200, marks=[0]))
    assert count(held, prompt(200, *[1] * LOOK_BACK, marks=[LOOK_BACK])).read == 200
    held = PromptCache()
    count(held, prompt(200, marks=[0]))
    assert count(held, prompt(200, *[1] * (LOOK_BACK + 1), marks=[LOOK_BACK + 1])).read == 0


def test_it_forgets_what_was_not_used_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_MAX_ENTRIES", 2)
    held = PromptCache()
    one, two, three = ([Segment(bytes([n]) * 800, is_breakpoint=True)] for n in (1, 2, 3))
    count(held, one)
    count(held, two)
    assert count(held, one).read == 200
    count(held, three)
    assert count(held, two).read == 0


@pytest.mark.parametrize("head", [b'{"type":"base64","data":"', b'{"url":"data:image/png;base64,'])
def test_an_image_counts_the_same_however_large_its_file_is(head: bytes) -> None:
    small, large = (len(head) + 2 + size for size in (400, 6000))
    assert weight(head + b"A" * 400 + b'"}') == small
    for size in (6000, 60_000, 600_000):
        assert weight(head + b"A" * size + b'"}') == large
    assert weight(b'{"text":"' + b"A" * 60_000 + b'"}') == 60_011
