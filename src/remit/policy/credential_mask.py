"""Takes a call's own credential out of texts: as it is, and in the encodings that carry it along.

It becomes no placeholder of the vault: nobody is to get it back from there.
"""

from remit.policy.known_values import MOST_BYTES, forms

MOST = 64
"""Credentials remembered for a run, the newest: of those that ended long ago nothing can come."""
_PIECE = MOST_BYTES // 2  # long tokens are found in pieces


class CredentialMask:
    """What the credentials of one run look like."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}
        self._forms: list[tuple[str, str]] = []

    def learn(self, name: str, secret: str) -> None:
        """From now on this value is not shown, if it has 6 bytes: less would be found anywhere."""
        if secret in self._known:
            return
        made: dict[str, str] = {}
        for start in range(0, len(secret), _PIECE):
            piece = secret[start : start + _PIECE]
            made.update((form.decode(), f"[credential {name}]") for form in forms(piece))
        self._known[secret] = made
        if len(self._known) > MOST:
            self._known.pop(next(iter(self._known)))
        # Longest first, so that no rest of an encoding stays behind.
        pairs = {form: mask for each in self._known.values() for form, mask in each.items()}
        self._forms = sorted(pairs.items(), key=lambda pair: (-len(pair[0]), pair[0]))

    def clean(self, text: str) -> str:
        """The text without them."""
        for form, mask in self._forms:
            if form in text:
                text = text.replace(form, mask)
        return text
