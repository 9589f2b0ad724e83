"""The protocols that the simulator serves: a new one is a line here."""

from collections.abc import Mapping

from remit.simulator.anthropic import AnthropicEndpoint
from remit.simulator.endpoint import Endpoint
from remit.simulator.gemini import GeminiEndpoint
from remit.simulator.openai_chat import OpenAIChatEndpoint
from remit.simulator.openai_responses import OpenAIResponsesEndpoint

# In the order in which they are asked whose client it is.
ENDPOINTS: tuple[Endpoint, ...] = (
    AnthropicEndpoint(),
    GeminiEndpoint(),
    OpenAIChatEndpoint(),
    OpenAIResponsesEndpoint(),
)


def spoken_by(headers: Mapping[str, str], path: str) -> Endpoint:
    """Whose client asks, where the path alone does not say it; the first if nobody's does."""
    return next((one for one in ENDPOINTS if one.speaks(headers, path)), ENDPOINTS[0])
