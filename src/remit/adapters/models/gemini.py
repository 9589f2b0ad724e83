"""The client of Google's Gemini API, of Vertex AI with an API key, and of servers like them."""

from remit.adapters.models.http import HttpModel
from remit.wire.gemini.codec import GEMINI, VERTEX

_VERSION = "/v1beta"  # users copy it along with the host
_PUBLISHERS = "/publishers/"  # Vertex AI: the version stands before it, models right behind


class GeminiModel(HttpModel):
    """Gemini models as a `remit.ports.Model`."""

    def __init__(self, key: str, *, base_url: str | None = None, plain_http: bool = False) -> None:
        """See `HttpModel`; without `base_url` Google's own Gemini API is asked.

        With a base URL of Vertex AI, as `https://aiplatform.googleapis.com/v1/publishers/google`
        or `…/v1/projects/P/locations/L/publishers/google`, the path below is that of Vertex AI.
        """
        address = (base_url or "").strip().rstrip("/")
        codec = VERTEX if _PUBLISHERS in f"{address}/" else GEMINI
        super().__init__(
            codec, key, base_url=address.removesuffix(_VERSION) or None, plain_http=plain_http
        )
