"""What a tool says a call would do, and what is kept of it."""

from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import ToolError
from remit.values.clean import Clean
from remit.values.preview import MAX_CHANGES, Change, Preview, Previewed, signed
from remit.values.preview_lines import drawn


def lines(preview: Preview) -> list[str]:
    return drawn(preview, Clean.vouch).lines


@pytest.mark.requirement("APR-2")
def test_a_record_is_shown_whole_before_and_after() -> None:
    before = {f"field {number}": number for number in range(20)}
    shown = lines(Preview.record("order 17", before, before | {"field 19": "x"}, note="books it"))
    assert shown[:3] == [" books it", "@ order 17", "@@ -1,20 +1,20 @@"]
    assert shown[-2:] == ["-field 19: 19", "+field 19: x"]
    assert len(shown) == 2 + 1 + 19 + 2


@pytest.mark.requirement("PERM-7")
@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain", "a: plain"),
        ("x\nrefunded: 0", 'a: "x\\nrefunded: 0"'),
        (" padded", 'a: " padded"'),
        (None, "a: null"),
        (["b", 1], 'a: ["b", 1]'),
    ],
)
def test_no_value_of_a_record_passes_for_two_fields(value: object, written: str) -> None:
    assert lines(Preview.record("r", None, {"a": value}))[2:] == [f"+{written}"]


@given(name=st.text(), value=st.text())
def test_a_field_is_one_line(name: str, value: str) -> None:
    change = Preview.record("r", None, {name: value}).changes[0]
    assert isinstance(change.after, str)
    assert change.after.count("\n") == 1


@pytest.mark.parametrize(
    ("preview", "why"),
    [
        (Preview(), "is empty"),
        (Preview(changes=(Change("a", "", ""),) * (MAX_CHANGES + 1)), "5001 things"),
        (Preview.text(cast("Any", 7)), "holds int"),
        (Preview.files({"a": (None, cast("Any", ["x"]))}), "holds list"),
    ],
)
def test_what_cannot_be_shown_says_why(preview: Preview, why: str) -> None:
    with pytest.raises(ToolError, match=why):
        preview.check()


@pytest.mark.parametrize(
    ("line", "sign", "text"),
    [
        ("+a", "add", "a"),
        ("--- a/x", "cut", "-- a/x"),  # what looks like a head of git's is content
        (" x", "same", "x"),
        ("", "place", ""),
        ("@ till.py", "place", "till.py"),
        ("@@ -1 +1 @@", "place", "@@ -1 +1 @@"),
    ],
)
def test_signs(line: str, sign: str, text: str) -> None:
    assert signed(line) == (sign, text)


def test_what_is_missing_is_said() -> None:
    whole = Previewed(text=Clean(" a\n b"), lines=2)
    assert (whole.missing, whole.shown) == ("", (" a", " b"))
    cut = whole.model_copy(update={"lines": 5, "artifact": "f" * 64})
    assert cut.missing == f"cut, 3 more lines; whole in the artifact {'f' * 16}"
    ends = whole.model_copy(update={"artifact": "f" * 64})
    assert ends.missing.startswith("cut, the ends of long lines;")
