"""Scripted and echo models answer by the conversation, so a resumed run goes on rightly."""

import pytest

from remit.adapters.scripted import EchoModel, ScriptedModel, turn_of
from remit.errors import ProviderError
from remit.values.clean import Clean
from remit.values.message import Message, Origin, TextPart
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawCall, RawText
from remit.values.usage import Usage

USER = Origin(kind="user")
MODEL = Origin(kind="model")


def request(*turns: str, stream: bool = False, limit: int = 100) -> ModelRequest:
    said = [Message(role="user", parts=(TextPart(text=Clean("go"), origin=USER),))]
    for text in turns:
        said.append(Message(role="assistant", parts=(TextPart(text=Clean(text), origin=MODEL),)))
        said.append(Message(role="user", parts=(TextPart(text=Clean("on"), origin=USER),)))
    return ModelRequest(
        model="x", system="", messages=tuple(said), max_output_tokens=limit, stream=stream
    )


async def ask(model: ScriptedModel | EchoModel, asked: ModelRequest) -> ModelAnswer:
    return await model.answer(asked, deadline_s=1.0, emit=lambda _: None)


@pytest.mark.requirement("TST-1")
async def test_the_turn_is_read_off_the_conversation() -> None:
    model = ScriptedModel("first", [{"find": {"id": 1}}, "and text"], "last")
    assert (await ask(model, request())).parts == (RawText("first"),)
    second = await ask(model, request("first"))
    assert second.parts == (RawCall("call_1_0", "find", '{"id": 1}'), RawText("and text"))
    assert second.stop == "tools"
    assert (await ask(model, request("a", "b"))).parts == (RawText("last"),)
    assert (await ask(model, request())).parts == (RawText("first"),)
    assert [turn_of(seen.messages) for seen in model.requests] == [0, 1, 2, 0]
    await model.close()


async def test_the_script_ends_with_a_clear_error() -> None:
    with pytest.raises(ProviderError, match="1 replies and turn 2") as caught:
        await ask(ScriptedModel("only"), request("only"))
    assert caught.value.kind == "bad_request"


async def test_replies_may_be_errors_functions_and_whole_answers() -> None:
    whole = ModelAnswer(parts=(RawText("x"),), stop="max_tokens", usage=Usage(input=1), model="m")
    model = ScriptedModel(
        ProviderError("down", kind="overloaded"), lambda asked: asked.model, whole
    )
    with pytest.raises(ProviderError, match="down"):
        await ask(model, request())
    assert (await ask(model, request("a"))).parts == (RawText("x"),)
    assert await ask(model, request("a", "b")) is whole


async def test_what_no_reply_can_be_is_refused() -> None:
    with pytest.raises(TypeError, match="a scripted reply is text"):
        await ask(ScriptedModel([1]), request())


async def test_deltas_add_up_to_the_text_and_usage_keeps_the_limit() -> None:
    text = "  two  words, and a line\nbreak "
    heard: list[Delta] = []
    model = ScriptedModel([text, {"find": "{}"}])
    answer = await model.answer(request(stream=True, limit=3), deadline_s=1.0, emit=heard.append)
    assert "".join(delta.text for delta in heard if delta.kind == "text") == text
    assert [delta.tool for delta in heard if delta.kind == "call"] == ["find"]
    assert answer.usage.output == 3


@pytest.mark.requirement("TST-1")
async def test_echo_says_what_it_was_told_last() -> None:
    heard: list[Delta] = []
    echo = EchoModel()
    answer = await echo.answer(request("x", stream=True), deadline_s=1.0, emit=heard.append)
    assert answer.parts == (RawText("on"),)
    assert "".join(delta.text for delta in heard) == "on"
    empty = ModelRequest(model="x", system="", messages=(), max_output_tokens=5, stream=False)
    assert (await ask(echo, empty)).parts == (RawText("(nothing)"),)
    await echo.close()
