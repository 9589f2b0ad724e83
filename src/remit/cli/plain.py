"""Text from models, tools and people is stripped of everything that could drive a terminal."""

import re
import unicodedata

# CSI, OSC, DCS and the short escape sequences of ECMA-48, so that no rest of one is left as text.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_].*?(?:\x1b\\|\x07|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
_KEPT = "\n\t"
# Controls, unassigned and private characters, and formats: among these are those that turn the
# direction of writing, by which a shown call could read otherwise than it is.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_JOINERS = "\u200d\u200c"  # they stand inside words and emoji and turn nothing


def printable(text: str) -> str:
    """`text` without escape sequences and invisible characters; line ends and tabs stay."""
    bare = _ESCAPES.sub("", text.replace("\r\n", "\n"))
    if bare.isascii() and bare.isprintable():
        return bare
    return "".join(
        char
        for char in bare
        if char in _KEPT or char in _JOINERS or unicodedata.category(char) not in _HIDDEN
    )


def one_line(text: str, width: int = 100) -> str:
    """The beginning of `text` in one line of at most `width` characters."""
    line = " ".join(printable(text[: width * 8]).split())
    return line if len(line) <= width and len(text) <= width * 8 else f"{line[: width - 1]}…"
