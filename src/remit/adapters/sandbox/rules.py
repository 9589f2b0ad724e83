"""Landlock: restrict this process and all it starts to declared files, for good.

Source: the kernel's Documentation/userspace-api/landlock.rst and include/uapi/linux/landlock.h.
"""

import os
import stat
import struct

from remit.adapters.sandbox import kernel
from remit.adapters.sandbox.plan import HIDE, READ, WRITE

# LANDLOCK_ACCESS_FS_*
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_READ_FILE = 1 << 2
_READ_DIR = 1 << 3
_REMOVE_DIR = 1 << 4
_REMOVE_FILE = 1 << 5
_MAKE_CHAR = 1 << 6
_MAKE_BLOCK = 1 << 11
_REFER = 1 << 13  # version 2
_TRUNCATE = 1 << 14  # version 3
_IOCTL_DEV = 1 << 15  # version 5
_FIRST_VERSION = (1 << 13) - 1
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV

# LANDLOCK_ACCESS_NET_BIND_TCP | CONNECT_TCP, version 4
_TCP = 0b11
# LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | SIGNAL, version 6
_SCOPES = 0b11
_RULE_PATH_BENEATH = 1
_GET_VERSION = 1

LOOK = _READ_DIR
USE = _EXECUTE | _READ_FILE | _READ_DIR
DEVICE = _READ_FILE | _WRITE_FILE
# Everything but devices, made or controlled.
CHANGE = (_FIRST_VERSION | _REFER | _TRUNCATE) & ~(_MAKE_CHAR | _MAKE_BLOCK)

# Versions from which on truncating by name, and signals to processes outside, are covered.
TRUNCATES = 3
SCOPES = 6

# More rules than this mean a folder with very many entries around a hidden one.
_MAX_RULES = 20_000


def version() -> int:
    """The version of the kernel's Landlock, 0 where there is none."""
    try:
        return kernel.syscall("landlock", kernel.LANDLOCK_CREATE_RULESET, None, 0, _GET_VERSION)
    except OSError:
        return 0


def handled(abi: int) -> int:
    """Every file access this version can control."""
    return (
        _FIRST_VERSION
        | (_REFER if abi >= 2 else 0)  # noqa: PLR2004  # versions, see the constants
        | (_TRUNCATE if abi >= 3 else 0)  # noqa: PLR2004  # the same
        | (_IOCTL_DEV if abi >= 5 else 0)  # noqa: PLR2004  # the same
    )


def restrict(grants: list[tuple[str, int]], abi: int, *, own_network: bool) -> None:
    """Deny this process every file access but the granted ones; irrevocable.

    Without an own network namespace TCP is denied too. Signals to and abstract sockets of
    processes outside are denied where the kernel can (version 6).
    """
    files = handled(abi)
    attributes = struct.pack("=Q", files)
    if abi >= 4:  # noqa: PLR2004  # the version that has it
        attributes += struct.pack("=Q", 0 if own_network else _TCP)
    if abi >= 6:  # noqa: PLR2004  # the version that has it
        attributes += struct.pack("=Q", _SCOPES)
    ruleset = kernel.syscall(
        "landlock_create_ruleset", kernel.LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0
    )
    try:
        for path, rights in grants:
            _grant(ruleset, path, rights & files)
        kernel.syscall("landlock_restrict_self", kernel.LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _grant(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = kernel.open_without_links(path)
    except FileNotFoundError:
        return  # vanished since: nothing to grant
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISLNK(mode):
            return
        if not stat.S_ISDIR(mode):
            rights &= _ON_FILES
        if rights:
            rule = struct.pack("=Qi", rights, fd)
            kernel.syscall(
                f"landlock_add_rule {path}",
                kernel.LANDLOCK_ADD_RULE,
                ruleset,
                _RULE_PATH_BENEATH,
                rule,
                0,
            )
    finally:
        os.close(fd)


def carve(view: list[tuple[str, str, str]]) -> list[tuple[str, int]]:
    """Grants for a view in which an inner path may allow less than the outer one.

    Landlock can only add rights on the way down. So around an inner path with fewer rights the
    siblings are granted one by one; what is made directly beside them later stays out of reach.
    """
    special = {host: how for _, host, how in view}
    grants: list[tuple[str, int]] = []
    for _, host, how in view:
        if how != HIDE:
            _carve(host, how, special, grants)
    return grants


def _carve(path: str, how: str, special: dict[str, str], grants: list[tuple[str, int]]) -> None:
    inner = [kind for host, kind in special.items() if host.startswith(path + "/")]
    if len(grants) > _MAX_RULES:
        raise OSError(7, f"landlock: more than {_MAX_RULES} entries around hidden paths")
    full = USE if how == READ else CHANGE
    if HIDE in inner:
        grants.append((path, LOOK))
    elif how == WRITE and READ in inner:
        grants.append((path, USE))
    else:
        grants.append((path, full))
        return
    for entry in sorted(os.listdir(path)):
        child = f"{path}/{entry}"
        if child not in special and not os.path.islink(child):
            _carve(child, how, special, grants)
