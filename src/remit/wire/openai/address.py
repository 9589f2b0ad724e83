"""Where a server that speaks an OpenAI protocol is, and how it takes the key."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A server. The defaults are OpenAI's own, Responses protocol."""

    provider: str = "openai"
    """Prefix of model names."""
    key_variable: str = "OPENAI_API_KEY"
    base_url: str = "https://api.openai.com"
    path: str = "/v1/responses"
    """Appended to the base URL; `{model}` stands for the name of the model."""
    api_version: str = ""
    """Sent as `api-version` in the query, where the server wants one."""
    key_header: Literal["authorization", "api-key"] = "authorization"
    """Azure takes a key in `api-key`."""
    caches_by_key: bool = True
    """It takes `prompt_cache_key`; servers that are not OpenAI's may refuse to be sent it."""

    def path_of(self, model: str) -> str:
        """Path and query for a model."""
        return self.path.replace("{model}", quote(model, safe="")) + self.query

    @property
    def models_path(self) -> str:
        """Where the server tells of its models, without the query."""
        path = self.path.partition("/deployments/")[0]
        return f"{path.removesuffix('/chat/completions').removesuffix('/responses')}/models"

    @property
    def query(self) -> str:
        """What stands behind every path."""
        version = quote(self.api_version, safe="")
        return f"?api-version={version}" if version else ""

    def headers(self, key: str) -> dict[str, str]:
        """The headers of a request."""
        bearer = self.key_header == "authorization"
        return {
            self.key_header: f"Bearer {key}" if bearer else key,
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }


OPENAI = Address()
