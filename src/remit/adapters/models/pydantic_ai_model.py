"""Models of the long tail (Bedrock, Vertex, Mistral …) through the classes of pydantic-ai."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AsyncExitStack

from pydantic_ai import direct
from pydantic_ai import exceptions as theirs
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import Model as TheirModel
from pydantic_ai.models import ModelRequestParameters, infer_model
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.usage import RequestUsage
from typing_extensions import override

from remit.adapters.models.pydantic_ai_failure import failure_of
from remit.adapters.models.pydantic_ai_messages import answered_parts, sent_messages
from remit.errors import ConfigError, MissingExtra, ProviderError
from remit.ports import Model
from remit.values.model import (
    Delta,
    ModelAnswer,
    ModelCard,
    ModelRequest,
    RawCall,
    RawPart,
    StopReason,
)
from remit.values.usage import Usage
from remit.wire.carry import carried
from remit.wire.codec import takes_all
from remit.wire.failure import excerpt

_MAX_MODELS = 64  # clients of different names; an app uses a few
_STOPS: dict[str, StopReason] = {
    "stop": "end",
    "length": "max_tokens",
    "content_filter": "refusal",
    "tool_call": "tools",
}


class PydanticAIModel(Model):
    """The models of one of pydantic-ai's providers, named as there: `mistral:mistral-large-2512`.

    Keys and addresses are read from the environment variables that pydantic-ai documents for the
    provider. Nothing of its types is stored: what Remit journals are its own.
    """

    def __init__(self, provider: str, *, make: Callable[[str], TheirModel] | None = None) -> None:
        """`make` gives the model of a name without the prefix; by default the one of that name."""
        self.provider = provider
        self._make = make
        self._models: OrderedDict[str, TheirModel] = OrderedDict()
        self._stack = AsyncExitStack()

    @override
    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: Callable[[Delta], None]
    ) -> ModelAnswer:
        """See `remit.ports.Model.answer`."""
        told, left_behind = carried(request, self.provider, takes_all)
        timer = asyncio.timeout(deadline_s)
        try:
            async with timer:
                model = await self._model(request.model)
                messages = sent_messages(told, model.system)
                asked = (messages, _settings(told, deadline_s), _parameters(told))
                if told.stream:
                    response = await self._streamed(model, asked, emit)
                else:
                    found, settings, parameters = asked
                    response = await direct.model_request(
                        model,
                        found,
                        model_settings=settings,
                        model_request_parameters=parameters,
                    )
                return self._answer(response, request.model, left_behind)
        except TimeoutError:
            if not timer.expired():
                raise  # not ours: it came out of `emit`
            text = f"{self.provider} gave no complete answer within {deadline_s:g} s"
            failure = ProviderError(text, kind="timeout")
        except (theirs.AgentRunError, theirs.UserError) as exc:
            failure = failure_of(exc, self.provider)
        raise failure  # out here: what an SDK raised may hold a key in its request

    async def count(self, request: ModelRequest, *, deadline_s: float) -> int | None:
        """See `remit.ports.InputCounter`; None where pydantic-ai cannot count for the provider."""
        told, _ = carried(request, self.provider, takes_all)
        try:
            async with asyncio.timeout(deadline_s):
                model = await self._model(request.model)
                usage = await model.count_tokens(
                    sent_messages(told, model.system),
                    _settings(told, deadline_s),
                    _parameters(told),
                )
                return usage.input_tokens
        except NotImplementedError:
            return None
        except TimeoutError:
            failure = ProviderError(f"no count within {deadline_s:g} s", kind="timeout")
        except (theirs.AgentRunError, theirs.UserError) as exc:
            failure = failure_of(exc, self.provider)
        raise failure

    async def check(self, model: str, *, deadline_s: float) -> ModelCard | None:
        """Whether the model can be made: its SDK is there, its key is set. Nothing is asked.

        Raises `MissingExtra` and `ConfigError` with the remedy.
        """
        async with asyncio.timeout(deadline_s):
            await self._model(model)
        return None

    @override
    async def close(self) -> None:
        """Release connections."""
        self._models.clear()
        await self._stack.aclose()

    # ------------------------------------------------------------ inside

    async def _model(self, name: str) -> TheirModel:
        """The model of a name. Raises `MissingExtra` and `ConfigError` with the remedy."""
        known = self._models.get(name)
        if known is not None:
            self._models.move_to_end(name)
            return known
        try:
            made = self._make(name) if self._make else infer_model(f"{self.provider}:{name}")
        except ImportError as exc:
            raise MissingExtra(f"{self.provider}: {excerpt(str(exc))}") from None
        except theirs.UserError as exc:
            raise ConfigError(f"{self.provider}:{name}: {excerpt(str(exc))}") from None
        self._models[name] = await self._stack.enter_async_context(made)
        if len(self._models) > _MAX_MODELS:
            self._models.popitem(last=False)  # its connections end with the others
        return made

    async def _streamed(
        self,
        model: TheirModel,
        asked: tuple[list[ModelMessage], ModelSettings, ModelRequestParameters],
        emit: Callable[[Delta], None],
    ) -> ModelResponse:
        messages, settings, parameters = asked
        begun = False
        try:
            async with direct.model_request_stream(
                model, messages, model_settings=settings, model_request_parameters=parameters
            ) as stream:
                async for event in stream:
                    if isinstance(event, PartStartEvent | PartDeltaEvent):
                        begun = True
                        delta = _delta(event)
                        if delta is not None:
                            emit(delta)
                response = stream.get()
            if response.state == "complete":
                return response
            text, wait_ms = f"{self.provider} broke off in its answer", None
        except (theirs.AgentRunError, theirs.UserError) as exc:
            if not begun:
                raise
            told = failure_of(exc, self.provider)
            text, wait_ms = str(told), told.retry_after_ms
        # What came may be billed, whatever the provider calls its error.
        raise ProviderError(text, kind="stream_broken", retry_after_ms=wait_ms)

    def _answer(
        self, response: ModelResponse, asked: str, left_behind: tuple[str, ...]
    ) -> ModelAnswer:
        left_out: list[str] = []
        parts = tuple(answered_parts(response, left_out))
        return ModelAnswer(
            parts=parts,
            stop=_stop(response, parts, self.provider),
            usage=_usage(response.usage, self.provider),
            model=response.model_name or asked,
            provider_id=response.provider_response_id or "",
            left_out=tuple(left_out),
            left_behind=left_behind,
        )


def _settings(request: ModelRequest, deadline_s: float) -> ModelSettings:
    settings = ModelSettings(max_tokens=request.max_output_tokens, timeout=deadline_s)
    if request.effort == "none":
        settings["thinking"] = False
    elif request.effort is not None:
        settings["thinking"] = request.effort
    elif request.thinking_tokens:
        settings["thinking"] = True  # how much is bounded by the output limit, as with ours
    return settings


def _parameters(request: ModelRequest) -> ModelRequestParameters:
    tools = [
        ToolDefinition(
            name=tool.name,
            description=tool.description or None,
            parameters_json_schema=json.loads(tool.schema_json),
        )
        for tool in request.tools
    ]
    if not request.output_schema:
        return ModelRequestParameters(function_tools=tools)
    schema = OutputObjectDefinition(json_schema=json.loads(request.output_schema))
    return ModelRequestParameters(function_tools=tools, output_mode="native", output_object=schema)


def _delta(event: PartStartEvent | PartDeltaEvent) -> Delta | None:
    """A piece of an answer, None for kinds that nobody follows."""
    piece = event.part if isinstance(event, PartStartEvent) else event.delta
    match piece:
        case TextPart(content=text) | TextPartDelta(content_delta=text):
            return Delta(event.index, "text", text)
        case ThinkingPart(content=text):
            return Delta(event.index, "thinking", text)
        case ThinkingPartDelta(content_delta=text):
            return Delta(event.index, "thinking", text or "")
        case ToolCallPart():
            told = piece.args if isinstance(piece.args, str) else ""
            return Delta(event.index, "call", told, piece.tool_name, piece.tool_call_id)
        case ToolCallPartDelta(args_delta=str(text)):
            return Delta(event.index, "call", text)
        case _:
            return None


def _stop(response: ModelResponse, parts: tuple[RawPart, ...], provider: str) -> StopReason:
    reason = response.finish_reason
    if reason == "error":
        # It counted tokens, which may be billed: not the kind that was refused before it began.
        raise ProviderError(f"{provider} ended its answer with an error", kind="stream_broken")
    calls = any(isinstance(part, RawCall) for part in parts)
    stop = "end" if reason is None else _STOPS[reason]
    return "tools" if calls and stop == "end" else stop


def _usage(usage: RequestUsage, provider: str) -> Usage:
    """Usage in our meaning, which is theirs, too. A missing count would be unpaid: refused."""
    if usage.unmeasured_requests or not (usage.input_tokens or usage.output_tokens):
        raise ProviderError(
            f"{provider} counted no tokens; without counts the call cannot be paid",
            kind="malformed",
        )
    written = usage.cache_write_tokens
    total = max(usage.input_tokens, usage.cache_read_tokens + written)
    return Usage(
        input=total,
        output=max(usage.output_tokens, usage.output_reasoning_tokens),
        cache_read=usage.cache_read_tokens,
        cache_write=written,
        cache_write_1h=min(usage.cache_write_1h_tokens, written),
        reasoning=usage.output_reasoning_tokens,
    )
