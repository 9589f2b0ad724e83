"""What the tests of redaction share: a placeholder with a key, and streams cut at given places."""

import hashlib
import hmac
from collections.abc import Iterable

from remit.adapters.redaction.rule_files import builtin_rules
from remit.app.secrets import selected
from remit.policy.redact import Redactor
from remit.policy.secret_scan import SecretRules

BOOK = builtin_rules()
BUILTIN = selected(BOOK.rules, "normal")
RULES = SecretRules(BUILTIN)


def placeholder(kind: str, secret: str) -> str:
    """A placeholder as the vault makes it."""
    mac = hmac.new(b"test key", f"{kind}:{secret}".encode("utf-8", "surrogatepass"), "sha256")
    return f"[secret:{kind}:{mac.hexdigest()[:24]}]"


def streamed(redactor: Redactor, pieces: Iterable[str]) -> str:
    """All that a stream gives for these pieces."""
    stream = redactor.stream()
    return "".join([*map(stream.feed, pieces), stream.finish()])


def cut(text: str, size: int) -> list[str]:
    """The text in pieces of `size` characters."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def noise(size: int, seed: str) -> str:
    """Hexadecimal digits that are always the same."""
    return hashlib.shake_256(seed.encode()).hexdigest(size)[:size]
