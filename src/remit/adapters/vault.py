"""AeadVault seals secrets under a key per tenant: ChaCha20-Poly1305 (RFC 8439), HKDF (RFC 5869)."""

import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from remit.errors import ConfigError, VaultSealBroken

_NONCE_BYTES = 12  # of ChaCha20-Poly1305; random: one key seals far fewer than 2**32 secrets
_KEY_BYTES = 32
_NAME_HEX = 24  # 96 bits of the keyed HMAC: no guessing, no clash
# Tenants whose derived keys are kept; deriving again takes microseconds.
_TENANTS = 1024


class AeadVault:
    """Seals and opens secrets; `key` is 32 random bytes. Raises `ConfigError` for another size."""

    def __init__(self, key: bytes) -> None:
        if len(key) != _KEY_BYTES:
            raise ConfigError(f"the vault's key has {_KEY_BYTES} bytes, not {len(key)}")
        self._key = key
        self._derived = lru_cache(maxsize=_TENANTS)(self._derive)

    def _derive(self, tenant: str, use: str) -> bytes:
        context = f"remit-vault-1|{use}|{tenant}".encode()
        return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=context).derive(
            self._key
        )

    def placeholder(self, tenant: str, kind: str, secret: str) -> str:
        """`[secret:KIND:…]` with a keyed HMAC of the secret, the same for the same secret."""
        mac = hmac.digest(self._derived(tenant, "name"), _bytes(f"{kind}|{secret}"), "sha256")
        return f"[secret:{kind}:{mac.hex()[:_NAME_HEX]}]"

    def seal(self, tenant: str, placeholder: str, secret: str) -> bytes:
        """Nonce and sealed secret, bound to tenant and placeholder."""
        nonce = os.urandom(_NONCE_BYTES)
        box = ChaCha20Poly1305(self._derived(tenant, "seal"))
        return nonce + box.encrypt(nonce, _bytes(secret), f"{tenant}|{placeholder}".encode())

    def open(self, tenant: str, placeholder: str, sealed: bytes) -> str:
        """The secret. Raises `VaultSealBroken`."""
        box = ChaCha20Poly1305(self._derived(tenant, "seal"))
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            plain = box.decrypt(nonce, rest, f"{tenant}|{placeholder}".encode())
            return plain.decode(errors="surrogatepass")
        except (InvalidTag, ValueError) as exc:
            raise VaultSealBroken(
                f"{placeholder} cannot be opened: another vault key, or it was changed"
            ) from exc


def _bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate (from bytes that were no UTF-8) is kept, the secret must be exact."""
    return text.encode(errors="surrogatepass")
