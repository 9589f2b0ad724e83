"""The keys of this process: from REMIT_KEYS, REMIT_KEY_FILE, or a file beside a SQLite journal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol, cast

from remit.app.config import Settings
from remit.app.lazy import LazyVault
from remit.app.load import named, sqlite_path
from remit.errors import ConfigError
from remit.ports import Vault
from remit.runtime.services import Signer


class _Keys(Protocol):
    @property
    def mac(self) -> bytes: ...
    @property
    def mac_id(self) -> str: ...
    @property
    def vault(self) -> bytes: ...
    @property
    def head(self) -> bytes: ...
    def macs(self) -> dict[str, bytes]: ...
    def texts(self) -> dict[str, str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """What the process can do with its keys."""

    signer: Signer
    vault: Vault
    head: bytes = field(repr=False)
    """It signs heads (Ed25519)."""
    macs: Mapping[str, bytes]
    """MAC keys by id, to verify with."""
    texts: Mapping[str, str] = field(repr=False)
    """The keys in base64 by name, as they stand in a file: secrets that no text may show."""
    hidden: tuple[str, ...]
    """Host paths of journal and keys, never visible in a sandbox."""


# A folder of Remit's own: whatever lies in it is out of a sandbox's sight.
_OWN_FOLDER = ".remit"
_BESIDE = ("", "-wal", "-shm", "-journal", ".keys", ".owners")


def _journal_paths(journal: Path) -> list[str]:
    """What to hide of a SQLite journal: its own folder, else the files that belong to it."""
    if journal.parent.name == _OWN_FOLDER:
        return [str(journal.parent)]
    return [str(journal.with_name(f"{journal.name}{suffix}")) for suffix in _BESIDE]


def hidden_paths(settings: Settings, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Host paths of journal and keys, whether they exist yet or not."""
    found: list[str] = []
    if settings.url.startswith("sqlite:"):
        found += _journal_paths(sqlite_path(settings.url).absolute())
    if variables.get("REMIT_KEY_FILE"):
        found.append(str(Path(variables["REMIT_KEY_FILE"]).absolute()))
    return tuple(found)


def open_keys(settings: Settings, variables: Mapping[str, str]) -> Keyring:
    """The keys of the journal. Raises `ConfigError` naming the file or variable and the remedy."""
    parse = cast("Callable[[str, str], _Keys]", named("remit.adapters.keys", "parse_keys", ""))
    read = cast("Callable[..., _Keys]", named("remit.adapters.keys", "read_keys", ""))
    if variables.get("REMIT_KEYS"):
        keys = parse(variables["REMIT_KEYS"], "REMIT_KEYS")
    elif variables.get("REMIT_KEY_FILE"):
        keys = read(Path(variables["REMIT_KEY_FILE"]).absolute(), make=False)
    elif settings.url.startswith("sqlite:"):
        path = sqlite_path(settings.url).absolute()
        fresh_journal = settings.environment != "production" and not path.exists()
        keys = read(path.with_name(f"{path.name}.keys"), make=fresh_journal)
    elif settings.url.startswith("memory:"):
        fresh = cast("Callable[[], str]", named("remit.adapters.keys", "new_keys", ""))
        keys = parse(fresh(), "keys in memory")
    else:
        raise ConfigError(
            "no keys: set REMIT_KEYS to what `remit keys new` prints, or REMIT_KEY_FILE to its file"
        )
    return Keyring(
        signer=Signer(key=keys.mac, key_id=keys.mac_id),
        vault=LazyVault(partial(_vault, keys.vault)),
        head=keys.head,
        macs=keys.macs(),
        texts=keys.texts(),
        hidden=hidden_paths(settings, variables),
    )


def _vault(key: bytes) -> Vault:
    return cast("Callable[[bytes], Vault]", named("remit.adapters.vault", "AeadVault", ""))(key)
