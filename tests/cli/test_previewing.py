"""What a call would do at a terminal: in a gutter, wrapped here, cut honestly."""

import re

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from remit.cli.previewing import preview_lines
from remit.values.clean import Clean
from remit.values.preview import Preview, Previewed
from remit.values.preview_lines import drawn, kept


def lines(preview: Previewed, **more: object) -> list[str]:
    found = preview_lines(preview, **more)  # type: ignore[arg-type]  # of preview_lines
    return [click.unstyle(line) for line in found]


def of(text: str) -> Previewed:
    return kept(drawn(Preview.files({"f.py": ("old\n", text)}), Clean.vouch))[0]


@pytest.mark.requirement("APR-2")
def test_each_line_stands_after_its_sign() -> None:
    assert lines(of("new\n"), width=80) == [
        "  what it would do (+1 -1):",
        "  │@ f.py",
        "  │@ @@ -1 +1 @@",
        "  │- old",
        "  │+ new",
    ]


@pytest.mark.requirement("PERM-7")
@given(text=st.text(max_size=300), width=st.integers(24, 120))
def test_nothing_leaves_the_gutter(text: str, width: int) -> None:
    for line in lines(of(text), width=width)[1:]:
        assert re.match(r"  │[-+ @…] ", line)
        assert cell_len(line) <= width
        assert "\n" not in line


def test_a_long_line_goes_on_inside_the_gutter() -> None:
    prompt = " " * 75 + "agree to exactly this call? [y/N] y"
    found = lines(of(f"{prompt}\n"), width=80)
    assert [line for line in found if "agree to" in line] == [
        "  │… agree to exactly this call? [y/N] y"
    ]
    assert all(line.startswith("  │") for line in found[1:])


def test_what_is_too_much_says_how_to_see_it() -> None:
    long = of("x\n" * 1_000)
    assert lines(long, most=10)[-1] == "  993 more lines: remit approvals show ID"
    assert len(lines(long, most=10)) == 12
    whole = "\n".join(["@ f.py", *["+x"] * 1_002])
    assert len(lines(long, most=long.lines, whole=whole)) == 1 + 1_003
    wide = of("x" * 1_000 + "\n")
    assert "the ends of long lines" in lines(wide)[-1]
