"""Which models can be told how much to reason; the others would refuse to be."""

import re

from remit.values.model import Effort
from remit.wire.openai.asking import reasons

# Anthropic, "Effort": Opus since 4.5, every model since 4.6. Names that tell no version are newer.
_CLAUDE = re.compile(r"claude-(?:([a-z]+)-)?(\d{1,2})(?:[-.](\d{1,2})(?!\d))?", re.ASCII)
_OPUS_SINCE, _ALL_SINCE = (4, 5), (4, 6)


def effort_for(model: str, effort: Effort | None) -> Effort | None:
    """The effort for `provider:name`, None where the model is known to take none.

    So an agent may name one, and fall back on models that cannot be told. Gemini's codec finds out
    by itself; what other servers take nobody knows: they are told.
    """
    if effort is None:
        return None
    provider, _, name = model.partition(":")
    if provider in ("openai", "openai-chat"):
        return effort if reasons(name) else None
    if provider == "anthropic":
        found = _CLAUDE.match(name)
        if found is None:
            return effort
        version = (int(found[2]), int(found[3] or 0))
        since = _OPUS_SINCE if found[1] == "opus" else _ALL_SINCE
        return effort if version >= since else None
    return effort
