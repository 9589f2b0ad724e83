"""An API key that shows itself to nobody: not in a repr, a log, an error or a pickle."""

from typing import NoReturn

from typing_extensions import override

from remit.errors import ConfigError

# Shorter keys are accepted (local servers take anything), but then only whole matches are masked:
# windows of a short key would mask common words.
_WINDOW = 12
# What is shorter still ("none", "ollama") guards nothing, and masking it would spoil errors.
_LEAST = 8
MASK = "[api key]"


class ApiKey:
    """Holds a key; only `reveal` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str, *, variable: str) -> None:
        """`variable` names where the user keeps the key, for the error's remedy."""
        text = text.strip()  # a file or a shell substitution often ends with a newline
        if not text:
            raise ConfigError(f"no API key: set {variable}")
        if not text.isascii() or not text.isprintable() or " " in text:
            raise ConfigError(
                f"the API key in {variable} has spaces or characters that no key has; "
                "was it copied whole and alone?"
            )
        self._text = text

    def reveal(self) -> str:
        """The key itself."""
        return self._text

    def scrub(self, text: str) -> str:
        """`text` with every occurrence of the key, or of a telling part of it, masked.

        A key of fewer than 8 characters is a placeholder: it is left.
        """
        if len(self._text) < _LEAST:
            return text
        text = text.replace(self._text, MASK)
        for start in range(len(self._text) - _WINDOW + 1):
            text = text.replace(self._text[start : start + _WINDOW], MASK)
        return text

    @override
    def __repr__(self) -> str:
        return "ApiKey(…)"

    @override
    def __reduce__(self) -> NoReturn:
        raise ConfigError("an API key is not pickled; make the client where it is used")
