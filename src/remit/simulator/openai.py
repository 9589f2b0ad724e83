"""The simulated OpenAI service, as far as both of its protocols are alike."""

import re
from collections.abc import Mapping, Sequence

from remit.errors import ProviderError
from remit.simulator.cache import Segment
from remit.values.model import ModelRequest, RateLimits
from remit.wire.jsontext import Json, Number, array, quote, record, write
from remit.wire.openai.asking import is_strict, reasons
from remit.wire.openai.errors import duration, encode_limits

REQUESTS_PER_MINUTE = 10_000  # limits of a high public tier
TOKENS_PER_MINUTE = 2_000_000
NAME = "^[a-zA-Z0-9_-]{1,64}$"
_NAME = re.compile(NAME, re.ASCII)
_SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_DEFAULTS = {"temperature": "1", "top_p": "1", "presence_penalty": "0", "frequency_penalty": "0"}


def bad(message: str) -> ProviderError:
    """An error in the form of a request."""
    return ProviderError(message, kind="bad_request")


def key_of(headers: Mapping[str, str]) -> str:
    """The key from `authorization`, or from `api-key` as Azure takes it."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = token.strip() if scheme.lower() == "bearer" else headers.get("api-key", "").strip()
    if not key:
        raise ProviderError(
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
            kind="auth",
        )
    return key


def unknown_model(name: str) -> ProviderError:
    """What it says of a model that does not exist."""
    return ProviderError(
        f"The model `{name}` does not exist or you do not have access to it.", kind="not_found"
    )


def limit_headers(used: int, now_ms: int, *, window_left_ms: int) -> dict[str, str]:
    """Remaining and reset as the codec knows them, and the limits beside them."""
    limits = RateLimits(
        requests_remaining=max(0, REQUESTS_PER_MINUTE - used),
        tokens_remaining=TOKENS_PER_MINUTE,
        reset_after_ms=window_left_ms,
    )
    return encode_limits(limits, now_ms) | {
        "x-ratelimit-limit-requests": str(REQUESTS_PER_MINUTE),
        "x-ratelimit-limit-tokens": str(TOKENS_PER_MINUTE),
        "x-ratelimit-reset-tokens": duration(window_left_ms),
        "openai-processing-ms": "1",
    }


def model_list(models: Sequence[str]) -> bytes:
    """All models."""
    rows = [
        record(
            {
                "id": quote(name),
                "object": '"model"',
                "created": "1767225600",
                "owned_by": '"openai"',
            }
        )
        for name in models
    ]
    return record({"object": '"list"', "data": array(rows)}).encode()


def segments_of(*groups: tuple[str, Json]) -> list[Segment]:
    """Blocks in the order the model reads them; up to any the implicit cache may know them."""
    found: list[Segment] = []
    for place, blocks in groups:
        listed = blocks if isinstance(blocks, list) else [] if blocks is None else [blocks]
        found.extend(
            Segment(f"{place}\n{write(block)}".encode(), is_breakpoint=True) for block in listed
        )
    return found


# ---------------------------------------------------------------- checks


def check_common(root: Mapping[str, Json], request: ModelRequest, effort: str) -> None:
    """What both protocols refuse; `effort` is the name of that member."""
    if not request.messages:
        raise bad("Missing required parameter: at least one message is required.")
    if reasons(request.model):
        for name in _SAMPLING:
            value = root.get(name)
            if isinstance(value, Number) and value.lexeme not in {_DEFAULTS[name], "1.0", "0.0"}:
                raise bad(f"Unsupported parameter: '{name}' is not supported with this model.")
    elif request.effort is not None and is_own(request.model):
        raise bad(f"Unsupported parameter: '{effort}' is not supported with this model.")


def is_own(model: str) -> bool:
    """True for names of OpenAI's models; compatible servers have others."""
    return re.match(r"gpt-\d|o\d|chatgpt|codex", model) is not None


def check_function(place: str, function: Json, *, strict_by_default: bool) -> str:
    """A function that is offered; its name."""
    members = function if isinstance(function, dict) else {}
    name = members.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad(
            f"Invalid '{place}.name': string does not match pattern. Expected a string that "
            f"matches the pattern '{NAME}'."
        )
    strict = members.get("strict")
    if strict is True or (strict is None and strict_by_default):
        check_strict(f"function '{name}'", members.get("parameters"))
    return name


def check_strict(what: str, schema: Json) -> None:
    """A schema that is to be enforced to the letter."""
    if not is_strict(schema):
        raise bad(
            f"Invalid schema for {what}: In context=(), 'additionalProperties' is required to be "
            "supplied and to be false, 'required' to hold every key in properties, and only the "
            "documented keywords are permitted."
        )


def check_format(form: Json, holder: Json) -> None:
    """A schema of the answer; `holder` is what has its name and schema."""
    if not isinstance(form, dict) or form.get("type") != "json_schema":
        return
    members = holder if isinstance(holder, dict) else {}
    name = members.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad(
            "Invalid name of the response format: expected a string that matches the pattern "
            f"'{NAME}'."
        )
    if members.get("strict") is True:
        check_strict(f"response_format '{name}'", members.get("schema"))
