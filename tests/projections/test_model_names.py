"""Names that mean one model are shown as one; two dated versions never are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.projections.model_names import family, same_names

NAMES = st.sampled_from(
    ["a", "a-20250101", "a-20260101", "a-latest", "b", "b-2025-08-07", "c-preview-05-20", "c"]
)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("gpt-4-0613", "gpt-4"),
        ("gemini-2.5-flash-preview-05-20", "gemini-2.5-flash"),
        ("gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("gemini-3-flash", "gemini-3-flash"),
        ("", ""),
    ],
)
def test_a_family_has_no_date(name: str, short: str) -> None:
    assert family(name) == short


@pytest.mark.requirement("BIL-2")
def test_a_short_name_is_the_dated_one() -> None:
    assert same_names(["a-20250101"], ["a"]) == {"a-20250101": "a", "a": "a"}
    assert same_names(["a"], ["a-20250101"]) == {"a-20250101": "a", "a": "a"}


@pytest.mark.requirement("BIL-2")
def test_two_dated_versions_stay_apart() -> None:
    found = same_names(["a-20250101"], ["a-20260101"])
    assert len(set(found.values())) == 2
    # One short name stands for all versions that only the other side tells apart.
    assert set(same_names(["a"], ["a-20250101", "a-20260101"]).values()) == {"a"}
    # A version that both know is no reason to guess which one the short name is.
    both = same_names(["a", "a-20250101", "a-20260101"], ["a-20250101", "a-20260101"])
    assert len(set(both.values())) == 3
    # What both lists know is what it is.
    assert same_names(["a", "a-20250101"], ["a", "a-20250101"]) == {
        "a": "a",
        "a-20250101": "a-20250101",
    }


@given(st.sets(NAMES), st.sets(NAMES))
def test_it_is_symmetric_and_complete(left: set[str], right: set[str]) -> None:
    found = same_names(left, right)
    assert found == same_names(right, left)
    assert set(found) == left | right
    for name in left & right:
        assert family(found[name]) == family(name)
