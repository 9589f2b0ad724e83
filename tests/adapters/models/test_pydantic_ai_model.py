"""Models of pydantic-ai as Remit's: its own test models behind the port, and whole runs on them."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from pydantic_ai import exceptions as theirs
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ThinkingPart, ToolCallPart
from pydantic_ai.models import Model as TheirModel
from pydantic_ai.models.function import (
    AgentInfo,
    DeltaThinkingPart,
    DeltaToolCall,
    FunctionModel,
)
from pydantic_ai.models.test import TestModel as Canned
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers import infer_provider_class
from pydantic_ai.usage import RequestUsage
from typing_extensions import override

from remit import Agent, App, Remit, declare, tool
from remit.adapters.models.pydantic_ai_model import PydanticAIModel
from remit.app import load
from remit.app.config import ProviderConfig, Settings
from remit.app.load import make_model
from remit.errors import ConfigError, MissingExtra, ProviderError
from remit.journal.events import ModelCompleted
from remit.ports import InputCounter
from remit.values.model import Delta, ModelAnswer, RawCall, RawText, RawThinking, ToolSchema
from remit.values.usage import Usage
from tests.adapters.models.conversations import ignore, request
from tests.runtime.stage import told

TOOL = ToolSchema(
    "find_order", "Finds.", '{"type":"object","properties":{"order":{"type":"integer"}}}'
)
USAGE = RequestUsage(
    input_tokens=10, output_tokens=5, cache_read_tokens=4, output_reasoning_tokens=2
)
ABLE = ModelProfile(supports_thinking=True, supports_json_schema_output=True)
Respond = Callable[[list[ModelMessage], AgentInfo], ModelResponse]


def behind(model: TheirModel) -> PydanticAIModel:
    return PydanticAIModel("bedrock", make=lambda _name: model)


def saying(*parts: TextPart | ThinkingPart | ToolCallPart, **more: object) -> Respond:
    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        made = ModelResponse(parts=list(parts), usage=USAGE)
        for name, value in more.items():
            setattr(made, name, value)
        return made

    return respond


async def answer_of(respond: Respond, **changes: object) -> ModelAnswer:
    model = behind(FunctionModel(respond, profile=ABLE))
    asked = replace(request(stream=False), **changes)  # type: ignore[arg-type]  # fields of a request by name
    answer = await model.answer(asked, deadline_s=10, emit=ignore)
    await model.close()
    return answer


async def failure_of(respond: Respond, deadline_s: float = 10) -> ProviderError:
    model = behind(FunctionModel(respond))
    with pytest.raises(ProviderError) as caught:
        await model.answer(request(stream=False), deadline_s=deadline_s, emit=ignore)
    assert caught.value.__cause__ is None
    return caught.value


@pytest.mark.requirement("PROV-1")
async def test_an_answer_with_everything() -> None:
    seen: list[AgentInfo] = []

    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        seen.append(info)
        parts = (
            ThinkingPart("hm", signature="sig"),
            TextPart("Let me look."),
            ToolCallPart("find_order", '{"order": 1.0}', "call_1"),
        )
        return saying(*parts, provider_response_id="r1", finish_reason="tool_call")(messages, info)

    answer = await answer_of(respond, tools=(TOOL,), system="Be kind.", effort="low")
    assert answer == ModelAnswer(
        parts=(
            RawThinking("hm", "sig"),
            RawText("Let me look."),
            RawCall("call_1", "find_order", '{"order": 1.0}'),
        ),
        stop="tools",
        usage=Usage(input=10, output=5, cache_read=4, reasoning=2),
        model="function:respond:",
        provider_id="r1",
    )
    (info,) = seen
    assert info.instructions == "Be kind."
    assert [each.name for each in info.function_tools] == ["find_order"]
    assert info.model_settings is not None
    assert info.model_settings["max_tokens"] == 1000
    assert info.model_request_parameters is not None
    assert info.model_request_parameters.thinking == "low"


@pytest.mark.parametrize(
    ("changes", "thinking"),
    [({}, None), ({"effort": "none"}, False), ({"thinking_tokens": 500}, True)],
)
async def test_how_much_to_think(changes: dict[str, object], *, thinking: bool | None) -> None:
    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        assert info.model_request_parameters is not None
        assert info.model_request_parameters.thinking == thinking
        return saying(TextPart("x"))(messages, info)

    await answer_of(respond, **changes)


async def test_structured_output() -> None:
    def respond(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        parameters = info.model_request_parameters
        assert parameters is not None
        assert parameters.output_mode == "native"
        assert parameters.output_object is not None
        assert parameters.output_object.json_schema["type"] == "object"
        return saying(TextPart("{}"))(messages, info)

    schema = '{"type":"object","properties":{"a":{"type":"string"}}}'
    assert (await answer_of(respond, output_schema=schema)).parts == (RawText("{}"),)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [("stop", "end"), ("length", "max_tokens"), ("content_filter", "refusal"), (None, "end")],
)
async def test_stop_reasons(reason: str | None, stop: str) -> None:
    assert (await answer_of(saying(TextPart("x"), finish_reason=reason))).stop == stop


async def test_calls_without_a_reason_are_wanted() -> None:
    call = ToolCallPart("find_order", "{}", "c1")
    assert (await answer_of(saying(call, finish_reason=None))).stop == "tools"


@pytest.mark.requirement("PROV-1")
async def test_failures() -> None:
    assert (await failure_of(saying(TextPart("x"), finish_reason="error"))).kind == "stream_broken"
    unpaid = saying(TextPart("x"), usage=RequestUsage(unmeasured_requests=1))
    assert (await failure_of(unpaid)).kind == "malformed"

    def limited(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        raise theirs.ModelRateLimitError("nova", "slow down", retry_after=2)

    failure = await failure_of(limited)
    assert (failure.kind, failure.retry_after_ms) == ("rate_limited", 2000)


async def test_a_model_that_hangs_is_cut() -> None:
    async def hang(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def hang_on(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield "I "
        await asyncio.Event().wait()

    model = behind(FunctionModel(hang, stream_function=hang_on))
    for stream in (False, True):
        with pytest.raises(ProviderError, match=r"within 0\.01 s") as caught:
            await model.answer(request(stream=stream), deadline_s=0.01, emit=ignore)
        assert caught.value.kind == "timeout"


# ---------------------------------------------------------------- streams


async def pieces(
    messages: list[ModelMessage], info: AgentInfo
) -> AsyncIterator[str | dict[int, DeltaToolCall] | dict[int, DeltaThinkingPart]]:
    yield {0: DeltaThinkingPart(content="Hm, ")}
    yield {0: DeltaThinkingPart(content="yes", signature="sig")}
    yield "Let me "
    yield "look."
    yield {2: DeltaToolCall(name="find_order", json_args='{"ord', tool_call_id="c1")}
    yield {2: DeltaToolCall(json_args='er": 1.10}')}


@pytest.mark.requirement("PROV-4")
async def test_a_stream_is_passed_on_and_put_together() -> None:
    seen: list[Delta] = []
    model = behind(FunctionModel(stream_function=pieces))
    answer = await model.answer(
        replace(request(stream=True), tools=(TOOL,)), deadline_s=10, emit=seen.append
    )
    assert answer.parts == (
        RawThinking("Hm, yes", "sig"),
        RawText("Let me look."),
        RawCall("c1", "find_order", '{"order": 1.10}'),
    )
    texts: dict[str, str] = {}
    for delta in seen:
        texts[delta.kind] = texts.get(delta.kind, "") + delta.text
    assert texts == {"thinking": "Hm, yes", "text": "Let me look.", "call": '{"order": 1.10}'}
    named = [delta for delta in seen if delta.tool]
    assert [(each.tool, each.provider_id) for each in named] == [("find_order", "c1")]


@pytest.mark.requirement("PROV-4")
async def test_a_stream_that_breaks_is_no_answer() -> None:
    async def breaks(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        yield "Let me "
        raise theirs.ModelConnectionError("nova", "reset by peer", phase="read", in_stream=True)

    model = behind(FunctionModel(stream_function=breaks))
    with pytest.raises(ProviderError) as caught:
        await model.answer(request(), deadline_s=10, emit=ignore)
    assert caught.value.kind == "stream_broken"


@pytest.mark.requirement("BUD-1", "PROV-4")
@pytest.mark.parametrize(("words", "kind"), [(0, "overloaded"), (2, "stream_broken")])
async def test_an_error_in_the_middle_of_an_answer_may_be_billed(words: int, kind: str) -> None:
    async def fails(_messages: list[ModelMessage], _info: AgentInfo) -> AsyncIterator[str]:
        for _ in range(words):
            yield "word "
        raise theirs.ModelUnavailableError("nova", "busy")

    model = behind(FunctionModel(stream_function=fails))
    with pytest.raises(ProviderError, match="overloaded") as caught:
        await model.answer(request(), deadline_s=10, emit=ignore)
    assert caught.value.kind == kind
    assert caught.value.__context__ is None


async def test_what_the_listener_raises_is_its_own() -> None:
    def emit(_delta: Delta) -> None:
        raise TimeoutError("theirs")

    model = behind(FunctionModel(stream_function=pieces))
    with pytest.raises(TimeoutError, match="theirs"):
        await model.answer(request(), deadline_s=10, emit=emit)


# ---------------------------------------------------------------- counting, finding


class Counting(FunctionModel):
    """Counts ten tokens."""

    @override
    async def count_tokens(self, *args: object) -> RequestUsage:
        return RequestUsage(input_tokens=10)


async def test_counts_where_the_provider_counts() -> None:
    model = behind(Counting(saying(TextPart("x"))))
    assert isinstance(model, InputCounter)
    assert await model.count(request(), deadline_s=10) == 10
    plain = behind(FunctionModel(saying(TextPart("x"))))
    assert await plain.count(request(), deadline_s=10) is None

    class Failing(Counting):
        @override
        async def count_tokens(self, *args: object) -> RequestUsage:
            raise theirs.ModelServerError("m", "oops")

    with pytest.raises(ProviderError) as caught:
        await behind(Failing(saying(TextPart("x")))).count(request(), deadline_s=10)
    assert caught.value.kind == "server"


async def test_models_are_kept_by_name_and_few() -> None:
    made: list[str] = []

    def make(name: str) -> TheirModel:
        made.append(name)
        return FunctionModel(saying(TextPart(name)))

    model = PydanticAIModel("bedrock", make=make)
    for name in ("a", "b", "a", *map(str, range(64)), "b"):
        await model.answer(replace(request(stream=False), model=name), deadline_s=10, emit=ignore)
    assert made == ["a", "b", *map(str, range(64)), "b"]
    await model.close()


async def test_what_is_missing_is_named() -> None:
    def none(name: str) -> TheirModel:
        raise ImportError("Please install `boto3`, e.g. `pip install 'pydantic-ai-slim[bedrock]'`")

    def unset(name: str) -> TheirModel:
        raise theirs.UserError("Set the `MISTRAL_API_KEY` environment variable")

    with pytest.raises(MissingExtra, match="bedrock: Please install `boto3`"):
        await PydanticAIModel("bedrock", make=none).answer(request(), deadline_s=1, emit=ignore)
    with pytest.raises(MissingExtra, match="boto3"):
        await PydanticAIModel("bedrock", make=none).check("nova", deadline_s=1)
    assert await behind(Canned()).check("nova", deadline_s=1) is None
    with pytest.raises(ConfigError, match=r"mistral:claude.*MISTRAL_API_KEY"):
        await PydanticAIModel("mistral", make=unset).answer(request(), deadline_s=1, emit=ignore)


def test_every_provider_we_name_is_one_of_theirs() -> None:
    for name in sorted(load._LONG_TAIL):
        with suppress(ImportError):  # it is known; its SDK is not installed here
            infer_provider_class(name)
        assert isinstance(make_model(name, Settings(), {}), PydanticAIModel)
    with pytest.raises(ConfigError, match=r"providers\.mistral: name its protocol"):
        make_model("mistral", Settings(providers={"mistral": ProviderConfig()}), {})


def test_it_is_loaded_only_when_used() -> None:
    code = (
        "import sys, remit\n"
        "from remit.app.load import make_model\n"
        "from remit.app.config import Settings\n"
        "make_model('anthropic', Settings(), {'ANTHROPIC_API_KEY': 'any'})\n"
        "assert 'pydantic_ai' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith("remit.adapters.models.pydantic")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    with pytest.raises(MissingExtra, match=r"pip install 'remit\[pydantic-ai\]'"):
        make_model("mistral", Settings(), {})


# ---------------------------------------------------------------- whole runs


@tool
async def find_order(order: int) -> str:
    """Find an order."""
    return f"order {order}: sent"


@pytest.mark.requirement("PROV-1")
async def test_a_run_on_their_test_model() -> None:
    """`TestModel` calls every tool once, then answers with what they gave."""
    prices = {"bedrock:*": declare("bedrock:x", input_usd="1", output_usd="2")}
    agent = Agent(
        "clerk",
        model="bedrock:nova",
        instructions="Sell lamps.",
        tools=[find_order],
        remit=Remit(cost_usd="1.00"),
    )
    models = {"bedrock": behind(Canned(call_tools=["find_order"]))}
    async with App("memory:", agents=[agent], models=models, prices=prices) as app:
        run = await app.run(agent, "Where is my order?")
        assert run.status == "completed"
        assert json.loads(run.output) == {"find_order": "order 0: sent"}
        answers = await told(app, run.id, ModelCompleted)
    assert len(answers) == 2
    assert all(each.usage.input and each.posts for each in answers)


@pytest.mark.requirement("PROV-7")
async def test_a_missing_sdk_is_seen_at_the_start() -> None:
    def none(name: str) -> TheirModel:
        raise ImportError("Please install `boto3`")

    prices = {"bedrock:*": declare("bedrock:x", input_usd="1", output_usd="2")}
    agent = Agent("clerk", model="bedrock:nova", instructions="Sell lamps.")
    models = {"bedrock": PydanticAIModel("bedrock", make=none)}
    async with App("memory:", agents=[agent], models=models, prices=prices) as app:
        (failed,) = (await app.ready()).failed
    assert (failed.name, failed.detail) == ("model bedrock:nova", "bedrock: Please install `boto3`")
