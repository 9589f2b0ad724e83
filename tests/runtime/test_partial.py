"""A partial answer can be read from any offset, however its pieces were cut, and stays small."""

from hypothesis import given
from hypothesis import strategies as st

from remit.runtime import partial as module
from remit.runtime.partial import Partial, PartialPart


@given(st.lists(st.text(min_size=1, max_size=5), max_size=20), st.data())
def test_any_rest_of_a_part_can_be_read(pieces: list[str], data: st.DataObject) -> None:
    part, whole = PartialPart("text"), "".join(pieces)
    for piece in pieces:
        part.add(piece)
    offset = data.draw(st.integers(0, len(whole)))
    assert part.since(offset) == whole[offset:]
    assert part.length == len(whole)


def test_many_small_pieces_are_put_together() -> None:
    part = PartialPart("text")
    for number in range(module._APART * 3):
        part.add(f"{number},")
        assert len(part._pieces) <= module._APART
    whole = "".join(f"{number}," for number in range(module._APART * 3))
    assert [part.since(at) for at in (0, 7, 500)] == [whole, whole[7:], whole[500:]]


def test_the_piece_that_came_last_is_not_copied() -> None:
    part, piece = PartialPart("text"), "new piece"
    part.add("old ")
    part.add(piece)
    assert part.since(4) == piece


def test_what_is_dropped_counts_nothing() -> None:
    partial = Partial("run_1", "c1", 2)
    partial.add(0, "thinking", "hm")
    partial.add(1, "text", "well")
    assert (partial.key, partial.chars) == (("run_1", "c1", 2), 6)
    partial.drop()
    assert (partial.cut, partial.chars, partial.parts) == (True, 0, {})
