"""The simulated Gemini service: refuses what the real one refuses, in its words."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from remit.errors import ProviderError
from remit.simulator.cache import Segment
from remit.simulator.compose import redacted, redacted_is_genuine, signature
from remit.values.message import ImagePart, Message, ResultPart, ThinkingPart
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawPart, RawThinking
from remit.wire import sse
from remit.wire.gemini.codec import GEMINI
from remit.wire.gemini.count import COUNT
from remit.wire.gemini.errors import error_body
from remit.wire.gemini.request import STREAMED, VERSION, WHOLE
from remit.wire.gemini.request_decode import camel
from remit.wire.gemini.thinking import (
    BUDGETS,
    LEVELS_SINCE,
    MINIMAL_BEFORE,
    NEVER_WITHOUT,
    checks_signatures,
    family,
    version,
)
from remit.wire.jsontext import Json, Number, array, quote, record, write

_TOOL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", re.ASCII)
_IMAGES = frozenset({"image/png", "image/jpeg", "image/webp"})
_REQUEST = "GenerateContentRequest"
INPUT_LIMIT = 1_048_576  # of every model since 2.5, as the list of models tells it
OUTPUT_LIMIT = 65_536
# The SDK asks the stable version, which by now takes the same members.
_MODELS = f"/{{version:v1|{VERSION}}}/models"
# Vertex AI's places: with a key alone, and in a project.
_VERTEX = r"v1(?:beta1)?(?:/projects/[^/]+/locations/[^/]+)?/publishers/google"
_PLACES = f"/{{place:v1|{VERSION}|{_VERTEX}}}/models"
# How the ids begin that scripts give where they name none.
_SCRIPTED_CALL, _SCRIPTED_ANSWER = "toolu_01", "msg_01"


def _bad(message: str) -> ProviderError:
    return ProviderError(message, kind="bad_request")


class GeminiEndpoint:
    """`remit.simulator.endpoint.Endpoint` for generateContent."""

    codec = GEMINI
    route = f"{_PLACES}/{{model:[^/:]+}}:{{verb:{WHOLE}|{STREAMED}}}"
    count_route = f"{_PLACES}/{{model:[^/:]+}}:{COUNT}"
    models_route = _MODELS
    id_header = ""
    wrong_key = "API key not valid. Please pass a valid API key."

    def speaks(self, headers: Mapping[str, str], path: str) -> bool:
        """It has paths of its own."""
        return path.startswith(f"/{VERSION}/") or "x-goog-api-key" in headers

    def key_of(self, headers: Mapping[str, str]) -> str:
        """The key from `x-goog-api-key`, or from `authorization` as Vertex AI takes it."""
        key = headers.get("x-goog-api-key", "").strip()
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not key and scheme.lower() == "bearer":
            key = token.strip()
        if not key:
            raise ProviderError(
                "Method doesn't allow unregistered callers (callers without established "
                "identity). Please use API Key or other form of API consumer identity to call "
                "this API.",
                kind="auth",
                status=403,
            )
        return key

    def check(
        self, _headers: Mapping[str, str], root: Mapping[str, Json], request: ModelRequest
    ) -> None:
        """The rules of generateContent that go beyond the form of a request."""
        _check_config(root, request)
        _check_tools(request)
        _check_contents(request)
        if checks_signatures(request.model):
            _check_signatures(root)

    def unknown_model(self, name: str) -> ProviderError:
        """What it says of a model that does not exist."""
        return ProviderError(
            f"models/{name} is not found for API version {VERSION}, or is not supported for "
            f"{WHOLE}. Call ListModels to see the list of available models and their supported "
            "methods.",
            kind="not_found",
        )

    def too_long(self, found: int, limit: int) -> ProviderError:
        """The service has no kind of its own for this."""
        return _bad(
            f"The input token count ({found}) exceeds the maximum number of tokens allowed "
            f"({limit})."
        )

    def dress(self, answer: ModelAnswer, request: ModelRequest) -> ModelAnswer:
        """Older models give calls no ids, newer ones sign the first; a cache costs no writing."""
        signs = checks_signatures(request.model)
        return replace(
            answer,
            parts=tuple(_dressed(answer.parts, signs=signs)),
            provider_id=answer.provider_id.removeprefix(_SCRIPTED_ANSWER),
            usage=answer.usage.model_copy(update={"cache_write": 0, "cache_write_1h": 0}),
        )

    def counted_root(self, root: Mapping[str, Json]) -> Mapping[str, Json]:
        """A whole request inside, or contents alone."""
        return _dict(_members(root).get("generateContentRequest")) or root

    def segments(self, root: Mapping[str, Json]) -> Sequence[Segment]:
        """Instructions, tools, parts; up to any of them the implicit cache may know the prompt."""
        found = _members(root)
        segments = [
            Segment(f"{name}\n{write(found[name])}".encode())
            for name in ("systemInstruction", "tools")
            if found.get(name) is not None
        ]
        segments.extend(
            Segment(f"{_role(content)}\n{write(dict(part))}".encode(), is_breakpoint=True)
            for content in _list(found.get("contents"))
            for part in _parts(content)
        )
        return segments

    def events(self, answer: ModelAnswer, _request: ModelRequest) -> Iterator[bytes]:
        """The events of a stream."""
        return self.codec.encode_stream(answer)

    def stream_error(self, text: str) -> bytes:
        """A status object in the place of a response."""
        return sse.encode(error_body(503, "UNAVAILABLE", text).decode())

    def limit_headers(self, _used: int, _now_ms: int, *, window_left_ms: int) -> dict[str, str]:  # noqa: ARG002  # the service tells nothing
        """None: the service says nothing of its limits."""
        return {}

    def model_list(self, models: Sequence[str]) -> bytes:
        """One page with all models."""
        rows = [
            record(
                {
                    "name": quote(f"models/{name}"),
                    "version": quote(name),
                    "displayName": quote(name),
                    "inputTokenLimit": str(INPUT_LIMIT),
                    "outputTokenLimit": str(OUTPUT_LIMIT),
                    "supportedGenerationMethods": array(map(quote, (WHOLE, COUNT))),
                }
            )
            for name in models
        ]
        return record({"models": array(rows)}).encode()


def _dressed(parts: Iterable[RawPart], *, signs: bool) -> Iterator[RawPart]:
    before: RawPart | None = None
    for part in parts:
        if not isinstance(part, RawCall):
            yield part
        else:
            is_signed = isinstance(before, RawThinking) and bool(before.redacted)
            if signs and not is_signed:
                yield RawThinking("", redacted=redacted(part.tool + part.arguments))
            signs = False  # the first carries it for all
            given = part.provider_id
            made_up = given.startswith(_SCRIPTED_CALL)
            yield RawCall("" if made_up else given, part.tool, part.arguments)
        before = part


# ---------------------------------------------------------------- checks


def _check_config(root: Mapping[str, Json], request: ModelRequest) -> None:
    thinking = _dict(_dict(_members(root).get("generationConfig")).get("thinkingConfig"))
    level, budget = thinking.get("thinkingLevel"), thinking.get("thinkingBudget")
    if isinstance(level, str):
        _check_level(request.model, level.upper())
    elif budget is not None:
        _check_budget(request.model, request.thinking_tokens, is_dynamic=budget == Number("-1"))
    if request.output_schema and request.tools and (0, 0) < version(request.model) < (3, 0):
        raise _bad("Function calling with a response mime type: 'application/json' is unsupported")


def _check_level(model: str, level: str) -> None:
    known = version(model)
    if (0, 0) < known < LEVELS_SINCE:
        raise _bad("Thinking level is not supported for this model.")
    plain = family(model) == NEVER_WITHOUT or known >= MINIMAL_BEFORE
    if known > (0, 0) and ((level == "MINIMAL" and plain) or level == "XHIGH"):
        raise _bad(f"Thinking level {level} is not supported for this model.")


def _check_budget(model: str, budget: int, *, is_dynamic: bool) -> None:
    if not (2, 5) <= version(model) < LEVELS_SINCE or is_dynamic:
        return
    kind = family(model)
    least, most = BUDGETS.get(kind, BUDGETS["flash"])
    if not budget and kind == NEVER_WITHOUT:
        raise _bad("Budget 0 is invalid. This model only works in thinking mode.")
    if budget and not least <= budget <= most:
        raise _bad(
            f"The thinking budget {budget} is invalid. Please choose a value between {least} and "
            f"{most}."
        )


def _check_tools(request: ModelRequest) -> None:
    names: set[str] = set()
    for index, tool in enumerate(request.tools):
        if not _TOOL_NAME.fullmatch(tool.name):
            raise _bad(
                f"* {_REQUEST}.tools[0].function_declarations[{index}].name: Invalid function "
                "name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, "
                "0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum "
                "length of 128.\n"
            )
        if tool.name in names:
            raise _bad(f"Duplicate function declaration found: {tool.name}")
        names.add(tool.name)


def _check_contents(request: ModelRequest) -> None:
    if not request.messages:
        raise _bad(f"* {_REQUEST}.contents: contents is not specified\n")
    turns = _merged(request.messages)
    before: Message | None = None
    for index, message in enumerate(turns):
        if not message.parts:
            raise _bad(f"* {_REQUEST}.contents[{index}].parts: contents.parts must not be empty.\n")
        _check_order(before, message)
        _check_parts(message)
        before = message


def _merged(messages: Sequence[Message]) -> list[Message]:
    """Neighbours of one role are one turn, as the API joins them."""
    merged: list[Message] = []
    for message in messages:
        if merged and merged[-1].role == message.role and message.parts:
            parts = merged[-1].parts + message.parts
            merged[-1] = Message(role=message.role, parts=parts)
        else:
            merged.append(message)
    return merged


def _results(message: Message) -> list[ResultPart]:
    return [part for part in message.parts if isinstance(part, ResultPart)]


def _check_order(before: Message | None, message: Message) -> None:
    """Every call is answered by exactly one result in the next turn, and nothing else is."""
    if message.calls and before is None:
        raise _bad(
            "Please ensure that function call turn comes immediately after a user turn or after a "
            "function response turn."
        )
    calls = before.calls if before is not None else ()
    results = _results(message)
    if results and not calls:
        raise _bad(
            "Please ensure that function response turn comes immediately after a function call "
            "turn."
        )
    if calls and len(results) != len(calls):
        raise _bad(
            "Please ensure that the number of function response parts is equal to the number of "
            "function call parts of the function call turn."
        )
    stray = next((one for one in results if one.call not in {call.call for call in calls}), None)
    if stray is not None:
        raise _bad(
            f"Function response {stray.tool!r} (id {stray.provider_id!r}) does not match any "
            "function call of the function call turn."
        )


def _check_parts(message: Message) -> None:
    for part in message.parts:
        match part:
            case ImagePart(media_type=kind) if kind not in _IMAGES:
                raise _bad(f"Unsupported MIME type: {kind}")
            case ThinkingPart(redacted=data) if data and not redacted_is_genuine(_same(data)):
                raise _bad("Corrupted thought signature.")
            case ThinkingPart(signature=own, text=text) if own and _same(own) != signature(text):
                raise _bad("Corrupted thought signature.")
            case _:
                pass


def _same(data: str) -> str:
    """Bytes to the service: it takes both alphabets of base 64."""
    return data.replace("-", "+").replace("_", "/")


def _check_signatures(root: Mapping[str, Json]) -> None:
    """Since the last question, the first call of each turn has its signature."""
    contents = _list(_members(root).get("contents"))
    asked = [
        index
        for index, content in enumerate(contents)
        if _role(content) != "model" and any("text" in part for part in _parts(content))
    ]
    start = asked[-1] if asked else 0
    for index, content in enumerate(contents[start:], start):
        first = next((part for part in _parts(content) if "functionCall" in part), None)
        if first is not None and not first.get("thoughtSignature"):
            name = _dict(first["functionCall"]).get("name")
            raise _bad(
                "Function call is missing a thought_signature in functionCall parts. This is "
                "required for tools to work correctly, and missing thought_signature may lead to "
                f"degraded model performance. Additional data, function call `default_api:{name}` "
                f", position {index + 1}."
            )


# ---------------------------------------------------------------- reading


def _members(root: Mapping[str, Json]) -> dict[str, Json]:
    return _dict(camel(dict(root)))


def _dict(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _role(content: Json) -> Json:
    return _dict(content).get("role")


def _parts(content: Json) -> list[dict[str, Json]]:
    return [_dict(part) for part in _list(_dict(content).get("parts"))]
