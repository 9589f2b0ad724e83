"""Bodies to stored bytes and back; old events are lifted to today's shape by upcasters."""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping

from pydantic import ValidationError

from remit.errors import ChainBroken, StoreCorrupt
from remit.journal.dictionary import DICTIONARY_1
from remit.journal.record import Body, Header, Record, authenticate, commit, link

# A record holds one decision's events; whole tool results are artifacts. A bigger one is damage.
MAX_PLAIN_BYTES = 32 * 1024 * 1024
_PLAIN, _DEFLATE_1 = 0, 1
_RAW_DEFLATE = -15  # no zlib header: the first byte says the format already
# Made once and copied: to take the dictionary in costs a third of packing a small record.
_SQUEEZE = zlib.compressobj(6, zlib.DEFLATED, _RAW_DEFLATE, zdict=DICTIONARY_1)

JsonObject = dict[str, object]
Upcaster = Callable[[JsonObject], JsonObject]

UPCASTERS: Mapping[tuple[str, int], Upcaster] = {}
"""(event type, stored shape number) -> the next shape. Shape 1 is stored without a number."""


def encode_body(body: Body) -> bytes:
    """The plain payload: JSON, fields at their default left out."""
    return body.model_dump_json(exclude_defaults=True).encode()


def compress(plain: bytes) -> bytes:
    """The stored form: a format byte and raw deflate with the preset dictionary."""
    squeeze = _SQUEEZE.copy()
    packed = squeeze.compress(plain) + squeeze.flush()
    if len(packed) < len(plain):
        return bytes([_DEFLATE_1]) + packed
    return bytes([_PLAIN]) + plain


def decompress(stored: bytes) -> bytes:
    """The plain payload. Raises `StoreCorrupt` for anything `compress` cannot have written."""
    if not stored:
        raise StoreCorrupt("a record's payload is empty")
    form, rest = stored[0], stored[1:]
    if form == _PLAIN:
        return rest
    if form != _DEFLATE_1:
        raise StoreCorrupt(f"a record's payload has the unknown format {form}")
    inflate = zlib.decompressobj(_RAW_DEFLATE, zdict=DICTIONARY_1)
    try:
        plain = inflate.decompress(rest, MAX_PLAIN_BYTES)
    except zlib.error as exc:
        raise StoreCorrupt(f"a record's payload cannot be decompressed: {exc}") from exc
    if not inflate.eof or inflate.unused_data:
        raise StoreCorrupt("a record's payload is cut short, too large, or has bytes after its end")
    return plain


def lift(event: JsonObject, upcasters: Mapping[tuple[str, int], Upcaster]) -> JsonObject:
    """`event` brought to today's shape, one upcaster at a time."""
    kind = str(event.get("type"))
    shape = event.pop("shape", 1)
    if not isinstance(shape, int):
        raise StoreCorrupt(f"an event of type {kind} has the shape {shape!r}")
    while (kind, shape) in upcasters:
        event = upcasters[(kind, shape)](event)
        kind, shape = str(event.get("type", kind)), shape + 1
    return event


def decode_body(plain: bytes, upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS) -> Body:
    """The body of a plain payload. Raises `StoreCorrupt` when it is none."""
    try:
        if upcasters:
            tree = json.loads(plain)
            tree["events"] = [lift(event, upcasters) for event in tree["events"]]
            plain = json.dumps(tree).encode()
        return Body.model_validate_json(plain)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise StoreCorrupt(f"a record's payload is not a body of events: {exc}") from exc


def seal(
    header: Header, body: Body, *, previous: bytes, salt: bytes, key: bytes, key_id: str
) -> Record:
    """The record of `body`, linked to `previous` and authenticated."""
    plain = encode_body(_without_time(body, header.time_ms))
    if len(plain) > MAX_PLAIN_BYTES:
        raise StoreCorrupt(f"a record of {len(plain)} bytes is larger than {MAX_PLAIN_BYTES}")
    commitment = commit(salt, plain)
    hash_ = link(previous, header, commitment)
    return Record(
        header=header,
        payload=compress(plain),
        salt=salt,
        commitment=commitment,
        previous=previous,
        hash=hash_,
        mac=authenticate(key, hash_),
        key_id=key_id,
    )


def open_record(record: Record) -> Body | None:
    """The body of a record, checked against its commitment; None where it was erased."""
    plain = plain_of(record)
    return None if plain is None else body_of(plain, record.header)


def plain_of(record: Record) -> bytes | None:
    """The plain payload of a record, checked against its commitment; None where it was erased."""
    if not record.payload:
        return None
    plain = decompress(record.payload)
    if commit(record.salt, plain) != record.commitment:
        header = record.header
        raise ChainBroken(
            f"{header.tenant}/{header.run} version {header.version}: its payload was changed"
        )
    return plain


def body_of(plain: bytes, header: Header) -> Body:
    """The body in the plain payload of a record. Raises `StoreCorrupt` when it is none."""
    body = decode_body(plain)
    for cause in body.causes:
        if not cause.now_ms:
            # Nobody holds it yet; to copy it would cost more than to read it.
            object.__setattr__(cause, "now_ms", header.time_ms)
    return body


def may_hold(plain: bytes, types: Iterable[bytes]) -> bool:
    """False where no event of these types stands in a plain payload: it need not be read."""
    if UPCASTERS:
        return True
    for each in types:  # noqa: SIM110  # asked of every record of a journal; a generator doubles it
        if each in plain:
            return True
    return False


def _without_time(body: Body, time_ms: int) -> Body:
    causes = tuple(
        cause.model_copy(update={"now_ms": 0}) if cause.now_ms == time_ms else cause
        for cause in body.causes
    )
    return Body.model_construct(causes=causes, events=body.events)
