"""The Merkle tree is that of RFC 6962, its proofs hold and no other ones do; heads are signed."""

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ChainBroken
from remit.journal.seal import (
    GrowingTree,
    TreeHead,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    public_key,
    read_head,
    root_of,
    sign_head,
)

# The test vectors of the Certificate Transparency reference implementation (RFC 6962 authors):
# eight entries and the roots after each.
ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
EMPTY_ROOT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def naive_root(entries: list[bytes]) -> bytes:
    """The recursive definition of RFC 6962, 2.1, word for word."""
    n = len(entries)
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = 1
    while k * 2 < n:
        k *= 2
    left, right = naive_root(entries[:k]), naive_root(entries[k:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def naive_path(m: int, entries: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, 2.1.1."""
    n = len(entries)
    if n == 1:
        return []
    k = 1
    while k * 2 < n:
        k *= 2
    if m < k:
        return [*naive_path(m, entries[:k]), naive_root(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_root(entries[:k])]


def naive_subproof(m: int, entries: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of RFC 6962, 2.1.2."""
    n = len(entries)
    if m == n:
        return [] if whole else [naive_root(entries)]
    k = 1
    while k * 2 < n:
        k *= 2
    if m <= k:
        return [*naive_subproof(m, entries[:k], whole), naive_root(entries[k:])]
    return [*naive_subproof(m - k, entries[k:], False), naive_root(entries[:k])]


@pytest.mark.requirement("AUD-3")
def test_the_published_roots() -> None:
    assert root_of([]).hex() == EMPTY_ROOT
    tree = GrowingTree()
    for size, entry in enumerate(ENTRIES, start=1):
        tree.extend([entry])
        assert tree.size == size
        assert tree.root().hex() == ROOTS[size - 1]


@pytest.mark.requirement("AUD-3")
@pytest.mark.parametrize("size", range(1, 34))
def test_every_proof_of_small_trees_is_that_of_the_rfc_and_holds(size: int) -> None:
    entries = [number.to_bytes(32, "big") for number in range(size)]
    root = naive_root(entries)
    assert root_of(entries) == root
    for index in range(size):
        proof = inclusion_proof(entries, index)
        assert proof == naive_path(index, entries)
        check_inclusion(entries[index], index, size, proof, root)
    for old in range(1, size + 1):
        proof = consistency_proof(entries, old)
        assert proof == naive_subproof(old, entries, whole=True)
        check_consistency(old, naive_root(entries[:old]), size, root, proof)


SIZES = st.integers(1, 40)


@given(data=st.data(), size=SIZES)
def test_no_other_inclusion_is_proved(data: st.DataObject, size: int) -> None:
    entries = [number.to_bytes(32, "big") for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    proof, root = inclusion_proof(entries, index), root_of(entries)
    wrong: list[tuple[bytes, int, int, list[bytes], bytes]] = [
        (bytes(31) + b"\xff", index, size, proof, root),
        (entries[index], index, size, proof, bytes(32)),
        (entries[index], index, size, [*proof, bytes(32)], root),
        (entries[index], -1, size, proof, root),
        (entries[index], size, size, proof, root),
    ]
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index)) if size > 1 else size
    wrong.append((entries[index], other, size, proof, root))
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
        wrong += [
            (entries[index], index, size, changed, root),
            (entries[index], index, size, proof[:-1], root),
        ]
    for each in wrong:
        with pytest.raises(ChainBroken, match="is not proved to be in the tree"):
            check_inclusion(*each)


@given(data=st.data(), size=SIZES)
def test_no_other_consistency_is_proved(data: st.DataObject, size: int) -> None:
    entries = [number.to_bytes(32, "big") for number in range(size)]
    old = data.draw(st.integers(1, size))
    proof = consistency_proof(entries, old)
    old_root, root = root_of(entries[:old]), root_of(entries)
    wrong: list[tuple[int, bytes, int, bytes, list[bytes]]] = [
        (old, bytes(32), size, root, proof),
        (old, old_root, size, bytes(32), proof),
        (old, old_root, size, root, [*proof, bytes(32)]),
        (0, old_root, size, root, proof),
        (size + 1, old_root, size, root, proof),
    ]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        changed = [*proof[:place], bytes(32), *proof[place + 1 :]]
        wrong += [
            (old, old_root, size, root, changed),
            (old, old_root, size, root, proof[:-1]),
            (old, old_root, size, root, []),
        ]
    for each in wrong:
        with pytest.raises(ChainBroken, match="is not proved to begin with"):
            check_consistency(*each)


@pytest.mark.requirement("AUD-3")
@given(data=st.data(), size=st.integers(2, 40))
def test_a_changed_past_has_no_proof(data: st.DataObject, size: int) -> None:
    """Whoever changes, removes, inserts or swaps an old record cannot prove the head they gave."""
    entries = [number.to_bytes(32, "big") for number in range(size)]
    old = data.draw(st.integers(1, size))
    held = root_of(entries[:old])
    place = data.draw(st.integers(0, old - 1))
    match data.draw(st.sampled_from(["change", "remove", "insert"])):
        case "change":
            forged = [*entries[:place], b"x" * 32, *entries[place + 1 :]]
        case "remove":
            forged = [*entries[:place], *entries[place + 1 :], b"x" * 32]
        case _:
            forged = [*entries[:place], b"x" * 32, *entries[place:]]
    with pytest.raises(ChainBroken):
        check_consistency(old, held, len(forged), root_of(forged), consistency_proof(forged, old))


def test_there_is_no_proof_about_what_is_not_there() -> None:
    with pytest.raises(ChainBroken, match="no record 3 in a tree of 3"):
        inclusion_proof(ENTRIES[:3], 3)
    with pytest.raises(ChainBroken, match="no record -1"):
        inclusion_proof(ENTRIES[:3], -1)
    for old in (0, 4):
        with pytest.raises(ChainBroken, match=f"does not contain one of {old}"):
            consistency_proof(ENTRIES[:3], old)


# ---------------------------------------------------------------- heads

KEY = bytes(range(32))
HEAD = TreeHead(tenant="acmé", size=7, root=bytes(range(32)), time_ms=1_795_000_000_000)


@pytest.mark.requirement("AUD-3")
def test_a_signed_head_is_read_back() -> None:
    signed = sign_head(HEAD, KEY)
    assert read_head(signed) == HEAD
    assert read_head(signed, trusted=[public_key(KEY)]) == HEAD
    content = json.loads(signed)
    assert content["format"] == "remit-head-1"
    assert content["key"] == public_key(KEY)


def test_the_signed_text_is_canonical_json() -> None:
    """RFC 8785: keys in order, no spaces, UTF-8."""
    text = HEAD.encode().decode()
    assert text == (
        '{"format":"remit-head-1","root":"' + bytes(range(32)).hex() + '","size":7,'
        '"tenant":"acmé","time_ms":1795000000000}'
    )
    Ed25519PrivateKey.from_private_bytes(KEY).public_key().verify(
        bytes.fromhex(json.loads(sign_head(HEAD, KEY))["signature"]), HEAD.encode()
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", 8),
        ("tenant", "acme"),
        ("time_ms", 1),
        ("root", bytes(32).hex()),
        ("signature", bytes(64).hex()),
        (
            "key",
            public_key(bytes(32)),
        ),
    ],
)
@pytest.mark.requirement("AUD-3")
def test_a_changed_head_is_refused(name: str, value: object) -> None:
    content = json.loads(sign_head(HEAD, KEY))
    content[name] = value
    with pytest.raises(ChainBroken, match="signature of a tree head is wrong"):
        read_head(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("name", "value"),
    [("format", "remit-head-2"), ("size", "7"), ("time_ms", None), ("root", "xy"), ("key", "00")],
)
def test_what_is_no_head_is_refused(name: str, value: object) -> None:
    content = json.loads(sign_head(HEAD, KEY))
    content[name] = value
    with pytest.raises(ChainBroken, match="cannot be read"):
        read_head(json.dumps(content).encode())
    del content[name]
    with pytest.raises(ChainBroken, match="cannot be read"):
        read_head(json.dumps(content).encode())


def test_a_head_of_somebody_else_is_refused() -> None:
    with pytest.raises(ChainBroken, match=r"acmé is signed by [0-9a-f]{64}, who is unknown"):
        read_head(sign_head(HEAD, KEY), trusted=["00" * 32])
    with pytest.raises(ChainBroken, match="5000 bytes is none"):
        read_head(b"{" * 5000)
    with pytest.raises(ChainBroken, match="cannot be read"):
        read_head(b"[]")
