"""The seccomp filter: which system calls a confined program may not make.

A deny list on top of namespaces and Landlock, which decide about files; the filter closes what they
leave open. Calls newer than the review (`numbers.LAST`) do not exist. Instruction format:
include/uapi/linux/filter.h; data: struct seccomp_data.
"""

import os
import struct

from remit.adapters.sandbox import numbers

# BPF_LD|W|ABS, BPF_JMP|JEQ|K, JGE, JSET, BPF_RET|K
_LOAD = 0x20
_EQUAL = 0x15
_AT_LEAST = 0x35
_ANY_BIT = 0x45
_RETURN = 0x06

_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_EPERM = 1
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

_AF_UNIX = 1
_AF_INET = 2
_AF_INET6 = 10
_SOCK_STREAM = 1
_SOCK_SEQPACKET = 5
_SOCK_TYPE = 0xF

_Code = list[tuple[int, int, int, int]]


def is_known() -> bool:
    """Whether a filter can be built for this machine's architecture."""
    return os.uname().machine in numbers.ARCHITECTURES


def build_filter(
    *, own_namespaces: bool, signals_scoped: bool = True, truncate: bool = True
) -> bytes:
    """The program for this machine; LookupError where its architecture is not known.

    Without own namespaces there are no sockets but pairs of streams, and no changes of modes,
    owners or times by name. `signals_scoped=False` allows signals to the program itself only, whose
    process the caller must be. `truncate=False` denies it by name (Landlock before version 3).
    """
    audit, column = numbers.ARCHITECTURES[os.uname().machine]
    code: _Code = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, audit),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        *_when(_AT_LEAST, _X32, _errno(_ENOSYS)),
        *_when(_AT_LEAST, numbers.LAST + 1, _errno(_ENOSYS)),
    ]
    code += _deny(numbers.ALWAYS, column, _EPERM)
    code += _deny(numbers.ABSENT, column, _ENOSYS)
    code += _call(numbers.CLONE[column], _any_bit(0, _NAMESPACES))
    code += _call(numbers.IOCTL[column], [*_one_of(1, _TERMINAL, _errno(_EPERM)), *_allow()])
    if own_namespaces:
        families = _one_of(0, (_AF_UNIX, _AF_INET, _AF_INET6), _allow())
        code += _call(numbers.SOCKET[column], [*families, *_errno(_EAFNOSUPPORT)])
    else:
        code += _without_namespaces(column)
    if not signals_scoped:
        code += _own_signals(column)
    if not truncate:
        code += _call(numbers.TRUNCATE[column], _errno(_EPERM))
    code += _allow()
    return b"".join(struct.pack("=HBBI", *line) for line in code)


def _without_namespaces(column: int) -> _Code:
    pairs = _masked_one_of(1, _SOCK_TYPE, (_SOCK_STREAM, _SOCK_SEQPACKET), _allow())
    return [
        *_deny(numbers.WITHOUT_NAMESPACES, column, _EPERM),
        *_call(numbers.SOCKET[column], _errno(_EPERM)),
        # A datagram pair can still send to any address.
        *_call(numbers.SOCKETPAIR[column], [*pairs, *_errno(_EPERM)]),
        # Root owns the files of the system, and reading them is allowed.
        *(_call(numbers.FCHMOD[column], _errno(_EPERM)) if os.geteuid() == 0 else []),
        # Limits and processors of other processes of this user: only 0, itself.
        *_call(numbers.PRLIMIT64[column], [*_one_of(0, (0,), _allow()), *_errno(_EPERM)]),
        *_call(numbers.SCHED_SETAFFINITY[column], [*_one_of(0, (0,), _allow()), *_errno(_EPERM)]),
        # Times of an open file (no name) may change, those of a name not.
        *_call(numbers.UTIMENSAT[column], [*_null(1, _allow()), *_errno(_EPERM)]),
    ]


def _own_signals(column: int) -> _Code:
    me = os.getpid()
    return [
        *_deny(numbers.SIGNALS, column, _EPERM),
        # 0 is the own process group.
        *_call(numbers.KILL[column], [*_one_of(0, (0, me), _allow()), *_errno(_EPERM)]),
        *_call(numbers.TGKILL[column], [*_one_of(0, (me,), _allow()), *_errno(_EPERM)]),
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


def _call(number: int, then: _Code) -> _Code:
    return _when(_EQUAL, number, then)


def _one_of(argument: int, values: tuple[int, ...], then: _Code) -> _Code:
    """`then` when the low word of the argument, an int in C, is one of the values."""
    tests = [line for value in values for line in _when(_EQUAL, value, then)]
    return [(_LOAD, 0, 0, _ARGS + 8 * argument), *tests]


def _masked_one_of(argument: int, mask: int, values: tuple[int, ...], then: _Code) -> _Code:
    tests = [line for value in values for line in _when(_EQUAL, value, then)]
    return [(_LOAD, 0, 0, _ARGS + 8 * argument), (0x54, 0, 0, mask), *tests]  # BPF_ALU|AND|K


def _any_bit(argument: int, mask: int) -> _Code:
    test = _when(_ANY_BIT, mask, _errno(_EPERM))
    return [(_LOAD, 0, 0, _ARGS + 8 * argument), *test, *_allow()]


def _null(argument: int, then: _Code) -> _Code:
    """`then` when both words of a pointer are zero."""
    low = (_LOAD, 0, 0, _ARGS + 8 * argument)
    high = (_LOAD, 0, 0, _ARGS + 8 * argument + 4)
    rest = [high, *_when(_EQUAL, 0, then)]
    return [low, (_EQUAL, 0, len(rest), 0), *rest]
