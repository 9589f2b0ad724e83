"""The digest tells conversations apart; the bound is that of all their messages."""

from remit.machine.measure import bound_of, measured, roll
from remit.values.bound import MESSAGE_FRAME, part_bound
from remit.values.message import Message, Origin, TextPart
from tests.machine.people import clean

USER = Origin(kind="user")


def part(text: str) -> TextPart:
    return TextPart(text=clean(text), origin=USER)


def test_the_bound_of_parts_is_theirs_and_a_frame() -> None:
    assert bound_of(()) == MESSAGE_FRAME
    assert bound_of((part("a"), part("bc"))) == MESSAGE_FRAME + sum(
        part_bound(each) for each in (part("a"), part("bc"))
    )


def test_a_conversation_is_measured_as_if_it_had_been_said_message_by_message() -> None:
    first, second = (part("a"),), (part("b"), part("c"))
    digest, size = measured(
        [Message(role="user", parts=first), Message(role="assistant", parts=second)]
    )
    assert digest == roll(roll(b"", "user", first), "assistant", second)
    assert size == bound_of(first) + bound_of(second)
    assert measured([]) == (b"", 0)


def test_who_said_it_what_and_in_which_order_all_count() -> None:
    base = roll(b"", "user", (part("a"), part("b")))
    assert base != roll(b"", "assistant", (part("a"), part("b")))
    assert base != roll(b"", "user", (part("b"), part("a")))
    assert base != roll(b"", "user", (part("ab"),))
    assert base != roll(b"x", "user", (part("a"), part("b")))
