"""Identifiers are prefixed, sortable by time and safe in paths, URLs and file names."""

import re

from remit.errors import ConfigError

# Crockford's alphabet: no I, L, O, U, so that a spoken or typed id is not mistaken.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_CHARS = 10  # 50 bits of milliseconds: until the year 37,000
_RANDOM_CHARS = 16
ENTROPY_BYTES = 10  # 80 random bits a millisecond: no clash at any rate a fleet reaches
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}", re.ASCII)
MAX_DEPTH_CHARS = 512  # a sub-run's id holds its ancestors' calls; the depth cap keeps it far below


def _encode(number: int, chars: int) -> str:
    out = []
    for _ in range(chars):
        number, digit = divmod(number, 32)
        out.append(_ALPHABET[digit])
    return "".join(reversed(out))


def make_id(prefix: str, now_ms: int, entropy: bytes) -> str:
    """`prefix_` + 10 characters of time + 16 of the 10 bytes `entropy` (the layout of a ULID)."""
    if len(entropy) != ENTROPY_BYTES:
        raise ConfigError(f"an id needs {ENTROPY_BYTES} bytes of entropy, got {len(entropy)}")
    number = int.from_bytes(entropy, "big")
    return f"{prefix}_{_encode(now_ms, _TIME_CHARS)}{_encode(number, _RANDOM_CHARS)}"


def made_ms(identifier: str) -> int:
    """The time at which an id was made, in milliseconds since 1970. Raises `ConfigError`."""
    digits = identifier.partition("_")[2][:_TIME_CHARS]
    if len(digits) != _TIME_CHARS or not set(digits) <= set(_ALPHABET):
        raise ConfigError(f"{identifier!r} is no id made here: it begins with prefix_ and a time")
    number = 0
    for digit in digits:
        number = number * len(_ALPHABET) + _ALPHABET.index(digit)
    return number


def call_id(number: int) -> str:
    """Own id of the n-th call of a run (from 1); unique in its run, the same on every replay."""
    return f"c{number}"


def subrun_id(run: str, call: str) -> str:
    """The id of the run that a call starts: the parent's id and the call's."""
    return f"{run}.{call}"


def parent_of(run: str) -> tuple[str, str] | None:
    """(parent run, call) of a sub-run's id, or None for a root."""
    head, dot, tail = run.rpartition(".")
    return (head, tail) if dot else None


def root_of(run: str) -> str:
    """The run at the top of a tree of sub-runs."""
    return run.partition(".")[0]


def idempotency_key(run: str, call: str) -> str:
    """The key a tool passes on, the same however often one call is tried."""
    return f"{run}:{call}"


def check_name(kind: str, value: str) -> str:
    """`value` if it can name a tenant, user, session or agent, else `ConfigError`."""
    if not _NAME.fullmatch(value):
        raise ConfigError(
            f"{kind} {value!r}: use 1 to 128 of letters, digits, '.', '_', '-', '@', '+', "
            "beginning with a letter or digit"
        )
    return value
