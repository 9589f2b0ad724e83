"""What a call would do, as lines for a terminal: within a gutter that nothing in them can leave."""

import shutil
from collections.abc import Iterator

import click
from rich.cells import cell_len, chop_cells

from remit.cli.plain import printable
from remit.values.preview import Previewed, signed

MOST_LINES = 60
"""Two screens; `remit approvals show` and the console have all of it."""
_COLOURS = {"add": "green", "cut": "red", "place": "cyan"}
_SIGNS = {"add": "+", "cut": "-", "same": " ", "place": "@"}
_GUTTER = "  │"
_LEAST = 10  # columns; a narrower terminal wraps by itself
_WIDE = 200  # where output is no terminal


def preview_lines(
    preview: Previewed, *, most: int = MOST_LINES, whole: str = "", width: int = 0
) -> Iterator[str]:
    """The lines with their colours; `whole` is the text of the artifact where somebody has it.

    Each is cut into pieces of the terminal's width here: wrapped by the terminal, the rest of a
    long line would begin at the left edge and could pass for a line of Remit's own.
    """
    lines = whole.split("\n") if whole else list(preview.shown)
    room = max(_LEAST, (width or _columns()) - len(_GUTTER) - 2)
    yield click.style(f"  what it would do ({preview.sums}):", bold=True)
    for line in lines[:most]:
        sign, text = signed(line)
        mark, colour = _SIGNS[sign], _COLOURS.get(sign)
        for piece in _pieces(printable(text).expandtabs(4).replace("\n", " "), room):
            yield click.style(f"{_GUTTER}{mark} {piece}", fg=colour)
            mark = "…"
    more = preview.lines - min(most, len(lines))
    if more > 0:
        yield f"  {more:,} more lines: remit approvals show ID"
    elif preview.missing and not whole:
        yield f"  {preview.missing}: remit approvals show ID"


def _pieces(text: str, room: int) -> list[str]:
    return [text] if cell_len(text) <= room else chop_cells(text, room)


def _columns() -> int:
    return shutil.get_terminal_size((_WIDE, 24)).columns
