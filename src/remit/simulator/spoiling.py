"""Answers spoiled in what they say: calls cut or made up, nothing, too much, secrets, drift."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from remit.errors import ProviderError
from remit.policy.specimen import planted
from remit.simulator.compose import compose, identifier, tokens
from remit.simulator.view import View
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawPart, RawText
from remit.wire.jsontext import Json, Number, mend, parse, write

UNKNOWN_TOOL = "launch_rocket"
"""What `unknown_tool` calls."""
SECRET = "The deploy token is «ghp_{A36}», keep it to yourself."  # noqa: S105  # only its shape
"""What `secret` says: the token between the marks is written out while it is said."""
_FILLING = "and so on, and so on; "
MAX_GIANT_BYTES = 128 * 1024**2  # twice what Remit's own client reads of an answer
_MAX_LEVELS = 5  # of a schema; deeper than any tool's arguments need to be


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """What a fault says of the answer it spoils."""

    model: str = ""
    size_bytes: int = 0


Spoil = Callable[[ModelAnswer, ModelRequest, Flaw], ModelAnswer]


def cut_arguments(answer: ModelAnswer, request: ModelRequest, _flaw: Flaw) -> ModelAnswer:
    """The arguments of every call end in their middle; a call is made where there is none."""
    parts = answer.parts if _calls(answer) else (*answer.parts, _call(request))
    return _said(answer, request, tuple(_halved(part) for part in parts))


def _halved(part: RawPart) -> RawPart:
    if not isinstance(part, RawCall):
        return part
    # Half of `{}` would be taken for nothing at all.
    text = part.arguments if len(part.arguments) > len("{}") else '{"a":"b"}'
    return replace(part, arguments=text[: len(text) // 2])


def unknown_tool(answer: ModelAnswer, request: ModelRequest, _flaw: Flaw) -> ModelAnswer:
    """A tool is called that nobody offered."""
    texts = tuple(part for part in answer.parts if not isinstance(part, RawCall))
    return _said(answer, request, (*texts, RawCall("", UNKNOWN_TOOL, '{"target":"moon"}')))


def tool_loop(answer: ModelAnswer, request: ModelRequest, _flaw: Flaw) -> ModelAnswer:
    """A tool is called whatever came before, each time a little differently: it never ends."""
    return _said(answer, request, _calls(answer) or (_call(request),))


def empty(answer: ModelAnswer, request: ModelRequest, _flaw: Flaw) -> ModelAnswer:
    """Nothing is said."""
    return _said(answer, request, ())


def max_tokens(answer: ModelAnswer, request: ModelRequest, _flaw: Flaw) -> ModelAnswer:
    """The answer stops in its middle, as at an output limit."""
    parts = tuple(
        RawText(part.text[: len(part.text) // 2]) if isinstance(part, RawText) else _halved(part)
        for part in answer.parts
    )
    return replace(_said(answer, request, parts), stop="max_tokens")


def drift(answer: ModelAnswer, request: ModelRequest, flaw: Flaw) -> ModelAnswer:
    """Another model answers than was asked."""
    return replace(answer, model=flaw.model or f"{request.model}-next")


def secret(answer: ModelAnswer, request: ModelRequest, _flaw: Flaw) -> ModelAnswer:
    """The text gives a credential away, shaped as real ones are and the same for the same task."""
    told, _ = planted(SECRET, View.of(request).task)
    calls = _calls(answer)
    others = tuple(part for part in answer.parts if not isinstance(part, RawCall))
    return _said(answer, request, (*others, RawText(f" {told}" if others else told), *calls))


def giant(answer: ModelAnswer, request: ModelRequest, flaw: Flaw) -> ModelAnswer:
    """Far more is said than was asked for; what is billed is the limit."""
    text = (_FILLING * -(-flaw.size_bytes // len(_FILLING)))[: flaw.size_bytes]
    usage = answer.usage.model_copy(update={"output": request.max_output_tokens, "reasoning": 0})
    return replace(answer, parts=(RawText(text),), stop="end", usage=usage)


SPOILING: Mapping[str, Spoil] = {
    "cut_arguments": cut_arguments,
    "unknown_tool": unknown_tool,
    "tool_loop": tool_loop,
    "empty": empty,
    "max_tokens": max_tokens,
    "drift": drift,
    "secret": secret,
    "giant": giant,
}
"""The kinds of fault that are in the answer itself."""


def _said(answer: ModelAnswer, request: ModelRequest, parts: tuple[RawPart, ...]) -> ModelAnswer:
    """The answer with other parts, and everything else that follows from them."""
    # What is over the limit stays: a flaw must arrive whole.
    limit = max(request.max_output_tokens, tokens(sum(len(repr(part)) for part in parts)))
    made = compose(replace(request, max_output_tokens=limit), *parts, model=answer.model)
    usage = made.usage.model_copy(update={"input": answer.usage.input})
    return replace(made, usage=usage, service_tier=answer.service_tier)


def _calls(answer: ModelAnswer) -> tuple[RawCall, ...]:
    return tuple(part for part in answer.parts if isinstance(part, RawCall))


# ---------------------------------------------------------------- calls made up


def _call(request: ModelRequest) -> RawCall:
    """A call of the first tool that is offered, with arguments its schema permits."""
    number = View.of(request).results
    if not request.tools:
        return RawCall("", UNKNOWN_TOOL, write({"turn": Number(str(number))}))
    tool = request.tools[0]
    try:
        schema = parse(tool.schema_json)
    except ProviderError:
        schema = {}
    filled = _filled(schema, number, _MAX_LEVELS)
    return RawCall("", tool.name, write(filled if isinstance(filled, dict) else {}))


def _filled(schema: Json, number: int, levels: int) -> Json:
    """The smallest value a schema of a usual tool permits; `number` makes it differ."""
    if not isinstance(schema, dict) or not levels:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return options[number % len(options)]
    match schema.get("type"):
        case "object":
            return _object(schema, number, levels)
        case "array":
            return []
        case "integer" | "number":
            return Number(str(number))
        case "boolean":
            return number % 2 == 0
        case "string":
            return mend(identifier("", str(number), length=8))
        case _:
            return None


def _object(schema: Mapping[str, Json], number: int, levels: int) -> Json:
    wanted, properties = schema.get("required"), schema.get("properties")
    if not isinstance(wanted, list) or not isinstance(properties, dict):
        return {}
    return {str(name): _filled(properties.get(str(name)), number, levels - 1) for name in wanted}
