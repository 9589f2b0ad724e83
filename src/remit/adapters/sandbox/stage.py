"""Root's last step inside bubblewrap: filter system calls, hand out the listener, start.

Bubblewrap can load a filter but not hand over its listener, and for root the kernel bounds no
number of processes. This file is given to the interpreter as text, because the package is not seen
inside: it imports nothing of it.

Arguments: descriptors of the socket and of the plan, then the program.
"""

import _socket
import ctypes
import os
import struct
import sys

_SET_MODE_FILTER = 1
_NEW_LISTENER = 8
_CHUNK = 1 << 16


def main() -> None:
    """Become the program, or say on the socket why not."""
    launcher = _socket.socket(fileno=int(sys.argv[1]))
    plan_fd = int(sys.argv[2])
    for fd in (launcher.fileno(), plan_fd):
        os.set_inheritable(fd, False)  # noqa: FBT003  # it takes no keywords
    plan = b"".join(iter(lambda: os.read(plan_fd, _CHUNK), b""))
    number, asking, plain, words = read_plan(plan)
    if len(words) % 2:
        *words, place = words
        _hand_out(*map(int, place.split()))
    libc = ctypes.CDLL(None)
    for signal in range(1, 65):
        # The interpreter ignores some, which the program would inherit.
        libc.signal(signal, ctypes.c_void_p(0))
    listener = _load(libc, number, asking, _NEW_LISTENER) if asking else -1
    if not plain:
        launcher.send(b"-")  # bubblewrap has loaded the filter
    elif listener >= 0:
        rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener))
        launcher.sendmsg([b"g"], [rights])
    elif _load(libc, number, plain, 0) == 0:
        launcher.send(b"-")
    else:
        launcher.send(b"-load the filter: the kernel refused it")
        os._exit(127)
    env = dict(zip(words[::2], words[1::2], strict=True))
    try:
        os.execve(sys.argv[3], sys.argv[3:], env)
    except OSError as error:
        launcher.send(f"xstart {sys.argv[3]}: {error.strerror}".encode(errors="replace"))
    os._exit(127)


def make_plan(
    number: int, asking: bytes, plain: bytes, env: dict[str, str], place: tuple[int, int] = (0, 0)
) -> bytes:
    """The number of seccomp(2), the filter with a listener and the one without, the environment.

    Empty filters: there is one already. `place`: the descriptor to hand a listener out over, and
    the port that it listens at.
    """
    words = [os.fsencode(word) for item in env.items() for word in item]
    words += [b"%d %d" % place] if place[1] else []
    head = struct.pack("=III", number, len(asking), len(plain))
    return head + asking + plain + b"".join(word + b"\0" for word in words)


def read_plan(content: bytes) -> tuple[int, bytes, bytes, list[bytes]]:
    """What `make_plan` wrote."""
    number, asking, plain = struct.unpack_from("=III", content)
    end = 12 + asking + plain
    return (
        number,
        content[12 : 12 + asking],
        content[12 + asking : end],
        content[end:].split(b"\0")[:-1],
    )


def _hand_out(exit_fd: int, port: int) -> None:
    """See `confine._hand_out`, which cannot be imported here."""
    listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    exit_socket = _socket.socket(fileno=exit_fd)
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("i", listener.fileno()))
    exit_socket.sendmsg([b"l"], [rights])
    exit_socket.close()
    listener.close()


def _load(libc: ctypes.CDLL, number: int, program: bytes, flags: int) -> int:
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    return int(libc.syscall(number, _SET_MODE_FILTER, flags, fprog))


if __name__ == "__main__":
    main()
