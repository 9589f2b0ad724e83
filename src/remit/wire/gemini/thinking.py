"""How much a Gemini model may think: a budget of tokens, or a level since the third generation."""

import re

from remit.errors import ProviderError
from remit.values.model import Effort, ModelRequest
from remit.wire.jsontext import quote, record
from remit.wire.node import Node

_VERSIONED = re.compile(r"gemini-(\d{1,2})(?:\.(\d{1,2}))?-([a-z]+(?:-lite)?)", re.ASCII)
_THINKS_SINCE = (2, 5)
LEVELS_SINCE = (3, 0)  # the generation that takes levels, and checks the signatures of calls
MINIMAL_BEFORE = (3, 7)  # from then on LOW is the least; the Pro models never took MINIMAL

# Least and most tokens of a thinking budget by kind of model, from the API's documentation.
BUDGETS = {"pro": (128, 32_768), "flash": (1, 24_576), "flash-lite": (512, 24_576)}
NEVER_WITHOUT = "pro"  # these cannot be told not to think

# The API's own translation of levels into tokens, of its compatibility layer for `effort`.
_TOKENS = {"MINIMAL": 0, "LOW": 1024, "MEDIUM": 8192, "HIGH": 24_576, "XHIGH": 32_768}
_LEVELS: dict[Effort, str] = {
    "none": "MINIMAL",
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    # XHIGH is in the API's types, but the models known today refuse it.
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_EFFORTS: dict[str, Effort] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
}
_DYNAMIC = -1  # the model decides


def version(model: str) -> tuple[int, int]:
    """The version of a Gemini model, (0, 0) for names that tell none."""
    found = _VERSIONED.match(model.rpartition("/")[2])
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)


def family(model: str) -> str:
    """`pro`, `flash`, `flash-lite` …; empty for names that tell none."""
    found = _VERSIONED.match(model.rpartition("/")[2])
    return found[3] if found else ""


def checks_signatures(model: str) -> bool:
    """True for models that refuse a call of their own without the signature it came with."""
    return version(model) >= LEVELS_SINCE


# ---------------------------------------------------------------- encode


def encode_thinking(request: ModelRequest) -> str | None:
    """The `thinkingConfig`, None where the model is left to itself.

    A budget is wanted more than an effort where the model takes both; the API refuses to be given
    both. Raises `ProviderError` (`bad_request`) for a budget below what the model takes.
    """
    wanted, effort = request.thinking_tokens, request.effort
    if not wanted and effort is None:
        return None
    shown = {"includeThoughts": "true"} if wanted else {}
    kind, known = family(request.model), version(request.model)
    if known >= LEVELS_SINCE or not (kind or wanted):
        name = _LEVELS[effort] if effort is not None else _level_of(wanted)
        if name == "MINIMAL" and (kind == NEVER_WITHOUT or known >= MINIMAL_BEFORE):
            name = "LOW"
        return record(shown | {"thinkingLevel": quote(name)})
    if not kind:
        return record(shown | {"thinkingBudget": str(wanted)})
    if known < _THINKS_SINCE:
        return None
    return record(shown | {"thinkingBudget": str(_budget(request, kind))})


def _level_of(wanted: int) -> str:
    """The largest level within a budget, if it is at least the least."""
    fitting = [name for name in ("LOW", "MEDIUM", "HIGH") if _TOKENS[name] <= wanted]
    return fitting[-1] if fitting else "LOW"


def _budget(request: ModelRequest, kind: str) -> int:
    least, most = BUDGETS.get(kind, BUDGETS["flash"])
    wanted = request.thinking_tokens
    if not wanted and request.effort is not None:
        tokens = _TOKENS[_LEVELS[request.effort]]
        # What is left of the answer is for the answer: the thoughts count as output.
        tokens = min(tokens, most, max(least, request.max_output_tokens // 2))
        return tokens or (least if kind == NEVER_WITHOUT else 0)
    if wanted < least:
        raise ProviderError(
            f"thinking_tokens={wanted}: {request.model} takes at least {least}", kind="bad_request"
        )
    # A budget is an upper limit, so the model's own is within it.
    return min(wanted, most)


# ---------------------------------------------------------------- decode


def decode_thinking(node: Node | None, limit: int) -> tuple[int, Effort | None]:
    """Budget and effort. A level is an effort, and a budget besides where thoughts are shown."""
    if node is None:
        return 0, None
    shown = node.find("includeThoughts")
    level, budget = node.find("thinkingLevel"), node.find("thinkingBudget")
    if level is not None and budget is not None:
        raise node.fail("You can only set only one of thinking budget and thinking level.")
    if level is not None:
        effort = _EFFORTS.get(level.text().upper())
        if effort is None:
            raise level.fail(f"Invalid value (ThinkingLevel), {quote(level.text())}")
        tokens = _TOKENS[level.text().upper()] if shown is not None and shown.boolean() else 0
        return min(tokens, limit), effort
    tokens = _DYNAMIC if budget is None else budget.integer(_DYNAMIC)
    return (limit if tokens == _DYNAMIC else tokens), None
