"""Which model names are floating aliases: what they answer with changes without notice.

Sources: Anthropic, "Model IDs and versioning" (from generation 4.6 on a dateless id is pinned, the
shorter names of earlier ones are aliases); OpenAI's list of models (an undated name points to a
snapshot); Google, "Model versions and lifecycle" (up to 2.0 a name without its three digits is
auto-updated, from 2.5 on it is the stable version); `latest` floats everywhere.
"""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

_ANTHROPIC = re.compile(r"claude-[a-z]+-(\d+)(?:-(\d{1,2}))?$", re.ASCII)
_PINNED_SINCE = (4, 6)
_OPENAI = re.compile(r"(?:gpt|chatgpt|o\d|codex)[a-z0-9.-]*$", re.ASCII)
_DATED = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{4})(?:-preview)?$", re.ASCII)
_GOOGLE = re.compile(r"gemini-(?:1\.\d|2\.0)-(?:pro|flash)(?:-lite|-8b)?$", re.ASCII)

# Dated names by the alias that points to one of them; what is not here is refused without a hint.
_SNAPSHOTS: dict[str, tuple[str, ...]] = {
    "claude-opus-4-5": ("claude-opus-4-5-20251101",),
    "claude-sonnet-4-5": ("claude-sonnet-4-5-20250929",),
    "claude-haiku-4-5": ("claude-haiku-4-5-20251001",),
    "claude-opus-4-1": ("claude-opus-4-1-20250805",),
    "claude-opus-4-0": ("claude-opus-4-20250514",),
    "claude-sonnet-4-0": ("claude-sonnet-4-20250514",),
    "gpt-5.2": ("gpt-5.2-2025-12-11",),
    "gpt-5.2-pro": ("gpt-5.2-pro-2025-12-11",),
    "gpt-5.1": ("gpt-5.1-2025-11-13",),
    "gpt-5": ("gpt-5-2025-08-07",),
    "gpt-5-mini": ("gpt-5-mini-2025-08-07",),
    "gpt-5-nano": ("gpt-5-nano-2025-08-07",),
    "gpt-4.1": ("gpt-4.1-2025-04-14",),
    "gpt-4.1-mini": ("gpt-4.1-mini-2025-04-14",),
    "gpt-4.1-nano": ("gpt-4.1-nano-2025-04-14",),
    "gpt-4o": ("gpt-4o-2024-11-20", "gpt-4o-2024-08-06"),
    "gpt-4o-mini": ("gpt-4o-mini-2024-07-18",),
    "gpt-4-turbo": ("gpt-4-turbo-2024-04-09",),
    "gpt-4": ("gpt-4-0613",),
    "o1": ("o1-2024-12-17",),
    "o3": ("o3-2025-04-16",),
    "o3-mini": ("o3-mini-2025-01-31",),
    "o3-pro": ("o3-pro-2025-06-10",),
    "o4-mini": ("o4-mini-2025-04-16",),
    "gemini-2.0-flash": ("gemini-2.0-flash-001",),
    "gemini-2.0-flash-lite": ("gemini-2.0-flash-lite-001",),
    "gemini-1.5-pro": ("gemini-1.5-pro-002",),
    "gemini-1.5-flash": ("gemini-1.5-flash-002",),
}


def floats(model: str) -> bool:
    """The name of a model, `provider:name`, is an alias that may answer as another one tomorrow."""
    provider, _, name = model.lower().partition(":")
    if "latest" in name.split("-"):
        return True
    if provider == "anthropic":
        found = _ANTHROPIC.fullmatch(name)
        return found is not None and (int(found[1]), int(found[2] or 0)) < _PINNED_SINCE
    if provider in ("openai", "openai-chat"):
        return _OPENAI.fullmatch(name) is not None and _DATED.search(name) is None
    if provider in ("google", "gemini", "vertex"):
        return _GOOGLE.fullmatch(name) is not None
    return False


def unpinned(model: str, allowed: Iterable[str] = ()) -> str | None:
    """Why a model is refused, with the dated names that would do; None for one that is pinned.

    `allowed` are globs of names that an operator lets float.
    """
    if not floats(model) or any(fnmatchcase(model, glob) for glob in allowed):
        return None
    provider, _, name = model.partition(":")
    stem = name.lower().removesuffix("-latest")
    dated = [f"{provider}:{each}" for each in _SNAPSHOTS.get(stem, ())]
    hint = f"write {' or '.join(repr(each) for each in dated)}" if dated else "write its dated name"
    return (
        f"model {model!r} is a floating alias: what answers under it changes without notice; "
        f"{hint}, or let it float: floating_models = [{model!r}] in remit.toml"
    )


def drifted(asked: str, answered: str) -> bool:
    """Another model answered than was asked, `provider:name` against the name in the answer."""
    name = asked.partition(":")[2]
    told = answered.removeprefix("models/")
    return bool(told) and told.lower() != name.lower()
