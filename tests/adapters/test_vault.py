"""The vault gives a secret back to its tenant under its placeholder, and nobody anything else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.vault import AeadVault
from remit.errors import ConfigError, VaultSealBroken

KEY = bytes(range(32))
VAULT = AeadVault(KEY)
OTHER = AeadVault(KEY[::-1])
NAME = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
SECRET = st.text(st.characters(), max_size=200)  # lone surrogates too


@pytest.mark.requirement("SEC-1", "TOOL-9")
@given(tenant=NAME, kind=NAME, secret=SECRET)
def test_a_secret_comes_back_exactly(tenant: str, kind: str, secret: str) -> None:
    placeholder = VAULT.placeholder(tenant, kind, secret)
    sealed = VAULT.seal(tenant, placeholder, secret)
    assert VAULT.open(tenant, placeholder, sealed) == secret
    assert AeadVault(KEY).open(tenant, placeholder, sealed) == secret


@pytest.mark.requirement("SEC-1")
def test_a_placeholder_names_a_secret_and_tells_nothing_of_it() -> None:
    secret = "horse"
    name = VAULT.placeholder("acme", "aws_key", secret)
    form = re.fullmatch(r"\[secret:aws_key:([0-9a-f]+)\]", name)
    assert form is not None
    assert len(form[1]) * 4 >= 64  # bits
    assert VAULT.placeholder("acme", "aws_key", secret) == name
    others = {
        VAULT.placeholder("acme", "aws_key", secret + "!"),
        VAULT.placeholder("acme", "jwt", secret),
        VAULT.placeholder("globex", "aws_key", secret),
        OTHER.placeholder("acme", "aws_key", secret),
    }
    assert len({each.rpartition(":")[2] for each in others | {name}}) == 5


@pytest.mark.requirement("TEN-1")
def test_nothing_else_opens_it() -> None:
    placeholder = VAULT.placeholder("acme", "key", "s")
    sealed = VAULT.seal("acme", placeholder, "s")
    for vault, tenant, name in (
        (VAULT, "globex", placeholder),
        (VAULT, "acme", VAULT.placeholder("acme", "key", "t")),
        (OTHER, "acme", placeholder),
    ):
        with pytest.raises(VaultSealBroken, match="cannot be opened"):
            vault.open(tenant, name, sealed)


@given(data=st.data())
def test_a_changed_seal_is_broken(data: st.DataObject) -> None:
    sealed = VAULT.seal("acme", "[secret:x:1]", "the secret")
    what = data.draw(st.sampled_from(["flip", "cut", "add"]))
    place = data.draw(st.integers(0, len(sealed) - 1))
    match what:
        case "flip":
            changed = bytearray(sealed)
            changed[place] ^= data.draw(st.integers(1, 255))
            wrong = bytes(changed)
        case "cut":
            wrong = sealed[:place]
        case _:
            wrong = sealed + bytes(place + 1)
    with pytest.raises(VaultSealBroken, match=r"\[secret:x:1\] cannot be opened"):
        VAULT.open("acme", "[secret:x:1]", wrong)


def test_the_same_secret_is_never_sealed_alike() -> None:
    seals = {VAULT.seal("acme", "[secret:x:1]", "s") for _ in range(50)}
    assert len(seals) == 50
    assert not any(b"the secret" in VAULT.seal("acme", "p", "the secret") for _ in range(5))


@pytest.mark.parametrize("key", [b"", b"short", bytes(33)])
def test_a_key_of_the_wrong_size_is_refused(key: bytes) -> None:
    with pytest.raises(ConfigError, match="32 bytes"):
        AeadVault(key)
