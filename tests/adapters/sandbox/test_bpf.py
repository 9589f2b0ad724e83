"""The seccomp program, run by a small machine of ours: every call gets the answer it should."""

import os
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.sandbox import bpf, calls

pytestmark = pytest.mark.requirement("TOOL-17")

ALLOW, KILL, NOTIFY, ERRNO = 0x7FFF0000, 0x80000000, 0x7FC00000, 0x00050000
EPERM, ENOTTY, ENOSYS, EAFNOSUPPORT = ERRNO | 1, ERRNO | 25, ERRNO | 38, ERRNO | 97
MACHINES = ("x86_64", "aarch64")

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def answer(program: bytes, number: int, *args: int, arch: int) -> int:
    """What the program returns for a call: the classic BPF that it uses, interpreted."""
    words = list(args) + [0] * (6 - len(args))
    memory = struct.pack("=iIQ6Q", number, arch, 0, *(word % 2**64 for word in words))
    lines = [struct.unpack_from("=HBBI", program, place) for place in range(0, len(program), 8)]
    place = value = 0
    while True:
        code, yes, no, operand = lines[place]
        place += 1
        match code:
            case 0x20:
                value = struct.unpack_from("=I", memory, operand)[0]
            case 0x54:
                value &= operand
            case 0x15:
                place += yes if value == operand else no
            case 0x35:
                place += yes if value >= operand else no
            case 0x45:
                place += yes if value & operand else no
            case 0x06:
                return int(operand)
            case _:
                raise AssertionError(f"unknown instruction {code:#x}")


class Filter:
    """A filter for one machine, whatever this one is."""

    def __init__(self, machine: str, monkeypatch: pytest.MonkeyPatch, **options: bool) -> None:
        monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(machine=machine))
        self._program = bpf.build_filter(**{"own_namespaces": True} | options)
        self._arch = _AUDIT[machine]
        self._column = MACHINES.index(machine)

    def __call__(self, call: tuple[int | None, int | None], *args: int) -> int:
        number = call[self._column]
        return ALLOW if number is None else answer(self._program, number, *args, arch=self._arch)

    def foreign(self, arch: int) -> int:
        return answer(self._program, 0, arch=arch)


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_the_deny_lists(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Filter(machine, monkeypatch)
    outside = Filter(machine, monkeypatch, own_namespaces=False)
    for name, call in calls.ALWAYS.items():
        if call[["x86_64", "aarch64"].index(machine)] is not None:
            assert (inside(call), outside(call)) == (EPERM, EPERM), name
    for name, call in calls.ABSENT.items():
        assert inside(call) == ENOSYS, name
    for name, call in calls.WITHOUT_NAMESPACES.items():
        if call[MACHINES.index(machine)] is not None:
            assert (inside(call), outside(call)) == (ALLOW, EPERM), name


def test_other_architectures_die(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Filter(machine, monkeypatch)
    for arch in (0x40000003, 0x40000028, 0, 0xFFFFFFFF):  # i386, arm, none
        assert inside.foreign(arch) == KILL


def test_calls_nobody_reviewed_do_not_exist(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Filter(machine, monkeypatch)
    for number in (calls.LAST + 1, 5_000, 0x40000000, 0x40000001, 0x40000000 | 101, -1):
        assert inside((number, number)) == ENOSYS
    assert inside((0, 63)) == ALLOW  # read


def test_namespaces_in_clone(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Filter(machine, monkeypatch)
    assert inside(calls.CLONE, 17) == ALLOW
    assert inside(calls.CLONE, 0x3D0F00) == ALLOW  # a thread of glibc
    for bit in (7, 17, 25, 26, 27, 28, 29, 30):
        assert inside(calls.CLONE, 17 | 1 << bit) == EPERM
        assert inside(calls.CLONE, 17 | 1 << bit | 1 << 40) == EPERM


def test_sockets(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Filter(machine, monkeypatch)
    outside = Filter(machine, monkeypatch, own_namespaces=False)
    for family in range(64):
        allowed = ALLOW if family in {1, 2, 10} else EAFNOSUPPORT
        assert inside(calls.SOCKET, family, 1) == allowed
        assert outside(calls.SOCKET, family, 1) == EPERM
    # The kernel looks at the low word only.
    assert inside(calls.SOCKET, 16 | 1 << 32) == EAFNOSUPPORT
    for kind, flags in ((1, 0), (1, 0x80800), (5, 0x80000)):
        assert outside(calls.SOCKETPAIR, 1, kind | flags) == ALLOW
    for kind, flags in ((2, 0), (2, 0x80800), (3, 0), (0, 0)):
        assert outside(calls.SOCKETPAIR, 1, kind | flags) == EPERM


def test_set_uid_bits(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = Filter(machine, monkeypatch)
    for table in (calls.CHMODS, calls.CREATORS):
        for call, argument in table.items():
            if call[MACHINES.index(machine)] is None:
                continue
            for bits, expected in (
                (0o755, ALLOW),
                (0o1777, ALLOW),
                (0o4755, EPERM),
                (0o2000, EPERM),
            ):
                assert inside(call, *[0] * argument, bits) == expected
    for call, argument in calls.OPENERS.items():
        before = [0] * argument
        if call[MACHINES.index(machine)] is None:
            continue
        assert inside(call, *before, os.O_CREAT, 0o644) == ALLOW
        assert inside(call, *before, os.O_CREAT | os.O_EXCL, 0o4644) == EPERM
        assert inside(call, *before, os.O_TMPFILE, 0o2644) == EPERM
        assert inside(call, *before, os.O_RDONLY, 0o7777) == ALLOW, "no file is made"


def test_the_gate_is_asked(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_gate = Filter(machine, monkeypatch, own_namespaces=False, gate=True)
    without = Filter(machine, monkeypatch, own_namespaces=False)
    assert (with_gate(calls.CLONE, 17), without(calls.CLONE, 17)) == (NOTIFY, ALLOW)
    assert with_gate(calls.CLONE, 17 | 0x10000000) == EPERM
    assert (with_gate(calls.UTIMENSAT, 3, 0), without(calls.UTIMENSAT, 3, 0)) == (NOTIFY, EPERM)
    for call, argument in calls.CHMODS.items():
        if call[MACHINES.index(machine)] is not None:
            assert with_gate(call, *[0] * argument, 0o600) == NOTIFY
            assert with_gate(call, *[0] * argument, 0o4600) == EPERM
            assert without(call, *[0] * argument, 0o600) == EPERM
    assert with_gate(calls.SECCOMP, 1, 8) == EPERM
    assert with_gate(calls.SECCOMP, 1, 0) == ALLOW


def test_other_processes(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = Filter(machine, monkeypatch, own_namespaces=False)
    for call in (calls.PRLIMIT64, calls.SCHED_SETAFFINITY):
        assert (outside(call, 0), outside(call, 1), outside(call, os.getpid())) == (
            ALLOW,
            EPERM,
            EPERM,
        )
    for command, expected in ((8, EPERM), (15, EPERM), (4, ALLOW), (1030, ALLOW)):
        assert outside(calls.FCNTL, 3, command) == expected
    for request, expected in ((0x5412, EPERM), (0x541C, EPERM), (0x8901, EPERM), (0x5401, ALLOW)):
        assert outside(calls.IOCTL, 0, request | 1 << 35) == expected


def test_requests_to_devices(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = Filter(machine, monkeypatch, own_namespaces=False)
    inside = Filter(machine, monkeypatch)
    # FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_ENABLE_VERITY, SIOCGIFCONF, BTRFS_IOC_SUBVOL_CREATE
    for request in (0x40086602, 0x401C5820, 0x40806685, 0x8912, 0x5000940E, 0):
        assert outside(calls.IOCTL, 3, request) == ENOTTY
        assert inside(calls.IOCTL, 3, request) == ALLOW, "mounts and the own network decide"
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIOCLEX, TIOCGPTN; FICLONE, FICLONERANGE
    for request in (0x5401, 0x5413, 0x541B, 0x5421, 0x5451, 0x80045430, 0x40049409, 0x4020940D):
        assert outside(calls.IOCTL, 3, request) == ALLOW


def test_signals_without_landlock(machine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Filter(machine, monkeypatch, own_namespaces=False, signals_scoped=False, truncate=False)
    me = os.getpid()
    assert [old(calls.KILL, pid) for pid in (0, me, -1, 1, me + 1)] == [ALLOW, ALLOW, *[EPERM] * 3]
    assert [old(calls.TGKILL, pid) for pid in (me, 1)] == [ALLOW, EPERM]
    assert all(old(call) == EPERM for call in calls.SIGNALS.values())
    assert old(calls.TRUNCATE) == EPERM


@given(number=st.integers(0, 600), args=st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_call_gets_an_answer(number: int, args: list[int]) -> None:
    known = {ALLOW, NOTIFY, EPERM, ENOTTY, ENOSYS, EAFNOSUPPORT}
    arch = _AUDIT[os.uname().machine]
    for options in ({"own_namespaces": True}, {"own_namespaces": False, "gate": True}):
        assert answer(bpf.build_filter(**options), number, *args, arch=arch) in known


@pytest.mark.parametrize(
    ("header", "column"),
    [("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0), ("/usr/include/asm/unistd_64.h", 0)],
)
def test_the_numbers_are_those_of_the_kernel(header: str, column: int) -> None:
    if not Path(header).exists():
        pytest.skip("the kernel's headers are not installed")
    known: dict[str, int] = {}
    for line in Path(header).read_text(encoding="utf-8").splitlines():
        words = line.split()
        if len(words) == 3 and words[1].startswith("__NR_"):
            known[words[1].removeprefix("__NR_")] = int(words[2])
    tables = (calls.ALWAYS, calls.ABSENT, calls.WITHOUT_NAMESPACES, calls.SIGNALS)
    single = {
        name.lower(): call
        for name, call in vars(calls).items()
        if name.isupper() and isinstance(call, tuple)
    }
    checked = 0
    for table in (*tables, single):
        for name, call in table.items():
            if name in known:
                assert known[name] == call[column], name
                checked += 1
    assert checked > 80
