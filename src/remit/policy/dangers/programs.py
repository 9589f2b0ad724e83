"""Which program a command really runs, behind `sudo`, `env` and the like, and what it fetched."""

import re
from itertools import pairwise

from remit.policy.dangers.words import Pipeline
from remit.policy.lexical_path import clean_path

SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh", "ash", "fish", "tcsh", "csh"})
INTERPRETERS = SHELLS | {"python", "perl", "ruby", "node", "php", "lua", "osascript", "deno"}
FETCHERS = frozenset({"curl", "wget", "fetch", "aria2c", "http", "lynx", "ftp", "scp", "nc"})
DECODERS = frozenset({"base64", "base32", "xxd", "openssl", "uudecode", "gunzip", "zcat", "rev"})
# Programs that run the rest of their words; the number says how many words of their own follow.
_WRAPPERS: dict[str, int] = {
    "sudo": 0, "doas": 0, "env": 0, "nohup": 0, "nice": 0, "ionice": 0, "time": 0, "timeout": 1,
    "exec": 0, "command": 0, "builtin": 0, "busybox": 0, "setsid": 0, "stdbuf": 0, "xargs": 0,
    "chroot": 1, "unshare": 0, "watch": 0, "then": 0, "do": 0, "else": 0, "if": 0, "while": 0,
    "until": 0, "!": 0, "{": 0, "toybox": 0, "parallel": 0, "strace": 0, "fakeroot": 0, "su": 0,
}  # fmt: skip
_TAKES_VALUE = frozenset({"-u", "-g", "-n", "-c", "-s", "-k", "-I", "-P", "-L", "-d", "-a", "-E"})
# Of `sudo` the others stand alone.
_SUDO_TAKES = frozenset({"-u", "-g", "-c", "-h", "-p", "-r", "-t", "-C", "-T", "-U", "-D", "-R"})


def name_of(words: list[str]) -> str:
    """The name of the program, without its folder and, for interpreters, its version."""
    name = words[0].rpartition("/")[2].lower() if words else ""
    bare = name.rstrip("0123456789.")  # python3.11
    return bare if bare in INTERPRETERS else name


def unwrapped(words: list[str]) -> list[str]:
    """The words from the program on that really runs."""
    at = 0
    while at < len(words):
        word = words[at]
        name = word.rpartition("/")[2]
        if re.match(r"[A-Za-z_]\w*=", word):
            at += 1
        elif name in _WRAPPERS:
            takes = _SUDO_TAKES if name in ("sudo", "doas") else _TAKES_VALUE
            at = past_options(words, at + 1, takes) + _WRAPPERS[name]
        else:
            break
    return words[at:]


def past_options(words: list[str], at: int, takes: frozenset[str] = _TAKES_VALUE) -> int:
    """Where the first word stands that is no option, nor the value of one."""
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "-c":  # `su -c COMMAND` and the like
            return at + 1
        at += 2 if words[at] in takes else 1
    return at


def fetched_and_run(pipe: Pipeline, fetched: set[str]) -> str | None:
    """Whether it runs a file that an earlier command fetched; takes in what this one fetches."""
    for command in pipe:
        words = unwrapped(command.words)
        name = name_of(words)
        run = words[:1] if name not in INTERPRETERS | {"source", "."} else words[1:]
        if any(clean_path(word) in fetched for word in run):
            return "it runs what it fetched, and nobody has seen it"
        if name in FETCHERS:
            said = [after for word, after in pairwise(words) if word in ("-o", "-O", "--output")]
            fetched |= {clean_path(each) for each in (*said, *command.writes, *pipe[-1].writes)}
            if "-O" in words or name == "wget":
                fetched |= {word.rpartition("/")[2] for word in words[1:] if "/" in word}
    return None
