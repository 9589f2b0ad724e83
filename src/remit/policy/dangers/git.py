"""Git commands that lose work, publish it elsewhere, or make git run other programs."""

import re
from collections.abc import Iterable
from itertools import takewhile

from remit.errors import ArgumentError
from remit.policy.dangers.file import start_file
from remit.policy.dangers.words import pipelines

# Options before the subcommand that take the next word.
_TAKES = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path"})
# Settings through which git runs programs or sends things elsewhere, in lower case.
_RUNS = (
    "alias.",
    "core.hookspath",
    "core.sshcommand",
    "core.fsmonitor",
    "core.pager",
    "core.editor",
    "core.askpass",
    "core.gitproxy",
    "core.attributesfile",
    "core.worktree",
    "credential.",
    "diff.",
    "difftool.",
    "filter.",
    "gpg.",
    "http.proxy",
    "http.sslverify",
    "include.",
    "includeif.",
    "init.templatedir",
    "interactive.difffilter",
    "merge.",
    "mergetool.",
    "pager.",
    "protocol.",
    "receive.",
    "remote.",
    "sequence.editor",
    "submodule.",
    "uploadpack.",
    "url.",
)
_HARMLESS_KEYS = (
    "diff.algorithm",
    "diff.renames",
    "diff.colormoved",
    "diff.context",
    "merge.ff",
    "merge.conflictstyle",
    "remote.pushdefault",
    "submodule.recurse",
)
# Settings in the environment that make git run programs, or read its settings elsewhere.
_ENVIRONMENT = re.compile(
    r"GIT_(SSH|SSH_COMMAND|PAGER|EDITOR|SEQUENCE_EDITOR|EXTERNAL_DIFF|ASKPASS|PROXY_COMMAND|EXEC_PATH"
    r"|TEMPLATE_DIR|CONFIG\w*|DIR|WORK_TREE|ALTERNATE_OBJECT_DIRECTORIES)="
)
# All that git knows, in a word.
_EVERYTHING = frozenset({".", "./", ":/", ":", "*", ":(top)", "$(pwd)", ":/*"})
_RUNNERS = ("--upload-pack", "--receive-pack", "--exec=", "--exec-path=", "-u=", "--config-env")
_READS = frozenset({"--get", "--get-all", "--get-regexp", "--list", "-l", "get", "list"})
_SUBCOMMANDS: dict[str, str] = {
    "filter-branch": "it rewrites history",
    "filter-repo": "it rewrites history",
    "fast-import": "it rewrites history",
    "daemon": "it serves the repository to others",
    "instaweb": "it serves the repository to others",
    "send-email": "it sends the work elsewhere",
    "credential": "it shows passwords",
    "credential-store": "it shows passwords",
    "credential-cache": "it shows passwords",
    "http-backend": "it serves the repository to others",
    "prune": "it removes lost work",
    "replace": "it puts other work in the place of what was done",
    "shell": "it runs commands",
    "ext": "it runs commands",
}
_REST: dict[str, tuple[frozenset[str], str]] = {
    "reset": (frozenset({"--hard", "--merge", "--keep"}), "it throws work away"),
    "clean": (
        frozenset({"-f", "-d", "-x", "-X", "--force"}),
        "it removes files that git does not know",
    ),
    "reflog": (frozenset({"expire", "delete"}), "it removes what lost work is found by"),
    "gc": (frozenset({"--prune=now", "--prune=all", "--aggressive"}), "it removes lost work"),
    "branch": (frozenset({"-D", "-M", "-f", "--force"}), "it removes or moves a branch"),
    "tag": (frozenset({"-d", "-f", "--delete", "--force"}), "it removes or moves a tag"),
    "checkout": (frozenset({"-f", "--force", "-B"}), "it throws work away"),
    "switch": (frozenset({"-f", "--force", "--discard-changes", "-C"}), "it throws work away"),
    "stash": (frozenset({"drop", "clear"}), "it throws work away"),
    "rm": (frozenset({"-f", "--force", "."}), "it throws work away"),
    "clone": (frozenset({"-u", "--template"}), "it makes git run other programs"),
    "init": (frozenset({"--template"}), "it makes git run other programs"),
    "fetch": (frozenset({"--upload-pack"}), "it makes git run other programs"),
    "remote": (
        frozenset({"add", "set-url", "rename", "remove", "rm", "update"}),
        "it changes where work is sent",
    ),
    "submodule": (frozenset({"add", "set-url", "foreach"}), "it brings in, or runs, other code"),
    "worktree": (frozenset({"remove"}), "it throws work away"),
    "commit": (frozenset({"--no-verify", "-n"}), "it goes around the checks"),
    "merge": (frozenset({"--no-verify"}), "it goes around the checks"),
    "rebase": (frozenset({"-x", "--exec", "--no-verify"}), "it runs commands at each step"),
    "bisect": (frozenset({"run"}), "it runs commands at each step"),
    "difftool": (frozenset({"-x", "--extcmd"}), "it runs a command"),
    "grep": (frozenset({"-O", "--open-files-in-pager"}), "it runs a command"),
}


def git_danger(text: str) -> str | None:
    """Why a git command line must not be run; `git` itself may be left out of it."""
    try:
        found = pipelines(text)
    except ArgumentError as exc:
        return str(exc)
    for number, command in enumerate(each for pipe in found for each in pipe):
        words = command.words
        why = in_environment(words)
        if why is not None:
            return why
        while words and (words[0] == "env" or re.match(r"\w+=", words[0])):
            words = words[1:]
        if number == 0 and words and not _is_git(words[0]):
            words = ["git", *words]
        why = git_words(words)
        if why is not None:
            return why
    return None


def _is_git(word: str) -> bool:
    return word.rpartition("/")[2].lower() in ("git", "git.exe")


def in_environment(words: list[str]) -> str | None:
    """Why git must not be given a setting in the environment; None where it is given none."""
    for word in words:
        if _ENVIRONMENT.match(word):
            return f"{word[:40]} makes git run other programs, or work elsewhere"
        if "=" not in word and word != "env":
            break
    return None


def git_words(words: list[str]) -> str | None:
    """Why the words of a command, from `git` on, must not be run; None for other commands too."""
    if not words or not _is_git(words[0]):
        return None
    at = 1
    while at < len(words) and words[at].startswith("-"):
        option = words[at]
        if option == "-c" and _runs(words[at + 1] if at + 1 < len(words) else ""):
            return f"the setting {words[at + 1][:60]} makes git run something or send it elsewhere"
        if option.startswith(("--exec-path=", "--config-env")):
            return f"{option[:60]} makes git run other programs"
        at += 2 if option in _TAKES else 1
    return _subcommand(words[at], words[at + 1 :]) if at < len(words) else None


def _runs(setting: str) -> bool:
    key = setting.lower()
    return key.startswith(_RUNS) and not key.startswith(_HARMLESS_KEYS)


def _subcommand(name: str, rest: list[str]) -> str | None:
    if name.startswith("$"):
        return "which git command it is cannot be seen"
    if name in _SUBCOMMANDS:
        return _SUBCOMMANDS[name]
    why = _elsewhere(name, rest)
    if why is not None:
        return why
    if name == "push":
        return _push(rest)
    if name == "config":
        return _config(rest)
    # `checkout -- .` throws away what was not committed.
    if name in ("checkout", "restore") and _EVERYTHING & set(rest):
        return "it throws work away"
    bad, why = _REST.get(name, (frozenset[str](), ""))
    options = takewhile(lambda word: word != "--", rest)
    listed = any(_is_one_of(word, bad, bundled=name != "checkout") for word in options)
    return why if listed else None


def _is_one_of(word: str, bad: frozenset[str], *, bundled: bool) -> bool:
    return word in bad or _abbreviates(word, bad) or (bundled and _short(word, bad))


def _elsewhere(name: str, rest: list[str]) -> str | None:
    """Why it runs other programs, or reads and writes outside of the repository."""
    for word in rest:
        value = word.partition("=")[2]
        if word.startswith(("ext::", "fd::", *_RUNNERS)) or value.startswith(("ext::", "fd::")):
            return f"{word[:60]} makes git run other programs"
        if word.startswith("--output=") and start_file(value):
            return f"it writes to {value[:60]}"
    if name == "diff" and "--no-index" in rest:
        return "it reads files outside of the repository"
    if name in ("update-ref", "symbolic-ref") and len(rest) > 1:
        return "it moves or removes a branch"
    if name == "clone" and _settings(rest):
        return "a setting makes git run something or send it elsewhere"
    return None


def _settings(rest: list[str]) -> bool:
    """Whether `-c` or `--config` sets what makes git run something."""
    for at, word in enumerate(rest):
        if word.startswith("--config="):
            found = word.partition("=")[2]
        else:
            found = rest[at + 1] if word in ("-c", "--config") and at + 1 < len(rest) else ""
        if _runs(found):
            return True
    return False


_LEAST = len("--x") + 1  # `--f` alone could be many


def _abbreviates(word: str, bad: Iterable[str]) -> bool:
    """Whether a long option, cut short as git allows or with its value, is one of these."""
    option = word.partition("=")[0]
    long = option.startswith("--") and len(option) >= _LEAST
    return long and any(each.startswith(option) for each in bad)


def _short(word: str, bad: frozenset[str]) -> bool:
    """Whether a bundle of short options, as `-fdx`, holds one of these."""
    if not word.startswith("-") or word.startswith("--"):
        return False
    letters = {each[1] for each in bad if len(each) == 2 and each[0] == "-"}  # noqa: PLR2004  # dash and letter
    return bool(letters & set(word[1:]))


_PUSH = ("--force", "--force-with-lease", "--force-if-includes", "--mirror", "--delete", "--prune")


def _push(rest: list[str]) -> str | None:
    for word in rest:
        if word.startswith(
            ("--force", "--mirror", "--delete", "--prune", "--no-verify", "-f", "-d")
        ):
            return f"push {word[:40]} replaces or removes what others have"
        if _abbreviates(word, _PUSH):
            return f"push {word[:40]} replaces or removes what others have"
        if word.startswith("+") or (word.startswith(":") and len(word) > 1):
            return f"push {word[:40]} replaces or removes a branch"
        if _short(word, frozenset({"-f", "-d"})):
            return f"push {word[:40]} replaces or removes what others have"
        if (
            "://" in word
            or ("@" in word and ":" in word)
            or word.startswith(("/", "./", "../", "~"))
        ):
            return "it sends the work to another address than the remotes that are known"
    return None


def _config(rest: list[str]) -> str | None:
    if _READS & set(rest):
        return None
    keys = [word for word in rest if not word.startswith("-")]
    if "--edit" in rest or "-e" in rest:
        return "it runs an editor"
    if {"--global", "--system"} & set(rest):
        return "it changes git for more than this repository"
    if any(_runs(word) for word in keys[:2]) and len(keys) > 1:
        return f"the setting {keys[0][:60]} makes git run something or send it elsewhere"
    return None
