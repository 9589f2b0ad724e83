"""Keys of a journal: one for MACs, one for the vault, one that signs tree heads."""

import base64
import hashlib
import json
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from remit.errors import ConfigError

_KEY_BYTES = 32
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
# Group and others: whoever reads the MAC key can forge records, whoever writes it can replace it.
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAX_BYTES = 64 * 1024  # room for some hundred old keys; more is no set of keys
_NAMES = ("mac", "vault", "head")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one journal. `old_macs` still verify what they once authenticated."""

    mac: bytes = field(repr=False)
    vault: bytes = field(repr=False)
    head: bytes = field(repr=False)
    """Ed25519, the 32 bytes of RFC 8032; who signs makes a key of it."""
    old_macs: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def mac_id(self) -> str:
        """The name of the MAC key: the beginning of its hash."""
        return key_id(self.mac)

    def macs(self) -> dict[str, bytes]:
        """All MAC keys by their names."""
        return {key_id(key): key for key in (self.mac, *self.old_macs)}

    def texts(self) -> dict[str, str]:
        """All keys in base64 by their names, as a file of keys holds them."""
        keys = {"mac": self.mac, "vault": self.vault, "head": self.head}
        keys |= {f"old_mac_{number}": key for number, key in enumerate(self.old_macs)}
        return {f"remit_{name}": base64.b64encode(key).decode() for name, key in keys.items()}


def key_id(key: bytes) -> str:
    """Eight hex digits that name a key without telling anything of it."""
    return hashlib.sha256(b"remit-key-id|" + key).hexdigest()[:8]


def new_keys() -> str:
    """The text of a new set of keys, for a file or the variable REMIT_KEYS."""
    made = {name: base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode() for name in _NAMES}
    return json.dumps({"format": 1, **made}, indent=1)


def parse_keys(text: str, where: str) -> Keys:
    """Keys from their JSON text. Raises `ConfigError` that never shows a key."""
    try:
        tree = json.loads(text)
        raw = {name: base64.b64decode(tree[name], validate=True) for name in _NAMES}
        old = tuple(base64.b64decode(key, validate=True) for key in tree.get("old_macs", []))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError(
            f"{where}: not a set of keys; it is JSON with {', '.join(_NAMES)} in base64, "
            "as `remit keys new` prints"
        ) from None  # the cause would show the text
    if any(len(key) != _KEY_BYTES for key in (*raw.values(), *old)):
        raise ConfigError(f"{where}: each key has {_KEY_BYTES} bytes")
    return Keys(raw["mac"], raw["vault"], raw["head"], old)


def read_keys(path: Path, *, make: bool) -> Keys:
    """The keys in a file; with `make` a missing file is made, once, readable by its owner only.

    Raises `ConfigError` when it is missing, belongs to or can be read by others, or is not a set
    of keys. `make` is for a journal that does not exist yet: without their keys the records of an
    old one can neither be verified nor their secrets be opened.
    """
    try:
        if make and not path.exists():
            _make(path)
        return parse_keys(_read(path), str(path))
    except FileNotFoundError as exc:
        raise ConfigError(
            f"{path}: the journal's keys are missing; restore the file, or the journal cannot be "
            "verified"
        ) from exc
    except OSError as exc:
        raise ConfigError(
            f"{path}: the journal's keys cannot be read or made ({exc.strerror}); the user of this "
            "process needs to read the file, or to write its folder where it is new"
        ) from exc


def _read(path: Path) -> str:
    # A FIFO would block for ever without O_NONBLOCK; mounted secrets are symbolic links.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path}: the keys stand in a plain file, and this is none")
        if found.st_uid not in {0, os.geteuid()}:
            raise ConfigError(
                f"{path}: the keys belong to another user; say chown {os.geteuid()} {path}"
            )
        if found.st_mode & _OTHERS:
            raise ConfigError(f"{path}: others can read the keys; say chmod 600 {path}")
        return file.read(_MAX_BYTES).decode(errors="replace")


def _make(path: Path) -> None:
    """Write a new file completely, then give it its name if nobody was faster."""
    path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(new_keys())
            file.flush()
            os.fsync(descriptor)
        with suppress(FileExistsError):  # another process was faster: its keys count
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # the name must outlive a power cut that the journal outlives
    finally:
        os.close(folder)
