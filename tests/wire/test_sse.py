"""Event streams as the WHATWG standard defines them, in any chunks, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ProviderError
from remit.wire.sse import Decoder, Event, encode
from tests.wire.strategies import cut, cuts


def decode(*chunks: bytes) -> list[Event]:
    decoder = Decoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


# Most of these are the examples of the standard.
CASES: dict[str, tuple[bytes, list[Event]]] = {
    "two lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [Event("YHOO\n+2\n10")]),
    "comment, then id, then no space": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third\n\n",
        [Event("first event"), Event("second event"), Event(" third")],
    ),
    "empty data": (b"data\n\ndata\ndata\n\ndata:", [Event(""), Event("\n")]),
    "space after the colon": (b"data:test\n\ndata: test\n\n", [Event("test"), Event("test")]),
    "a name": (b"event: ping\ndata: {}\n\n", [Event("{}", "ping")]),
    "a name without data is dropped": (b"event: a\n\ndata: b\n\n", [Event("b")]),
    "the last name counts": (b"event: a\nevent: b\ndata: c\n\n", [Event("c", "b")]),
    "carriage returns": (
        b"data: a\r\rdata: b\r\n\r\ndata: c\n\r",
        [Event("a"), Event("b"), Event("c")],
    ),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [Event("a")]),
    "only one byte order mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "unknown fields": (b"retry: 5\nfoo: bar\nevent : x\ndata: a\n\n", [Event("a")]),
    "no end": (b"data: a\n", []),
    "bytes that are no UTF-8": (b"data: a\xffb\n\n", [Event("a�b")]),
    "nothing": (b"\n\n\n", []),
}


@pytest.mark.parametrize("name", CASES)
def test_the_standard(name: str) -> None:
    body, events = CASES[name]
    assert decode(body) == events
    assert decode(*(body[place : place + 1] for place in range(len(body)))) == events


names = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=10).filter(
    lambda name: not name.startswith(" ")
)
data = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=50)


@given(st.lists(st.builds(Event, data, names), max_size=5), cuts)
def test_events_arrive_whole_in_any_chunks(events: list[Event], places: list[int]) -> None:
    body = b"".join(encode(event.data, event.name) for event in events)
    assert decode(*cut(body, places)) == events


@given(st.binary(max_size=200), cuts)
def test_chunks_never_matter(body: bytes, places: list[int]) -> None:
    assert decode(*cut(body, places)) == decode(body)


def test_line_ends_in_data_arrive_as_line_feeds() -> None:
    assert decode(encode("a\r\nb\rc\nd")) == [Event("a\nb\nc\nd")]


def test_a_line_that_never_ends_is_refused() -> None:
    decoder = Decoder(max_line_bytes=10)
    assert decoder.feed(b"data: 1234") == []
    with pytest.raises(ProviderError, match="a line of more than 10 bytes") as caught:
        decoder.feed(b"5")
    assert caught.value.kind == "malformed"


def test_a_line_too_long_in_one_chunk_is_refused() -> None:
    with pytest.raises(ProviderError, match="a line of more than 10 bytes"):
        Decoder(max_line_bytes=10).feed(b"data: 12345\n")


def test_an_event_that_never_ends_is_refused() -> None:
    decoder = Decoder(max_event_bytes=20)
    assert decoder.feed(b"data: 1234\n") == []  # 11 bytes with the line end
    with pytest.raises(ProviderError, match="an event of more than 20 bytes"):
        decoder.feed(b"data: 1234\n")


def test_the_bound_is_of_one_event() -> None:
    decoder = Decoder(max_event_bytes=11)
    assert decoder.feed(b"data: 1234\n\ndata: 1234\n\n") == [Event("1234"), Event("1234")]
