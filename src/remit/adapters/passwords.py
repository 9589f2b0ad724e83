"""Passwords as Argon2id hashes (RFC 9106), through argon2-cffi; extra `server`."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_CHARS = (
    12  # NIST SP 800-63B asks for 8 beside a second factor and 15 alone; there are delays too
)
MAX_CHARS = 256  # longer than any passphrase, and no work for free
# RFC 9106, second recommended option: 64 MiB, three passes, four lanes.
_HASHER = PasswordHasher()


def _prepared(password: str) -> str:
    """The same password however a keyboard composes it (RFC 8265)."""
    return unicodedata.normalize("NFKC", password)


def problem_of_password(user: str, password: str) -> str:
    """What is wrong with a new password; empty where nothing is."""
    if not MIN_CHARS <= len(password) <= MAX_CHARS:
        return f"a password has {MIN_CHARS} to {MAX_CHARS} characters"
    if user.lower() in password.lower() or len(set(password)) < MIN_CHARS // 2:
        return "a password holds neither the user's name nor the same few characters"
    return ""


def hash_password(password: str) -> str:
    """The hash, with its parameters and a new salt. Takes 64 MiB and some 50 ms."""
    return _HASHER.hash(_prepared(password))


@cache
def _nobodys() -> str:
    return hash_password("nobody's password, for who does not exist")


def is_password(known: str, password: str) -> bool:
    """Whether it is the one of a hash; with an empty hash it takes as long, and never is."""
    try:
        _HASHER.verify(known or _nobodys(), _prepared(password[:MAX_CHARS]))
    except (VerificationError, InvalidHashError):
        return False
    return bool(known) and len(password) <= MAX_CHARS
