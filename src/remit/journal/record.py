"""A record is one append: what caused it, its events, and its link in the run's hash chain.

    commitment = SHA-256(salt, payload)
    hash       = SHA-256(previous hash, header, commitment)
    mac        = HMAC-SHA-256-128(key, hash)        (key id beside it)

The payload stands in the chain only through its salted commitment, so it can be erased, salt and
all, and the chain still verifies. The MAC says who wrote; it is not part of the chain, so whoever
may check MACs cannot forge the chain that others hold heads of.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from remit.errors import ChainBroken
from remit.journal.events import Event

FORMAT = b"remit-record-1"
GENESIS = bytes(32)
MAC_BYTES = 16
SALT_BYTES = 16  # 128 bits: an erased payload cannot be found again by guessing its content


UNUSED_JITTER = 500_000


class Cause(BaseModel):
    """What led to `count` of the record's events, and the facts of the world that were used."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    count: int
    now_ms: int = 0
    """The instant of the decision; stored only where it is not the record's own time."""
    jitter: int = UNUSED_JITTER
    """The dice of this decision, 0 to 1,000,000; stored only where they were rolled."""
    off: tuple[str, ...] = ()
    """Switches that were off and mattered."""
    stale_switches: bool = False
    refused: tuple[tuple[str, int], ...] = ()
    """(account, available) after the store refused this decision's holds."""
    limits: tuple[tuple[str, int], ...] = ()
    """(account, limit) of those whose limit is another than the run was started with."""
    health: tuple[tuple[str, Literal["open", "half_open"]], ...] = ()
    """Breakers of its models and tools that were not closed."""
    since: tuple[tuple[str, int], ...] = ()
    """Since when those that were open had not worked."""
    last_try: bool = False
    """The store had refused often enough for the budget to count as exhausted."""


class Body(BaseModel):
    """The payload of a record: causes and events, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    causes: tuple[Cause, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands in clear beside a payload and is bound by the chain."""

    tenant: str
    run: str
    version: int
    epoch: int
    time_ms: int
    engine: str

    def encode(self) -> bytes:
        """Length-prefixed fields, so that no two headers share an encoding."""
        fields = (
            self.tenant.encode(),
            self.run.encode(),
            str(self.version).encode(),
            str(self.epoch).encode(),
            str(self.time_ms).encode(),
            self.engine.encode(),
        )
        return FORMAT + b"".join(len(field).to_bytes(4, "big") + field for field in fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A sealed record as it is stored. `payload` and `salt` are empty once erased."""

    header: Header
    payload: bytes
    salt: bytes
    commitment: bytes
    previous: bytes
    hash: bytes
    mac: bytes
    key_id: str


def commit(salt: bytes, payload: bytes) -> bytes:
    """The salted commitment to an uncompressed payload."""
    return hashlib.sha256(salt + payload).digest()


def link(previous: bytes, header: Header, commitment: bytes) -> bytes:
    """The hash of a record in its run's chain."""
    return hashlib.sha256(previous + header.encode() + commitment).digest()


def authenticate(key: bytes, hash_: bytes) -> bytes:
    """The MAC of a record: HMAC-SHA-256 cut to 128 bits (RFC 2104, section 5)."""
    return hmac.digest(key, hash_, "sha256")[:MAC_BYTES]


def check_link(record: Record, previous: bytes, plain: bytes | None) -> None:
    """Raise `ChainBroken` unless `record` follows `previous` and holds what it commits to.

    `plain` is the uncompressed payload, None where it was erased.
    """
    where = f"{record.header.tenant}/{record.header.run} version {record.header.version}"
    if record.previous != previous:
        raise ChainBroken(f"{where}: does not follow the record before it (removed or reordered)")
    if link(previous, record.header, record.commitment) != record.hash:
        raise ChainBroken(f"{where}: its header or commitment was changed")
    if plain is not None and commit(record.salt, plain) != record.commitment:
        raise ChainBroken(f"{where}: its payload was changed")


def check_mac(record: Record, keys: dict[str, bytes]) -> None:
    """Raise `ChainBroken` unless the MAC of `record` is right under its named key."""
    where = f"{record.header.tenant}/{record.header.run} version {record.header.version}"
    key = keys.get(record.key_id)
    if key is None:
        raise ChainBroken(f"{where}: its MAC names the key {record.key_id!r}, which is not at hand")
    if not hmac.compare_digest(authenticate(key, record.hash), record.mac):
        raise ChainBroken(f"{where}: its MAC is wrong (written without the key)")
