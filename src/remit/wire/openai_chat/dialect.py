"""Where servers of the Chat Completions protocol differ in the names of members."""

from dataclasses import dataclass
from typing import Literal

from remit.wire.openai.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect(Address):
    """How one server wants to be spoken to. The defaults are OpenAI's own."""

    provider: str = "openai-chat"
    path: str = "/v1/chat/completions"
    limit: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """The member for the output limit; many compatible servers know the old one only."""
    reasoning: Literal["", "reasoning_content", "reasoning"] = ""
    """The member in which reasoning goes back to the model; empty: it does not."""


OPENAI = Dialect()
# vLLM, Ollama, Groq, OpenRouter and others: the older member, and reasoning as they send it.
COMPATIBLE = Dialect(limit="max_tokens", reasoning="reasoning_content")
