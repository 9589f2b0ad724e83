"""Whether a path, as it is written, lies beneath another: yes, no, or nobody can say."""

import re
from functools import lru_cache
from urllib.parse import unquote

# `file:/etc` and `file:///etc` are one (RFC 8089); a host after `//` is not always this one.
_FILE = re.compile(r"file:(?://(?:localhost(?=/))?)?", re.IGNORECASE)
_HOST = re.compile(r"file://(?!localhost/)[^/]", re.IGNORECASE)
# Links of the kernel: they lead where a process stands, to its root or to what it has open.
_OF_PROCESS = re.compile(
    r"(?:^|/)(?:proc/[^/]+/(?:task/[^/]+/)?(?:root|cwd|exe|fd|map_files)|dev/(?:fd|std(?:in|out|err)))"
    r"(?:/|$)"
)
_KEPT = 256  # many rules look at the few values of one call


@lru_cache(maxsize=_KEPT)
def clean_path(text: str) -> str:
    """A path with `/` between its segments, without `file:`, percent signs and empty segments.

    `..` takes back the segment before it; what climbs above the beginning keeps its `..`.
    """
    text = _plain(text)
    kept: list[str] = []
    for segment in text.split("/"):
        if segment in ("", "."):
            continue
        if segment == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif segment != ".." or not text.startswith("/"):
            kept.append(segment)
    return ("/" if text.startswith("/") else "") + "/".join(kept)


def _plain(text: str) -> str:
    """Without `file:` and its percent signs, and with `/` only."""
    found = _FILE.match(text)
    return (text if found is None else unquote(text[found.end() :])).replace("\\", "/")


def is_unclear(text: str) -> bool:
    """Where the path leads depends on more than its text.

    Variables, home folders, `..` above its beginning, links of processes (`/proc/self/root`), files
    of other hosts, NUL.
    """
    # A step up from a home folder leads out of it, whatever is left of the text.
    return text.startswith("~") or clean_path(text).startswith(("~", "..")) or _is_odd(text)


def _is_odd(text: str) -> bool:
    return (
        "\0" in text
        or "$" in text
        or "`" in text
        or _HOST.match(text) is not None
        or goes_through_a_process(text)
    )


@lru_cache(maxsize=_KEPT)
def goes_through_a_process(text: str) -> bool:
    """Whether a link of a process lies on the path, however it is written."""
    if "/" not in text.replace("\\", "/"):
        return False
    whole = "/".join(each for each in _plain(text).split("/") if each not in ("", "."))
    return any(_OF_PROCESS.search(each) for each in (whole, clean_path(text)))


def beneath(text: str, root: str) -> bool | None:
    """Whether the path lies beneath `root` or is it; None where the text alone does not say.

    A relative root stands for the folder of that name that the tool works in.
    """
    path, top = clean_path(text), clean_path(root)
    if top and (path == top or path.startswith(f"{top.rstrip('/')}/")):
        return None if _is_odd(text) else True
    if is_unclear(text):
        return None
    if path.startswith("/") == top.startswith("/"):
        return not top
    if top.startswith("/"):
        return False  # a relative path that climbs nowhere stays where the tool works
    # Which folder a relative root lies in is not known here; it may be this one.
    return None if not top or f"/{top.removeprefix('~/')}/" in f"{path}/" else False
