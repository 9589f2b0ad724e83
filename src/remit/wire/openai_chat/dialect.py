"""Where servers of the Chat Completions protocol differ: names of members, address, headers."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

PATH = "/v1/chat/completions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one server wants to be spoken to. The defaults are OpenAI's own."""

    provider: str = "openai-chat"
    """Prefix of model names."""
    key_variable: str = "OPENAI_API_KEY"
    base_url: str = "https://api.openai.com"
    path: str = PATH
    """Appended to the base URL; `{model}` stands for the name of the model."""
    api_version: str = ""
    """Sent as `api-version` in the query, where the server wants one."""
    key_header: Literal["authorization", "api-key"] = "authorization"
    limit: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """The member for the output limit; many compatible servers know the old one only."""
    reasoning: Literal["", "reasoning_content", "reasoning"] = ""
    """The member in which reasoning goes back to the model; empty: it does not."""

    def path_of(self, model: str) -> str:
        """Path and query for a model."""
        path = self.path.replace("{model}", quote(model, safe=""))
        return f"{path}?api-version={quote(self.api_version)}" if self.api_version else path

    def headers(self, key: str) -> dict[str, str]:
        """The headers of a request."""
        bearer = self.key_header == "authorization"
        return {
            self.key_header: f"Bearer {key}" if bearer else key,
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }


OPENAI = Dialect()
# vLLM, Ollama, Groq, OpenRouter and others: the older member, and reasoning as they send it.
COMPATIBLE = Dialect(limit="max_tokens", reasoning="reasoning_content")
