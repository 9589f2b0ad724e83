"""Seal a tenant's journal: a Merkle tree over record hashes (RFC 6962) and signed tree heads.

    leaf = SHA-256(0x00, record hash)          node = SHA-256(0x01, left, right)

A head names a tenant, a count of records and the root over them, signed with Ed25519 (RFC 8032).
Who holds one can have it proved that a record stands in the journal, and that a later journal
contains all of the earlier one; who cut off the tail, or changed anything, cannot.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from remit.errors import ChainBroken

_LEAF, _NODE = b"\x00", b"\x01"
HEAD_FORMAT = "remit-head-1"
# A head is about 300 bytes; more than this is not one.
_MAX_HEAD_BYTES = 4096


def leaf_hash(entry: bytes) -> bytes:
    """The leaf of an entry, which is a record's hash."""
    return hashlib.sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node above two subtrees."""
    return hashlib.sha256(_NODE + left + right).digest()


class GrowingTree:
    """The root of a tree that only grows, in memory proportional to its height."""

    def __init__(self, entries: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        """Roots of the perfect subtrees, one for each bit that is set in `size`, largest first."""
        self.extend(entries)

    def extend(self, entries: Iterable[bytes]) -> None:
        """Add entries at the end."""
        for entry in entries:
            node = leaf_hash(entry)
            size = self.size
            while size & 1:
                node = node_hash(self._peaks.pop(), node)
                size >>= 1
            self._peaks.append(node)
            self.size += 1

    def root(self) -> bytes:
        """The root over all entries; that of the empty tree is the hash of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(entries: Iterable[bytes]) -> bytes:
    """The root of a tree over `entries`."""
    return GrowingTree(entries).root()


def _split(size: int) -> int:
    """The largest power of two below `size`: how many leaves go to the left."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(entries: Sequence[bytes], index: int) -> list[bytes]:
    """The proof that `entries[index]` is in their tree (RFC 6962, 2.1.1), from the leaf upwards."""
    if not 0 <= index < len(entries):
        raise ChainBroken(f"there is no record {index} in a tree of {len(entries)}")
    proof: list[bytes] = []
    start, end = 0, len(entries)
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(root_of(entries[middle:end]))
            end = middle
        else:
            proof.append(root_of(entries[start:middle]))
            start = middle
    return proof[::-1]


def consistency_proof(entries: Sequence[bytes], old_size: int) -> list[bytes]:
    """The proof that the tree over `entries` begins with its first `old_size` (RFC 6962, 2.1.2)."""
    if not 0 < old_size <= len(entries):
        raise ChainBroken(f"a tree of {len(entries)} records does not contain one of {old_size}")
    proof: list[bytes] = []
    start, end = 0, len(entries)
    whole = True  # the old tree is this whole subtree, seen from its left end
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            proof.append(root_of(entries[middle:end]))
            end = middle
        else:
            proof.append(root_of(entries[start:middle]))
            start = middle
            whole = False
    if not whole:
        proof.append(root_of(entries[start:end]))
    return proof[::-1]


def check_inclusion(
    entry: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Raise `ChainBroken` unless `proof` shows `entry` at `index` of the tree with this root.

    The algorithm of RFC 9162, 2.1.3.2.
    """
    node, last = leaf_hash(entry), size - 1
    place = index
    fits = 0 <= index < size
    for sibling in proof:
        fits = fits and last > 0
        if place & 1 or place == last:
            node = node_hash(sibling, node)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        place, last = place >> 1, last >> 1
    if not fits or last != 0 or node != root:
        raise ChainBroken(f"record {index} is not proved to be in the tree of {size} records")


def check_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Raise `ChainBroken` unless `proof` shows that the new tree begins with the old one.

    The algorithm of RFC 9162, 2.1.4.2.
    """
    where = f"the tree of {size} records is not proved to begin with that of {old_size}"
    if not 0 < old_size <= size:
        raise ChainBroken(where)
    if old_size == size:
        if proof or old_root != root:
            raise ChainBroken(where)
        return
    steps = iter(proof)
    perfect = old_size & (old_size - 1) == 0
    first = old_root if perfect else next(steps, None)
    if first is None:
        raise ChainBroken(where)
    found = _climb(old_size - 1, size - 1, first, steps)
    if found != (old_root, root):
        raise ChainBroken(where)


def _climb(
    place: int, last: int, first: bytes, steps: Iterator[bytes]
) -> tuple[bytes, bytes] | None:
    """The roots of the old and the new tree that a proof leads to; None if its length is wrong."""
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = first
    for sibling in steps:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        place, last = place >> 1, last >> 1
    return (old, new) if last == 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeHead:
    """What is signed: the journal of `tenant` had `size` records with this root at `time_ms`."""

    tenant: str
    size: int
    root: bytes
    time_ms: int

    def encode(self) -> bytes:
        """The signed text: canonical JSON (RFC 8785), which for this content is compact JSON."""
        content = {
            "format": HEAD_FORMAT,
            "root": self.root.hex(),
            "size": self.size,
            "tenant": self.tenant,
            "time_ms": self.time_ms,
        }
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def public_key(key: bytes) -> str:
    """The public key in hex, under which a reader knows who signs; `key`: 32 bytes, secret."""
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw().hex()


def sign_head(head: TreeHead, key: bytes) -> bytes:
    """The head with its signature, as JSON to be stored and handed out; `key`: 32 bytes, secret."""
    content: dict[str, object] = json.loads(head.encode())
    content["key"] = public_key(key)
    signer = Ed25519PrivateKey.from_private_bytes(key)
    content["signature"] = signer.sign(head.encode()).hex()
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def read_head(signed: bytes, *, trusted: Sequence[str] | None = None) -> TreeHead:
    """The head in `signed`, its signature checked. Raises `ChainBroken`.

    `trusted` are the public keys (hex) that may sign; None takes the one that stands in the head,
    which shows only that it was not damaged.
    """
    if len(signed) > _MAX_HEAD_BYTES:
        raise ChainBroken(f"a tree head of {len(signed)} bytes is none")
    try:
        head, key, signature = _parse(json.loads(signed))
        if trusted is not None and key not in trusted:
            raise ChainBroken(f"the tree head of {head.tenant} is signed by {key}, who is unknown")
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, head.encode())
    except InvalidSignature as exc:
        raise ChainBroken("the signature of a tree head is wrong") from exc
    except (ValueError, KeyError, TypeError) as exc:
        raise ChainBroken(f"a tree head cannot be read: {exc}") from exc
    return head


def _parse(content: Mapping[str, object]) -> tuple[TreeHead, str, bytes]:
    if content["format"] != HEAD_FORMAT:
        raise ValueError(f"its format is {content['format']!r}")
    size, time_ms = content["size"], content["time_ms"]
    if not isinstance(size, int) or not isinstance(time_ms, int):
        raise TypeError("size and time_ms are whole numbers")
    head = TreeHead(
        tenant=str(content["tenant"]),
        size=size,
        root=bytes.fromhex(str(content["root"])),
        time_ms=time_ms,
    )
    return head, str(content["key"]), bytes.fromhex(str(content["signature"]))
