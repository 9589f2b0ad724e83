"""The seccomp filter: which system calls a confined program may not make.

A deny list on top of namespaces and Landlock, which decide about files; the filter closes what they
leave open. Calls newer than the review (`calls.LAST`) do not exist. Instruction format:
include/uapi/linux/filter.h; data: struct seccomp_data.
"""

import os
import struct

from remit.adapters.sandbox import calls

# BPF_LD|W|ABS, BPF_JMP|JEQ|K, JGE, JSET, BPF_RET|K
_LOAD = 0x20
_EQUAL = 0x15
_AT_LEAST = 0x35
_ANY_BIT = 0x45
_RETURN = 0x06

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_NOTIFY = 0x7FC00000
_EPERM = 1
_ENOTTY = 25
_ENOSYS = 38
_EAFNOSUPPORT = 97

# struct seccomp_data
_NUMBER = 0
_ARCH = 4
_ARGS = 16

# x32 calls have this bit: another table, which nobody reviewed.
_X32 = 0x40000000
# NEWTIME, NS, CGROUP, UTS, IPC, USER, PID, NET of include/uapi/linux/sched.h
_NAMESPACES = 0x7E020080
# Pushing characters into a terminal's input: TIOCSTI, TIOCLINUX.
_TERMINAL = (0x5412, 0x541C)
# Signals when a descriptor gets ready, to any process: F_SETOWN, F_SETOWN_EX; FIOSETOWN, SIOCSPGRP.
_OWNER = (8, 15)
_OWNER_IOCTL = (0x8901, 0x8902)
# Of all others only those of terminals, pipes and descriptors ('T' in the second byte) and copies
# of blocks (FICLONE, FICLONERANGE: the target must be open for writing). Others change a file's
# flags though it is only open for reading, or show the machine's network.
_TYPE = 0xFF00
_TYPE_T = 0x5400
_CLONES = (0x40049409, 0x4020940D)

# S_ISUID and S_ISGID; O_CREAT and the own bit of O_TMPFILE.
_SET_ID = 0o6000
_MAKES = 0o100 | 0o20000000
# SECCOMP_FILTER_FLAG_NEW_LISTENER
_NEW_LISTENER = 8

_AF_UNIX = 1
_AF_INET = 2
_AF_INET6 = 10
_SOCK_STREAM = 1
_SOCK_SEQPACKET = 5
_SOCK_TYPE = 0xF

_Code = list[tuple[int, int, int, int]]


def is_known() -> bool:
    """Whether a filter can be built for this machine's architecture."""
    return os.uname().machine in calls.ARCHITECTURES


def build_filter(
    *, own_namespaces: bool, gate: bool = False, signals_scoped: bool = True, truncate: bool = True
) -> bytes:
    """The program for this machine; LookupError where its architecture is not known.

    Without own namespaces there are no sockets but pairs of streams, and no changes of modes,
    owners or times by name; with a `gate` (see `gate.py`) the launcher is asked about modes, times
    and new processes. `signals_scoped=False` allows signals to the program itself only, whose
    process the caller must be. `truncate=False` denies it by name (Landlock before version 3).
    """
    audit, column = calls.ARCHITECTURES[os.uname().machine]
    code: _Code = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        *_when(_AT_LEAST, _X32, _errno(_ENOSYS)),
        *_when(_AT_LEAST, calls.LAST + 1, _errno(_ENOSYS)),
    ]
    code += _deny(calls.ALWAYS, column, _EPERM)
    code += _deny(calls.ABSENT, column, _ENOSYS)
    code += _call(calls.IOCTL[column], _ioctl(own_namespaces=own_namespaces))
    # A listener of its own could answer in the place of ours.
    code += _call(calls.SECCOMP[column], [*_any_bit(1, _NEW_LISTENER), *_allow()])
    asked = [(_RETURN, 0, 0, _NOTIFY)] if gate else _allow()
    code += _call(calls.CLONE[column], [*_any_bit(0, _NAMESPACES), *asked])
    for call in (calls.FORK, calls.VFORK):
        code += _call(call[column], asked)
    code += _no_set_uid(column, _allow() if own_namespaces else asked if gate else _errno(_EPERM))
    if own_namespaces:
        families = _one_of(0, (_AF_UNIX, _AF_INET, _AF_INET6), _allow())
        code += _call(calls.SOCKET[column], [*families, *_errno(_EAFNOSUPPORT)])
    else:
        code += _without_namespaces(column, asked if gate else _errno(_EPERM))
    if not signals_scoped:
        code += _own_signals(column)
    if not truncate:
        code += _call(calls.TRUNCATE[column], _errno(_EPERM))
    code += _allow()
    return b"".join(struct.pack("=HBBI", *line) for line in code)


def _ioctl(*, own_namespaces: bool) -> _Code:
    if own_namespaces:
        return [*_one_of(1, _TERMINAL, _errno(_EPERM)), *_allow()]
    return [
        *_one_of(1, (*_TERMINAL, *_OWNER_IOCTL), _errno(_EPERM)),
        *_one_of(1, _CLONES, _allow()),
        *_masked_one_of(1, _TYPE, (_TYPE_T,), _allow()),
        *_errno(_ENOTTY),
    ]


def _no_set_uid(column: int, chmod: _Code) -> _Code:
    """No file gets a set-uid or set-gid bit, which would outlive the sandbox (as systemd does)."""
    code: _Code = []
    for call, argument in calls.CHMODS.items():
        code += _call(call[column], [*_any_bit(argument, _SET_ID), *chmod])
    for call, argument in calls.CREATORS.items():
        code += _call(call[column], [*_any_bit(argument, _SET_ID), *_allow()])
    for call, argument in calls.OPENERS.items():
        makes = [*_any_bit(argument + 1, _SET_ID), *_allow()]
        # Without these flags the argument after them means nothing and may be anything.
        flags = (_LOAD, 0, 0, _ARGS + 8 * argument)
        code += _call(call[column], [flags, *_when(_ANY_BIT, _MAKES, makes), *_allow()])
    return code


def _without_namespaces(column: int, times: _Code) -> _Code:
    pairs = _masked_one_of(1, _SOCK_TYPE, (_SOCK_STREAM, _SOCK_SEQPACKET), _allow())
    itself = [*_one_of(0, (0,), _allow()), *_errno(_EPERM)]
    return [
        *_deny(calls.WITHOUT_NAMESPACES, column, _EPERM),
        *_call(calls.SOCKET[column], _errno(_EPERM)),
        # A datagram pair can still send to any address.
        *_call(calls.SOCKETPAIR[column], [*pairs, *_errno(_EPERM)]),
        # Limits and processors of other processes of this user: only 0, itself.
        *_call(calls.PRLIMIT64[column], itself),
        *_call(calls.SCHED_SETAFFINITY[column], itself),
        *_call(calls.FCNTL[column], [*_one_of(1, _OWNER, _errno(_EPERM)), *_allow()]),
        *_call(calls.UTIMENSAT[column], times),
    ]


def _own_signals(column: int) -> _Code:
    me = os.getpid()
    return [
        *_deny(calls.SIGNALS, column, _EPERM),
        # 0 is the own process group.
        *_call(calls.KILL[column], [*_one_of(0, (0, me), _allow()), *_errno(_EPERM)]),
        *_call(calls.TGKILL[column], [*_one_of(0, (me,), _allow()), *_errno(_EPERM)]),
    ]


def _allow() -> _Code:
    return [(_RETURN, 0, 0, _ALLOW)]


def _errno(number: int) -> _Code:
    return [(_RETURN, 0, 0, _ERRNO | number)]


def _when(test: int, value: int, then: _Code) -> _Code:
    """Run `then`, which must return, when the loaded word passes the test."""
    return [(test, 0, len(then), value), *then]


def _deny(calls: dict[str, tuple[int | None, int | None]], column: int, error: int) -> _Code:
    found = [call[column] for call in calls.values()]
    return [line for number in found if number is not None for line in _call(number, _errno(error))]


def _call(number: int | None, then: _Code) -> _Code:
    return [] if number is None else _when(_EQUAL, number, then)


def _one_of(argument: int, values: tuple[int, ...], then: _Code) -> _Code:
    """`then` when the low word of the argument, an int in C, is one of the values."""
    tests = [line for value in values for line in _when(_EQUAL, value, then)]
    return [(_LOAD, 0, 0, _ARGS + 8 * argument), *tests]


def _masked_one_of(argument: int, mask: int, values: tuple[int, ...], then: _Code) -> _Code:
    tests = [line for value in values for line in _when(_EQUAL, value, then)]
    return [(_LOAD, 0, 0, _ARGS + 8 * argument), (0x54, 0, 0, mask), *tests]  # BPF_ALU|AND|K


def _any_bit(argument: int, mask: int) -> _Code:
    """EPERM when the low word of the argument has one of the bits."""
    return [(_LOAD, 0, 0, _ARGS + 8 * argument), *_when(_ANY_BIT, mask, _errno(_EPERM))]
