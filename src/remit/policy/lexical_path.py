"""Whether a path, as it is written, lies beneath another: yes, no, or nobody can say."""

from functools import lru_cache
from urllib.parse import unquote

_FILE = "file://"
_KEPT = 256  # many rules look at the few values of one call


@lru_cache(maxsize=_KEPT)
def clean_path(text: str) -> str:
    """A path with `/` between its segments, without `file://`, percent signs and empty segments.

    `..` takes back the segment before it; what climbs above the beginning keeps its `..`.
    """
    if text[: len(_FILE)].lower() == _FILE:
        text = unquote(text[len(_FILE) :].removeprefix("localhost"))
    text = text.replace("\\", "/")
    kept: list[str] = []
    for segment in text.split("/"):
        if segment in ("", "."):
            continue
        if segment == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif segment != ".." or not text.startswith("/"):
            kept.append(segment)
    return ("/" if text.startswith("/") else "") + "/".join(kept)


def is_unclear(text: str) -> bool:
    """Where the path leads depends on more than its text: variables, home folders, `..`, NUL."""
    path = clean_path(text)
    return "\0" in text or "$" in text or path.startswith(("~", "..")) or "`" in text


def beneath(text: str, root: str) -> bool | None:
    """Whether the path lies beneath `root` or is it; None where the text alone does not say.

    A relative root stands for the folder of that name that the tool works in.
    """
    path, top = clean_path(text), clean_path(root)
    if top and (path == top or path.startswith(f"{top.rstrip('/')}/")):
        return None if "\0" in text or "$" in text or "`" in text else True
    if is_unclear(text):
        return None
    if path.startswith("/") == top.startswith("/"):
        return not top
    if top.startswith("/"):
        return False  # a relative path that climbs nowhere stays where the tool works
    # Which folder a relative root lies in is not known here; it may be this one.
    return None if not top or f"/{top.removeprefix('~/')}/" in f"{path}/" else False
