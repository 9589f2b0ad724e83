"""Check names before they reach the file system: form, look-alikes and the deny list."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from remit.errors import PathRefused, UsageError

# Linux: PATH_MAX counts the ending NUL, NAME_MAX does not.
_PATH_BYTES = 4095
_NAME_BYTES = 255
# A path in an error text; longer ones say nothing more to a reader.
_SHOWN_CHARS = 120
# Temporary files of an interrupted write; no user's name may begin so.
TEMPORARY = ".remit-tmp-"

DEFAULT_DENY: tuple[str, ...] = (
    # Version control: a hook or a config value written here runs on the host.
    ".git",
    "git~[0-9]*",
    ".hg",
    ".svn",
    # Remit itself: journal, keys and rules are out of every agent's reach.
    ".remit",
    "remit.toml",
    TEMPORARY + "*",
    # Keys and certificates.
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "authorized_keys*",
    # Settings that hold secrets.
    ".env*",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".git-credentials",
    ".dockercfg",
    ".vault-token",
    "credentials",
    "credentials.*",
    ".credentials*",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
    "service[-_]account*.json",
    "*.tfstate*",
    # Folders of other programs' secrets.
    ".ssh",
    ".aws",
    ".azure",
    ".gnupg",
    ".kube",
    ".docker",
    ".config/gcloud",
    ".config/gh",
    ".terraform.d",
    # What a shell or an interpreter runs or remembers.
    ".bashrc",
    ".bash_profile",
    ".bash_history",
    ".profile",
    ".zshrc",
    ".zsh_history",
)
"""Globs no agent may touch: without `/` they match any component, with `/` a whole path.

A match covers everything beneath. Case, Unicode compatibility forms, trailing dots and blanks and
what follows a colon do not matter, because some file systems ignore them.
"""


def refused(path: str, rule: str, remedy: str) -> PathRefused:
    """The error that names the path, the rule it breaks and what to do."""
    shown = path if len(path) <= _SHOWN_CHARS else path[:_SHOWN_CHARS] + "…"
    return PathRefused(f"path {shown!r} is refused: {rule}; {remedy}")


def split_path(path: str) -> tuple[str, ...]:
    """The components of a relative path; `./` and double slashes are dropped.

    Raises `PathRefused` for absolute paths, `..`, backslashes, NUL, control and invisible
    characters, look-alikes of separators and dots, and names too long for Linux.
    """
    if path.startswith("/"):
        raise refused(path, "it is absolute", "give it relative to the root")
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise refused(path, "it is not valid Unicode", "use another name") from None
    if size > _PATH_BYTES:
        raise refused(path, f"it is longer than {_PATH_BYTES} bytes", "use a shorter path")
    parts = tuple(part for part in path.split("/") if part not in {"", "."})
    if not parts:
        raise refused(path, "it names no file", "name a file beneath the root")
    for part in parts:
        _check_part(path, part)
    return parts


def _check_part(path: str, part: str) -> None:
    if part == "..":
        raise refused(path, "it contains '..'", "give the path from the root, without '..'")
    if "\\" in part:
        raise refused(path, "it contains a backslash", "separate folders by '/'")
    if len(part.encode()) > _NAME_BYTES:
        raise refused(path, f"a name is longer than {_NAME_BYTES} bytes", "use a shorter name")
    if part.isascii() and part.isprintable():
        return
    for char in part:
        # Cc control, Cf invisible and direction marks, Zl and Zp line breaks.
        if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}:
            rule = f"it contains the invisible character U+{ord(char):04X}"
            raise refused(path, rule, "use visible characters only")
    plain = unicodedata.normalize("NFKC", part)
    if "/" in plain or "\\" in plain or plain in {".", ".."}:
        raise refused(path, "a name looks like a separator or '..'", "use another name")


def fold(part: str) -> str:
    """One component as the most forgiving file system would compare it."""
    plain = part if part.isascii() else unicodedata.normalize("NFKC", part)
    return plain.casefold().partition(":")[0].rstrip(". ")


class DenyList:
    """Compiled deny globs."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._globs = tuple(globs)
        if any(not glob.strip("/") for glob in self._globs):
            raise UsageError(f"deny list {self._globs!r}: an empty glob; remove it")
        folded = [(glob, glob.casefold().strip("/")) for glob in self._globs]
        self._names = [(glob, compile_glob(low)) for glob, low in folded if "/" not in low]
        self._paths = [(glob, compile_glob(low)) for glob, low in folded if "/" in low]
        joined = "|".join(f"(?:{pattern.pattern})" for _, pattern in self._names) or r"(?!)"
        self._any_name = re.compile(joined)

    def match(self, parts: tuple[str, ...]) -> str | None:
        """The first glob that denies this path or a folder above it, None when none does."""
        folded = [fold(part) for part in parts]
        for part in folded:
            if self._any_name.fullmatch(part):
                return next(glob for glob, pattern in self._names if pattern.fullmatch(part))
        for end in range(1, len(folded) + 1) if self._paths else ():
            whole = "/".join(folded[:end])
            for glob, pattern in self._paths:
                if pattern.fullmatch(whole):
                    return glob
        return None

    def check(self, parts: tuple[str, ...], path: str) -> None:
        """Raise `PathRefused` when a glob denies the path."""
        glob = self.match(parts)
        if glob is not None:
            raise refused(path, f"the deny rule {glob!r} covers it", "work with another file")


@lru_cache(maxsize=256)  # the deny list plus the globs of a session's listings
def compile_glob(glob: str) -> re.Pattern[str]:
    """A glob as a pattern: `**` any folders, `*` and `?` in a name, `[…]` one of, `[!…]` none of.

    A glob with `/` in it may begin anywhere when it starts with `**/`, else it is anchored.
    """
    out: list[str] = []
    place = 0
    while place < len(glob):
        token, place = _next_token(glob, place)
        out.append(token)
    return re.compile("".join(out), re.DOTALL)


def _next_token(glob: str, place: int) -> tuple[str, int]:
    if glob.startswith("**/", place):
        return "(?:[^/]+/)*", place + 3
    if glob.startswith("**", place):
        return ".*", place + 2
    char = glob[place]
    if char == "*":
        return "[^/]*", place + 1
    if char == "?":
        return "[^/]", place + 1
    end = glob.find("]", place + 2) if char == "[" else -1
    if end == -1:
        return re.escape(char), place + 1
    body = glob[place + 1 : end]
    negated = body.startswith("!")
    inner = re.sub(r"([\\\[\]^])", r"\\\1", body[1:] if negated else body)
    # `(?!/)`: a class never eats a separator.
    return f"(?!/)[{'^' if negated else ''}{inner}]", end + 1
