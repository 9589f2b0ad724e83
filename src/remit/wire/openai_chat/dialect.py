"""Where servers of the Chat Completions protocol differ in the names of members."""

import re
from dataclasses import dataclass
from typing import Literal

from remit.wire.openai.address import Address

LimitName = Literal["max_completion_tokens", "max_tokens"]

# OpenAI's models since o1 refuse `max_tokens`, behind whichever gateway: o1, o3-mini, gpt-5.1,
# gpt-5-chat, openai/gpt-6, codex-mini; not gpt-4o, gpt-oss or gpt-3.5-turbo.
_NEWER = re.compile(r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|[1-9]\d)|codex)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect(Address):
    """How one server wants to be spoken to. The defaults are OpenAI's own."""

    provider: str = "openai-chat"
    path: str = "/v1/chat/completions"
    limit: LimitName | Literal["by model"] = "max_completion_tokens"
    """The member for the output limit: many compatible servers know the old one only, and newer
    models of OpenAI refuse it."""
    reasoning: Literal["", "reasoning_content", "reasoning"] = ""
    """The member in which reasoning goes back to the model; empty: it does not."""

    def limit_of(self, model: str) -> LimitName:
        """The member for the output limit of a model."""
        if self.limit != "by model":
            return self.limit
        return "max_completion_tokens" if _NEWER.match(model) else "max_tokens"


OPENAI = Dialect()
# vLLM, Ollama, Groq, OpenRouter and others: the older member, and reasoning as they send it.
# Whatever serves OpenAI's newer models passes them on and takes their own.
COMPATIBLE = Dialect(limit="by model", reasoning="reasoning_content", caches_by_key=False)
