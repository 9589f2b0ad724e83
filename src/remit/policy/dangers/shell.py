"""Shell commands that destroy, fetch and run code, open a way in, or give secrets away."""

import fnmatch
import re

from remit.errors import ArgumentError
from remit.policy.dangers.file import secret_file, start_file
from remit.policy.dangers.git import git_words, in_environment
from remit.policy.dangers.http import http_danger
from remit.policy.dangers.programs import (
    DECODERS,
    FETCHERS,
    INTERPRETERS,
    SHELLS,
    fetched_and_run,
    name_of,
    past_options,
    unwrapped,
)
from remit.policy.dangers.words import Command, Pipeline, pipelines
from remit.policy.lexical_path import clean_path

_TOP = frozenset(
    {"/", "~", ".", "..", "*", "$HOME", "${HOME}", "$PWD", "/*", "~/*", ".*", "$HOME/*", "/."}
    | {"${HOME}/*", "$(pwd)", ".git", "./*", "../*", "/home", "/home/*", "/users", "/users/*"}
)
_SYSTEM = frozenset(
    f"/{name}{end}"
    for name in ("bin", "boot", "dev", "etc", "lib", "lib64", "opt", "proc", "root", "sbin", "srv")
    for end in ("", "/*")
) | {f"/{name}{end}" for name in ("sys", "usr", "var", "system", "library") for end in ("", "/*")}
_DISK = re.compile(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk|disk|mapper/|md|loop)", re.ASCII)
_ENDS: dict[str, str] = {
    "shutdown": "it stops the machine", "reboot": "it stops the machine",
    "halt": "it stops the machine", "poweroff": "it stops the machine",
    "mkfs": "it wipes a disk", "wipefs": "it wipes a disk", "fdisk": "it changes disks",
    "parted": "it changes disks", "sgdisk": "it changes disks", "mkswap": "it wipes a disk",
    "insmod": "it loads code into the system", "modprobe": "it loads code into the system",
    "visudo": "it changes who may do everything", "useradd": "it adds an account",
    "adduser": "it adds an account", "usermod": "it changes an account",
    "passwd": "it changes a password", "chpasswd": "it changes a password",
    "setenforce": "it takes protection away", "nsenter": "it leaves the sandbox",
    "killall5": "it ends every program",
    "crontab": "it is run later", "at": "it is run later", "batch": "it is run later",
}  # fmt: skip
_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), why)
    for pattern, why in (
        (r"/dev/(tcp|udp)/", "it opens a connection for a shell"),
        (r"\bfork\s+while\s+fork\b|while\s*\(?1?\)?\s*\{?\s*fork", "it is a fork bomb"),
        (r"while\s+true.{0,40}os\.fork\(", "it is a fork bomb"),
        (r"\bHISTFILE=|\bunset\s+HISTFILE|\bhistory\s+-c", "it hides what was done"),
        (r"\bLD_PRELOAD=|\bLD_LIBRARY_PATH=/(tmp|dev)", "it loads code into other programs"),
        (r"pty\.spawn|socket\.socket.{0,200}(subprocess|dup2|exec)", "it opens a way in"),
        (r"shutil\.rmtree\(\s*['\"](/|~|/home|/etc|/usr|/var)/?['\"]", "it removes a whole tree"),
        (r"\biptables\s+(-F|--flush)|\bufw\s+disable|\bnft\s+flush", "it opens the firewall"),
        (r"--privileged|-v\s*/:/|docker\.sock", "it gives a container the whole machine"),
        (r"echo\s+\S+\s*>\s*/proc/sys", "it changes the system"),
        (r"--checkpoint-action=exec|--to-command=", "it runs a command for each file"),
        (r"\b(Proxy|Local|Remote)Command=", "it runs a command"),
        (r"\bexec\(.{0,80}(b64decode|decode\()", "it runs what it decoded, and nobody has seen it"),
        (r"fsockopen\(.{0,200}exec\(", "it opens a way in"),
        (r"\bterraform\s+destroy\s+-auto", "it destroys what a whole service runs on"),
    )
)
_WHOLE = frozenset({"ns", "namespace", "namespaces", "node", "nodes", "pv", "--all"})
_BOMB = re.compile(r"([\w:.-]+)\(\)\{(.{0,200}?)\}")
_GLOB = re.compile(r"[*?\[]")
# What a pattern of names must not be able to mean.
_HOME = "/home/someone"
_SECRETS = (
    *("/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/proc/self/environ", f"{_HOME}/.netrc"),
    *(f"{_HOME}/.ssh/id_rsa", f"{_HOME}/.ssh/id_ed25519", f"{_HOME}/.aws/credentials"),
)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"")
_WIDE_OPEN = re.compile(r"(0?[0-7]?777|a\+rwx|\+s|[ug]+\+s|[2467][0-7]{3}|o\+w|a\+w)")


def shell_danger(text: str) -> str | None:
    """Why a command line must not be run; None where nothing speaks against it.

    It knows much and not everything: a sandbox holds what a list does not know.
    """
    for pattern, why in _TEXTS:
        if pattern.search(text):
            return why
    if _is_bomb(text):
        return "it is a fork bomb"
    try:
        return _script(text, 0)
    except ArgumentError as exc:
        return str(exc)


def _is_bomb(text: str) -> bool:
    bare = "".join(text.replace("function ", "").split())
    for name, body in _BOMB.findall(bare):
        if f"{name}|{name}" in body or f"{name}&" in body.replace("|", "&"):
            return True
    return False


def _script(text: str, depth: int) -> str | None:
    fetched: set[str] = set()
    for pipe in pipelines(text, depth):
        why = _pipeline(pipe, depth) or fetched_and_run(pipe, fetched)
        if why is not None:
            return why
    return None


def _pipeline(pipe: Pipeline, depth: int) -> str | None:
    names = [name_of(words) for words in (unwrapped(each.words) for each in pipe)]
    said: list[str] = []
    for number, (command, name) in enumerate(zip(pipe, names, strict=True)):
        if name in INTERPRETERS and number and _runs_input(command):
            if set(names[:number]) & (FETCHERS | DECODERS):
                return "it runs what it fetched or decoded, and nobody has seen it"
            if name in SHELLS:
                why = _script(" ".join(said), depth + 1)
                if why is not None:
                    return why
        if name in ("nc", "ncat", "netcat", "telnet") and SHELLS & set(names[:number]):
            return "it opens a way in"
        why = _command(command, said, depth)
        if why is not None:
            return why
        said = command.words[1:] if name in ("echo", "printf") else []
    return None


def _runs_input(command: Command) -> bool:
    """An interpreter that reads its program from its input."""
    words = unwrapped(command.words)
    files = [word for word in words[1:] if not word.startswith("-") or word == "-"]
    return (
        "-c" not in words and "-e" not in words and (not files or files[0] in ("-", "/dev/stdin"))
    )


def _command(command: Command, said: list[str], depth: int) -> str | None:
    why = in_environment(command.words)
    if why is not None:
        return why
    words = unwrapped(command.words)
    for target in command.writes:
        why = _written(target)
        if why is not None:
            return f"it writes to {target[:80]}: {why}"
    for word in (*words[1:], *command.reads):
        why = _touched(word)
        if why is not None:
            return f"{word[:80]}: {why}"
    if not words:
        return None
    name = name_of(words)
    if name in SHELLS and command.fed:
        return _script(command.fed, depth + 1)
    if "xargs" in command.words:
        words = [*words, *said]
    return (
        _ended(name, words)
        or _services(name, words)
        or _asked(name, words)
        or _removal(name, words, depth)
        or _inner_code(name, words, depth)
        or _changed(name, words)
        or git_words(words)
    )


def _written(target: str) -> str | None:
    if target in ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty"):
        return None
    return "it is a whole disk" if _DISK.match(target) else start_file(target)


def _touched(word: str) -> str | None:
    """Why a word, taken for a path or a URL, must not be named; options may carry one."""
    bare = word.partition("=")[2] if word.startswith("-") and "=" in word else word
    bare = bare.rpartition("@")[2] if bare.startswith(("@", "file=@", "data=@")) else bare
    if "$(" in bare:
        return None  # what is inside was looked at as a command of its own
    if "://" in bare:
        return http_danger(bare)
    if bare.startswith("-") or " " in bare:
        return None
    path = re.sub(r"^(~\w*|\$HOME|\$\{HOME\})(?=/|$)", _HOME, bare)
    if _GLOB.search(path) and path.startswith("/"):
        depth = path.count("/")
        meant = (each for each in _SECRETS if each.count("/") == depth)
        found = next((each for each in meant if fnmatch.fnmatchcase(each, path)), None)
        if found is not None:
            return f"it may mean {found}"
    return secret_file(path)


def _asked(name: str, words: list[str]) -> str | None:
    """Why a host that is fetched from must not be asked; its scheme may be left out."""
    if name not in ("curl", "wget", "http", "fetch", "aria2c", "lynx"):
        return None
    found = (http_danger(word) for word in words[1:] if not word.startswith("-"))
    return next((each for each in found if each is not None), None)


def _services(name: str, words: list[str]) -> str | None:
    """Programs that take away what many work on."""
    if (name == "mount" and "remount" in " ".join(words)) or (name == "umount" and "/" in words):
        return "it changes what the machine works on"
    if name == "kubectl" and "delete" in words and _WHOLE & set(words):
        return "it removes a whole service"
    if name == "aws" and {"s3", "rb"} <= set(words):
        return "it removes a store with all that is in it"
    return None


def _ended(name: str, words: list[str]) -> str | None:
    if name.partition(".")[0] in _ENDS:
        quiet = {"crontab": {"-l"}, "fdisk": {"-l"}, "parted": {"-l"}, "at": {"-l"}}
        asked = quiet.get(name, {"--help", "--version"}) | {"--help", "--version"}
        return None if asked & set(words[1:]) else _ENDS[name.partition(".")[0]]
    if name == "dd" and any(
        _DISK.match(word.removeprefix("of=")) for word in words if "of=" in word
    ):
        return "it wipes a disk"
    if name in ("shred", "cp", "mv", "tee") and any(_DISK.match(word) for word in words[1:]):
        return "it wipes a disk"
    if name in ("init", "telinit") and set(words[1:]) & {"0", "6"}:
        return "it stops the machine"
    if name in ("kill", "killall", "pkill") and set(words[1:]) & {"-1", "1"}:
        return "it ends every program"
    if name == "systemctl" and set(words[1:]) & {"poweroff", "reboot", "halt", "mask", "disable"}:
        return "it stops the machine or its services"
    if name in ("nc", "ncat", "netcat", "socat") and re.search(
        r"\s(-\w*[ec]|--exec|--sh-exec)\s|exec:|system:", f" {' '.join(words)} ", re.IGNORECASE
    ):
        return "it opens a way in"
    return None


def _removal(name: str, words: list[str], depth: int) -> str | None:
    options = [word for word in words[1:] if word.startswith("-")]
    targets = [_target(word) for word in words[1:] if not word.startswith("-")]
    wide = [each for each in targets if each in _TOP or each in _SYSTEM]
    if name in ("rm", "unlink", "rmdir", "srm", "shred") or name.startswith("$"):
        deep = any(
            each in ("--recursive", "--no-preserve-root")
            or (not each.startswith("--") and set("rR") & set(each))
            for each in options
        )
        if wide and (deep or "*" in "".join(wide)):
            return f"it removes {wide[0]}"
    if name == "rsync" and wide and any(each.startswith("--del") for each in options):
        return f"it removes what is in {wide[0]}"
    if name == "find":
        return _find(words, wide, depth)
    if name in ("chmod", "chown", "chgrp"):
        deep = any("R" in each or each == "--recursive" for each in options)
        if wide and deep:
            return f"it changes who may read or write {wide[0]}"
        if name == "chmod" and targets and _WIDE_OPEN.fullmatch(targets[0]):
            return "it lets everyone write, or gives a program its owner's rights"
    if name == "mv" and wide and wide[0] != "." and wide[0] == targets[0]:
        return f"it takes {wide[0]} away"
    return None


def _target(word: str) -> str:
    if word in _TOP:
        return word
    star = word.endswith("/*")
    path = clean_path(word.removesuffix("/*"))
    if path.rstrip("/") in ("", ".") and word.startswith("/"):
        path = ""
    elif set(path.split("/")) == {".."}:
        path = ".."
    return (f"{path}/*" if star else path or "/").lower()


def _find(words: list[str], wide: list[str], depth: int) -> str | None:
    if "-delete" in words and wide and wide[0] not in (".", "*"):
        return f"it removes everything in {wide[0]}"
    for mark in ("-exec", "-execdir", "-ok", "-okdir"):
        if mark in words:
            inner = words[words.index(mark) + 1 :]
            code = [wide[0] if word == "{}" and wide and wide[0] != "." else word for word in inner]
            if wide and wide[0] not in (".", "*") and name_of(code) in ("rm", "unlink", "shred"):
                return f"it removes everything in {wide[0]}"
            found = _command(Command(words=code), [], depth + 1)
            if found is not None:
                return found
    return None


def _inner_code(name: str, words: list[str], depth: int) -> str | None:
    """Why what a shell, `eval` or another interpreter is told to run is dangerous."""
    code = _code_of(name, words)
    if not code:
        return None
    if "$(" in code or "`" in code:
        inside = {
            name_of(unwrapped(each.words)) for pipe in pipelines(code, depth) for each in pipe
        }
        if inside & (FETCHERS | DECODERS):
            return "it runs what it fetched or decoded, and nobody has seen it"
    if name in _AWK or (name in INTERPRETERS and name not in SHELLS):
        for single, double in _QUOTED.findall(code):
            why = _script(single or double, depth + 1)
            if why is not None:
                return why
        return None
    return _script(code, depth + 1)


_AWK = frozenset({"awk", "gawk", "mawk", "nawk"})
_EDITORS = frozenset({"vi", "vim", "nvim", "ex", "view"})


def _code_of(name: str, words: list[str]) -> str:
    """The commands that a program is given as text; empty where it is given none."""
    if " " in words[0].strip():
        return words[0]  # `su -c 'a command'`
    if name == "alias":
        return words[-1].partition("=")[2]
    if name in _EDITORS:
        return " ; ".join(word.partition("!")[2] for word in words[1:] if ":!" in word)
    if name in _AWK:
        code = " ".join(words[1:])
        return code if "system(" in code else ""
    if name in ("eval", "source", ".", "trap"):
        return " ".join(words[1:])
    if name == "ssh":
        return " ".join(words[past_options(words, 1) + 1 :])
    if name in INTERPRETERS | {"script", "flock"} and (at := _code_at(words)):
        return words[at]
    return ""


def _code_at(words: list[str]) -> int:
    for at, word in enumerate(words[1:-1], 1):
        if word.startswith("-") and not word.startswith("--") and word[-1] in "cer":
            return at + 1
    # `bash <(curl …)`: what stands in the substitution is run.
    return next((at for at, word in enumerate(words) if at and word.startswith("$(")), 0)


def _changed(name: str, words: list[str]) -> str | None:
    """Programs whose last words are written to."""
    files = [word for word in words[1:] if not word.startswith("-")]
    if name in ("cp", "mv", "ln", "install", "rsync", "scp"):
        files = files[-1:]
    elif name == "sed":
        files = files[1:] if any(word.startswith(("-i", "--in-place")) for word in words) else []
    elif name not in ("tee", "truncate", "touch", "nano", "vi", "vim"):
        return None
    for each in files:
        why = _written(re.sub(r"^(~|\$HOME|\$\{HOME\})(?=/)", _HOME, each))
        if why is not None:
            return f"it writes to {each[:80]}: {why}"
    return None
