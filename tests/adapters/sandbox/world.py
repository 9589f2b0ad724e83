"""The world around a sandbox under test: secrets, servers, a process to attack, and a snapshot."""

import contextlib
import ctypes
import hashlib
import json
import os
import resource
import socket
import struct
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from remit.adapters.sandbox import calls
from remit.values.command import Command

SECRET = "planted-9f2c"

_PRELUDE = """
import ctypes, errno, json, os, signal, socket, stat, struct, sys, time
at = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *words):
    number = at["calls"].get(number, number)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in words]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
at["parent"] = os.getppid()
def got(what=""):
    print("GOT", what, flush=True)
def got_unless_refused(action):
    try:
        action()
    except OSError as error:
        if error.errno in {errno.EPERM, errno.EACCES, errno.ENOSYS}:
            return
    got()
"""


_ALL = """
import contextlib, io, select
for name, code in json.load(sys.stdin).items():
    os.mkdir(name)
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.chdir(name)
        os.dup2(theirs, 1)
        os.dup2(theirs, 2)
        exec(code)
        sys.stdout.flush()
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as said:
        print(json.dumps([name, said.read().decode(errors="replace")]), flush=True)
    os.waitpid(pid, 0)
"""


@dataclass(frozen=True)
class Attack:
    """One program of `attacks.toml`."""

    name: str
    code: str
    root: bool = False
    why: str = ""


def attacks() -> list[Attack]:
    """The whole corpus."""
    text = Path(__file__).with_name("attacks.toml").read_text(encoding="utf-8")
    return [Attack(name, **fields) for name, fields in tomllib.loads(text).items()]


def _numbers() -> dict[str, int]:
    column = calls.ARCHITECTURES[os.uname().machine][1]
    named = {**calls.ALWAYS, **calls.ABSENT, **calls.SIGNALS, **calls.WITHOUT_NAMESPACES}
    named |= {"clone": calls.CLONE, "seccomp": calls.SECCOMP, "tgkill": calls.TGKILL}
    return {name: both[column] or -1 for name, both in named.items()}


@dataclass
class World:
    """Folders: `work` and `store` may be written, `readable` read, `outside` not be seen."""

    base: Path
    victim: "subprocess.Popen[bytes]"
    servers: dict[str, socket.socket]
    at: dict[str, object]
    secret_fd: int
    _before: dict[str, object] = field(default_factory=dict)

    @property
    def work(self) -> Path:
        return self.base / "work"

    def program(self, attack: Attack) -> tuple[str, ...]:
        """The command line of an attack."""
        code = _PRELUDE + attack.code
        return (sys.executable, "-I", "-S", "-c", code, json.dumps(self.at))

    def whole_corpus(self) -> Command:
        """One program that makes every attack in a child of its own, and tells what each said."""
        argv = (sys.executable, "-I", "-S", "-c", _PRELUDE + _ALL, json.dumps(self.at))
        codes = json.dumps({attack.name: attack.code for attack in attacks()})
        return replace(self.command(*argv), stdin=codes.encode())

    def command(self, *argv: str) -> Command:
        """A command confined to this world."""
        store = self.base / "store"
        return Command(
            argv=argv,
            cwd=str(self.work),
            read=(
                str(self.base / "readable"),
                str(store / "vendored"),
                str(store / "kept/deep/vendored"),
            ),
            write=(str(self.work), str(store)),
            hide=(str(store / "journal"), str(store / "key.bin"), str(store / "nest/journal")),
            timeout_s=30,
        )

    def attack_unconfined(self, attack: Attack) -> str:
        """What the attack says without a sandbox."""
        done = subprocess.run(
            self.program(attack),
            cwd=self.work,
            env={"PLANTED_SECRET": SECRET},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            close_fds=False,
            timeout=30,
            check=False,
        )
        return (done.stdout + done.stderr).decode(errors="replace")

    def remember(self) -> None:
        """Take the snapshot that `assert_untouched` compares with."""
        self._before = self._snapshot()

    def touched(self) -> list[str]:
        """What outside was changed, received or hurt since `remember`."""
        now = self._snapshot()
        keys = now.keys() | self._before.keys()
        found = [key for key in keys if now.get(key) != self._before.get(key)]
        for name, server in self.servers.items():
            with contextlib.suppress(BlockingIOError):
                if server.type == socket.SOCK_DGRAM:
                    server.recv(100)
                else:
                    server.accept()[0].close()
                found.append(name)
        return found

    def _snapshot(self) -> dict[str, object]:
        pid = self.victim.pid
        if self.victim.poll() is not None:
            return {"victim": "dead"}
        seen: dict[str, object] = {
            "limit": resource.prlimit(pid, resource.RLIMIT_CORE),
            "priority": os.getpriority(os.PRIO_PROCESS, pid),
            "processors": os.sched_getaffinity(pid),
            "scheduler": os.sched_getscheduler(pid),
        }
        for top in ("outside", "readable", "store/journal", "store/vendored", "store/key.bin"):
            root = self.base / top
            for path in (root, *root.rglob("*")):
                status = path.lstat()
                content = path.read_bytes() if path.is_file() else b""
                # The owner too: but not times of folders, which a look may not change either.
                times = status.st_mtime_ns if path.is_file() else 0
                seen[str(path)] = (status.st_mode, status.st_uid, times, content)
        return seen


@contextlib.contextmanager
def a_world(base: Path) -> Iterator[World]:
    """Make a world beneath `base` and take it down again."""
    _plant(base)
    mark = f"61.{uuid.uuid4().int % 10**9}"
    outside = base / "outside"
    with contextlib.ExitStack() as stack:
        victim = stack.enter_context(
            subprocess.Popen(["sleep", mark], cwd=outside, env={"VICTIM_SECRET": SECRET})
        )
        stack.callback(victim.kill)
        abstract = f"remit-test-{uuid.uuid4()}"
        servers = {
            "tcp": _server(stack, socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": _server(stack, socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "unix": _server(stack, socket.AF_UNIX, socket.SOCK_STREAM, str(outside / "s")),
            "unix_datagram": _server(stack, socket.AF_UNIX, socket.SOCK_DGRAM, str(outside / "d")),
            "abstract": _server(stack, socket.AF_UNIX, socket.SOCK_STREAM, "\0" + abstract),
            "abstract_d": _server(stack, socket.AF_UNIX, socket.SOCK_DGRAM, f"\0{abstract}d"),
        }
        segment, queue = _message_spaces(stack)
        fd = os.open(outside / "secret", os.O_RDONLY)
        os.set_inheritable(fd, True)  # it takes no keywords
        stack.callback(os.close, fd)
        at: dict[str, object] = {
            "work": str(base / "work"),
            "store": str(base / "store"),
            "readable": str(base / "readable"),
            "outside": str(outside),
            "secret": str(outside / "secret"),
            "home": str(base / "home"),
            "victim": victim.pid,
            "tester": os.getpid(),
            "mark": mark,
            "init": _init_environment(),
            "tcp": servers["tcp"].getsockname()[1],
            "udp": servers["udp"].getsockname()[1],
            "unix": str(outside / "s"),
            "unix_datagram": str(outside / "d"),
            "abstract": abstract,
            "segment": segment,
            "queue": queue,
            "calls": _numbers(),
        }
        yield World(base, victim, servers, at, fd)


def _plant(base: Path) -> None:
    for name in ("work", "outside", "readable", "home/.ssh", "store/journal", "store/vendored"):
        (base / name).mkdir(parents=True)
    for name in ("store/nest/journal", "store/kept/deep/vendored"):
        (base / name).mkdir(parents=True)
    (base / "store/open").mkdir()
    for name in (
        "outside/secret",
        "readable/note",
        "home/.ssh/id_test",
        "store/journal/journal.db",
        "store/vendored/lib.py",
        "store/key.bin",
    ):
        (base / name).write_text(SECRET)
    (base / "work/planted").symlink_to(base / "outside/secret")


def _server(
    stack: contextlib.ExitStack, family: int, kind: int, address: tuple[str, int] | str
) -> socket.socket:
    server = stack.enter_context(socket.socket(family, kind))
    server.bind(address)
    if kind == socket.SOCK_STREAM:
        server.listen()
    server.setblocking(False)  # it takes no keywords
    return server


def _message_spaces(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A segment and a message queue of System V, as other programs of this user have them."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    # IPC_PRIVATE; IPC_CREAT and the owner's bits. IPC_RMID is 0.
    segment, queue = libc.shmget(0, 4096, 0o1600), libc.msgget(0, 0o1600)
    if segment >= 0:
        stack.callback(libc.shmctl, segment, 0, None)
        place = ctypes.c_void_p(libc.shmat(segment, None, 0))
        ctypes.memmove(place, SECRET.encode(), len(SECRET))
        libc.shmdt(place)
    if queue >= 0:
        stack.callback(libc.msgctl, queue, 0, None)
        libc.msgsnd(queue, struct.pack("l", 1) + SECRET.encode(), len(SECRET), 0)
    return segment, queue


def _init_environment() -> str:
    try:
        return hashlib.sha256(Path("/proc/1/environ").read_bytes()).hexdigest()
    except OSError:
        return "not readable"
