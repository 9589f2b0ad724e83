"""What the launcher is told: one confined program, as text without any import that costs time.

The launcher starts for every command, so its modules use only what an interpreter without site
packages loads in a few milliseconds: no json, no typing, no dataclasses.
"""

import os

# How a path appears inside.
READ = "ro"
WRITE = "rw"
HIDE = "hide"
PRIVATE = "tmp"

# Ways to confine.
BUBBLEWRAP = "bubblewrap"
NAMESPACES = "landlock+netns"
SECCOMP = "landlock+seccomp"


class Plan:
    """A checked command: absolute real paths, the whole environment, every limit.

    `view` holds (path inside, path on the host, how), parents before children. `links` holds
    (path inside, target). `scratch` is the private folder on the host where a mount of its own is
    not possible.
    """

    __slots__ = (
        "abi",
        "argv",
        "bwrap",
        "cpu_s",
        "cwd",
        "env",
        "exit_fd",
        "file_bytes",
        "links",
        "memory_bytes",
        "mode",
        "open_files",
        "port",
        "processes",
        "scratch",
        "ungated",
        "view",
    )

    def __init__(self, mode: str = "") -> None:
        self.mode = mode
        self.argv: list[str] = []
        self.cwd = "/"
        self.env: dict[str, str] = {}
        self.view: list[tuple[str, str, str]] = []
        self.links: list[tuple[str, str]] = []
        self.scratch = ""
        self.bwrap = ""
        self.cpu_s = 0
        self.memory_bytes = 0
        self.processes = 0
        self.file_bytes = 0
        self.open_files = 0
        # Where the proxy listens inside, 0 for no network; and the socket over which the launcher
        # hands the listener out, which only the launcher knows.
        self.port = 0
        self.exit_fd = -1
        # For tests of older kernels: the Landlock version, and no answers of the launcher.
        self.abi = 0
        self.ungated = 0

    def to_bytes(self) -> bytes:
        """Words ended by NUL, which no path, argument or variable can contain."""
        words: list[str] = []
        for name in _WORDS:
            words += [name, getattr(self, name)]
        for name in _NUMBERS:
            words += [name, str(getattr(self, name))]
        for word in self.argv:
            words += ["argv", word]
        for key, value in self.env.items():
            words += ["env", key, value]
        for inside, host, how in self.view:
            words += ["view", inside, host, how]
        for inside, target in self.links:
            words += ["link", inside, target]
        return b"".join(os.fsencode(word) + b"\0" for word in words)


_WORDS = ("mode", "cwd", "scratch", "bwrap")
_NUMBERS = (
    "cpu_s",
    "memory_bytes",
    "processes",
    "file_bytes",
    "open_files",
    "port",
    "abi",
    "ungated",
)


def read_plan(content: bytes) -> Plan:
    """The plan that `Plan.to_bytes` wrote; ValueError when it is not one."""
    plan = Plan()
    words = iter([os.fsdecode(word) for word in content.split(b"\0")[:-1]])
    for name in words:
        if name in _WORDS:
            setattr(plan, name, next(words))
        elif name in _NUMBERS:
            setattr(plan, name, int(next(words)))
        elif name == "argv":
            plan.argv.append(next(words))
        elif name == "env":
            # In one statement Python would take the value first.
            key = next(words)
            plan.env[key] = next(words)
        elif name == "view":
            plan.view.append((next(words), next(words), next(words)))
        elif name == "link":
            plan.links.append((next(words), next(words)))
        else:
            raise ValueError(f"plan of a confined program: unknown word {name!r}")
    return plan
