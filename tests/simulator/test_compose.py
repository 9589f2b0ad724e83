"""Composed answers follow from content alone, and are cut where the limit is."""

from dataclasses import replace

from remit.simulator.compose import (
    call,
    compose,
    identifier,
    redacted,
    redacted_is_genuine,
    signature,
    tokens,
)
from remit.values.model import RawCall, RawText, RawThinking
from remit.values.usage import Usage
from tests.simulator.conversations import asked, user


def test_the_same_conversation_gets_the_same_answer() -> None:
    parts = (RawThinking("hm", signature("hm")), RawText("hi"), call("find", '{"n":1}'))
    first = compose(asked(), *parts)
    assert compose(asked(), *parts) == first
    assert compose(replace(asked(), stream=True), *parts) == first
    other = compose(asked(user("other")), *parts)
    assert other.provider_id != first.provider_id
    assert first.provider_id.startswith("msg_01")


def test_calls_get_ids_of_their_own() -> None:
    same = call("find", "{}")
    answer = compose(asked(), same, same, call("find", "{}", "toolu_mine"))
    ids = [part.provider_id for part in answer.parts if isinstance(part, RawCall)]
    assert len(set(ids)) == 3
    assert ids[0].startswith("toolu_01")
    assert ids[2] == "toolu_mine"
    assert answer.stop == "tools"


def test_counts_follow_from_bytes() -> None:
    answer = compose(asked(), RawThinking("12345678"), RawText("äöüß"))
    assert answer.usage == Usage(output=4, reasoning=2)
    assert answer.stop == "end"
    assert compose(asked()).usage.output == 1
    given = compose(asked(), RawText("hi"), input_tokens=7, output_tokens=9, model="drifted")
    assert given.usage == Usage(input=7, output=9)
    assert given.model == "drifted"
    assert [tokens(size) for size in (0, 1, 4, 5)] == [0, 1, 1, 2]


def test_an_answer_is_cut_at_the_limit() -> None:
    cut = compose(asked(limit=2), RawText("1234567890"))
    assert (cut.parts, cut.stop, cut.usage.output) == ((RawText("12345678"),), "max_tokens", 2)
    inside = compose(asked(limit=2), RawText("1234567😀"))
    assert inside.parts == (RawText("1234567"),)
    arguments = compose(asked(limit=2), call("pay", '{"amount":1}', "t"))
    assert arguments.parts == (RawCall("t", "pay", '{"amo'),)
    assert arguments.stop == "max_tokens"
    name = compose(asked(limit=1), RawText("1234"), call("payments", "{}"))
    assert name.parts == (RawText("1234"),)
    nothing = compose(asked(limit=1), RawText("1234"), RawText("5"))
    assert nothing.parts == (RawText("1234"),)
    thought = compose(asked(limit=1), RawThinking("12345", "sig"), RawText("x"))
    assert (thought.parts, thought.stop) == ((), "max_tokens")
    unnamed = compose(asked(limit=1), call("payments", "{}"))
    assert unnamed.parts == ()


def test_signatures_show_any_change() -> None:
    assert signature("a") == signature("a")
    assert signature("a") != signature("b")
    assert signature("a").startswith("EqQB")
    data = redacted("secret thoughts")
    assert redacted_is_genuine(data)
    assert "secret" not in data
    assert not redacted_is_genuine(redacted("x")[:-8] + "AAAAAAA=")
    assert not redacted_is_genuine("no base 64!")
    assert not redacted_is_genuine("")


def test_identifiers() -> None:
    assert identifier("x_", "a", "b") == identifier("x_", "a", "b")
    assert identifier("x_", "a", "b") != identifier("x_", "ab")
    assert len(identifier("", "a", length=5)) == 5
