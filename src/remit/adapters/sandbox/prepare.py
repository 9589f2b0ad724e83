"""Turn a command into a checked plan: real paths, what of the system is seen, the environment."""

import os
import shutil
import sys
from pathlib import Path

from remit.adapters.sandbox.plan import HIDE, PRIVATE, READ, SECCOMP, WRITE, Plan
from remit.errors import CommandRefused, SandboxUnavailable, SpecError
from remit.policy.reach import Reachable
from remit.values.command import Command

# Programs and libraries. Where these are links (merged /usr) the link is made again inside.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
# What libraries read from /etc to work at all; no service's settings, no keys.
_SETTINGS = (
    "alternatives",
    "ca-certificates",
    "fonts",
    "group",
    "host.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "passwd",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
)
# The path inside, where it is private.
_TMP = "/tmp"  # noqa: S108  # see above
# Never a declared folder: they show other processes, devices, or everything.
_NEVER = ("/proc", "/sys", "/dev")
# The usual port of proxies; in a network of its own nobody else can have it.
PROXY_PORT = 3128
# What programs read to find their proxy; curl reads the lower-case form only, others the other.
_PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
# From version 24 on Node.js heeds them if this is set.
_OF_NODE = {"NODE_USE_ENV_PROXY": "1"}
# Servers of its own are reached directly.
_OWN = dict.fromkeys(("no_proxy", "NO_PROXY"), "localhost,127.0.0.1,::1")
_NUMBERS = ("cpu_s", "memory_bytes", "processes", "file_bytes", "output_bytes", "open_files")


def make_plan(command: Command, mode: str, scratch: str = "") -> Plan:
    """The plan for a command; `scratch` is the private folder where `mode` has no mounts.

    Raises `CommandRefused` naming the field and the remedy.
    """
    _check_words(command)
    if command.hosts and mode == SECCOMP:
        raise SandboxUnavailable(
            f"command: hosts={command.hosts!r} needs a network of its own for the program, which "
            "this machine refuses: allow user namespaces, or install the package `bubblewrap`"
        )
    plan = Plan(mode)
    plan.scratch = scratch
    declared = _declared(command)
    view = {path: (path, READ) for path in _prefixes() if path not in declared}
    view |= {inside: (host, READ) for inside, host in _system().items() if inside not in declared}
    view |= {path: (path, how) for path, how in declared.items()}
    view |= {path: (path, HIDE) for path in _hidden(command, view)}
    if mode != SECCOMP:
        view |= {path: (path, WRITE) for path in _held(view)}
        view[_TMP] = ("", PRIVATE)
        plan.links = _links(command, view)
    # Parents first: what lies deeper is put on top and decides.
    ordered = sorted(view.items(), key=lambda item: item[0].count("/"))
    plan.view = [(inside, host, how) for inside, (host, how) in ordered]
    plan.cwd = _working_folder(command, plan)
    plan.env = _environment(command, scratch or _TMP)
    plan.argv = [_program(command, plan), *command.argv[1:]]
    plan.cpu_s = command.cpu_s
    plan.memory_bytes = command.memory_bytes
    plan.processes = command.processes
    plan.file_bytes = command.file_bytes
    plan.open_files = command.open_files
    plan.port = PROXY_PORT if command.hosts else 0
    return plan


def _check_words(command: Command) -> None:
    for name in _NUMBERS:
        if getattr(command, name) < 1:
            raise CommandRefused(f"command: {name}={getattr(command, name)}; it must be 1 or more")
    if not command.timeout_s > 0:
        raise CommandRefused(f"command: timeout_s={command.timeout_s}; it must be above 0")
    if not command.argv or not command.argv[0]:
        raise CommandRefused("command: argv is empty; name a program")
    for word in (*command.argv, *command.env.keys()):
        if "\0" in word:
            raise CommandRefused(f"command: NUL in {word[:80]!r}; remove it")
    reachable(command)
    for name, value in command.env.items():
        if not name or "=" in name:
            raise CommandRefused(f"command: env has the name {name!r}; give it without '='")
        if "\0" in value:  # which may be a secret
            raise CommandRefused(f"command: NUL in the value of env {name!r}; remove it")


def reachable(command: Command) -> Reachable:
    """The hosts a command declares. Raises `CommandRefused` for what is none."""
    try:
        return Reachable(command.hosts, private=command.private)
    except SpecError as error:
        raise CommandRefused(f"command: {error}; name hosts that it needs") from None


# ---------------------------------------------------------------- paths


def _declared(command: Command) -> dict[str, str]:
    """Real path -> how it is seen, for `read` and `write`; where both name a path, write wins."""
    seen: dict[str, str] = {}
    for name, paths, how in (("read", command.read, READ), ("write", command.write, WRITE)):
        for path in paths:
            real = _real(path, name)
            if not Path(real).exists():
                raise CommandRefused(f"command: {name}={path!r} does not exist; make it first")
            if real in {"/", _TMP} or any(is_beneath(real, never) for never in _NEVER):
                raise CommandRefused(
                    f"command: {name}={path!r} shows other programs' files; "
                    "name a folder of its own"
                )
            seen[real] = how
    for path in [path for path, how in seen.items() if how == WRITE]:
        if path in _prefixes() or any(is_beneath(system, path) for system in _SYSTEM):
            raise CommandRefused(
                f"command: write={path!r} is the system or the running interpreter; "
                "work on a copy in another folder"
            )
    return seen


def _hidden(command: Command, view: dict[str, tuple[str, str]]) -> list[str]:
    """Real paths to hide: only those that would be seen."""
    hidden: list[str] = []
    # The program must not answer for its user, so the command line is hidden too.
    own = os.path.join(os.path.realpath(sys.prefix), "bin", "remit")
    if os.path.isfile(own) and own not in view:
        hidden.append(own)
    for path in command.hide:
        real = _real(path, "hide")
        for seen in view:
            if is_beneath(seen, real):
                raise CommandRefused(
                    f"command: hide={path!r} would hide {seen!r} too; declare one of them only"
                )
        if not any(is_beneath(real, seen) for seen in view):
            continue
        if not Path(real).exists():
            raise CommandRefused(
                f"command: hide={path!r} does not exist, it could not stay hidden when it is made; "
                "hide the folder it will lie in"
            )
        hidden.append(real)
    return [path for path in hidden if any(is_beneath(path, seen) for seen in view)]


def _held(view: dict[str, tuple[str, str]]) -> list[str]:
    """Folders between a path that allows less and the folder above it that may be written.

    A mount point cannot be renamed, a folder above it can: the next program, whose view goes by
    names, would find what lies in it under another one. So each of them becomes a mount point.
    """
    held: list[str] = []
    for path in (path for path, (_, how) in view.items() if how in {READ, HIDE}):
        between: list[str] = []
        above = os.path.dirname(path)
        while above not in view and above != "/":
            between.append(above)
            above = os.path.dirname(above)
        if above in view and view[above][1] == WRITE:
            held += between
    return held


def _real(path: str, name: str) -> str:
    if not os.path.isabs(path) or "\0" in path:
        raise CommandRefused(f"command: {name}={path!r} is no absolute path; give one")
    return os.path.realpath(path)


def is_beneath(path: str, folder: str) -> bool:
    """Whether a normal absolute path is the folder or lies in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _prefixes() -> list[str]:
    """Folders of the running interpreter and its environment that the system does not hold."""
    found: list[str] = []
    home = os.path.realpath(Path.home())
    for prefix in (sys.base_prefix, sys.base_exec_prefix, sys.prefix, sys.exec_prefix):
        real = os.path.realpath(prefix)
        # A prefix that holds the home folder would show everything in it.
        known = real in found or any(is_beneath(real, system) for system in _SYSTEM)
        if not known and not is_beneath(home, real):
            found.append(real)
    return found


def _system() -> dict[str, str]:
    """Path inside -> path on the host, read-only."""
    found = {path: path for path in _SYSTEM if os.path.isdir(path) and not os.path.islink(path)}
    for name in _SETTINGS:
        path = os.path.join("/etc", name)
        if os.path.exists(path):
            found[path] = os.path.realpath(path)
    return found


def _links(command: Command, view: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    """(path inside, target) of links that lead to what is seen under another name."""
    links = [(path, os.readlink(path)) for path in _SYSTEM if os.path.islink(path)]
    # What lies in a private folder on the host is not seen in the one inside.
    seen = [path for path, (_, how) in view.items() if how != PRIVATE]
    names = (*command.read, *command.write, sys.prefix, sys.base_prefix)
    # The shorter first: what lies beneath a link made for it is seen through that.
    for given in sorted({os.path.normpath(name) for name in names}):
        real = os.path.realpath(given)
        known = any(is_beneath(given, path) for path in (*seen, *(name for name, _ in links)))
        if given != real and not known and any(is_beneath(real, path) for path in seen):
            links.append((given, real))
    return links


def _how(plan: Plan, path: str) -> str:
    """How a real path is seen: what the deepest entry above it says, empty for not at all."""
    found = ""
    for inside, _, how in plan.view:
        if is_beneath(path, inside):
            found = how
    return found


def _working_folder(command: Command, plan: Plan) -> str:
    real = _real(command.cwd, "cwd")
    if not os.path.isdir(real):
        raise CommandRefused(f"command: cwd={command.cwd!r} is no folder; name one that exists")
    if _how(plan, real) not in {READ, WRITE}:
        raise CommandRefused(
            f"command: cwd={command.cwd!r} is outside what the program sees; "
            "declare it in `read` or `write`"
        )
    return real


# ---------------------------------------------------------------- program


def _environment(command: Command, tmp: str) -> dict[str, str]:
    """Nothing is inherited: the least a program needs, then what the command gives."""
    path = (os.path.join(sys.prefix, "bin"), "/usr/local/bin", "/usr/bin", "/bin")
    least = {"PATH": ":".join(path), "HOME": tmp, "LANG": "C.UTF-8", "TMPDIR": tmp}
    proxy = dict.fromkeys(_PROXIES, f"http://127.0.0.1:{PROXY_PORT}") | _OF_NODE | _OWN
    return least | (proxy if command.hosts else {}) | dict(command.env)


def _program(command: Command, plan: Plan) -> str:
    name = command.argv[0]
    if "/" in name:
        found = os.path.normpath(os.path.join(plan.cwd, name))
        found = found if os.access(found, os.X_OK) and os.path.isfile(found) else ""
    else:
        found = shutil.which(name, path=plan.env["PATH"]) or ""
    if not found:
        raise CommandRefused(
            f"command: program {name!r} is not installed or not executable; "
            f"PATH inside is {plan.env['PATH']!r}"
        )
    if _how(plan, os.path.realpath(found)) not in {READ, WRITE}:
        raise CommandRefused(
            f"command: program {found!r} is outside what the program sees; "
            "declare its folder in `read`"
        )
    return found
