"""The client of the Anthropic Messages API, and of servers compatible with it."""

from remit.adapters.models.http import HttpModel
from remit.wire.anthropic.codec import ANTHROPIC


class AnthropicModel(HttpModel):
    """Claude models as a `remit.ports.Model`."""

    def __init__(self, key: str, *, base_url: str | None = None, plain_http: bool = False) -> None:
        """See `HttpModel`; without `base_url` Anthropic's own service is asked."""
        super().__init__(ANTHROPIC, key, base_url=base_url, plain_http=plain_http)
