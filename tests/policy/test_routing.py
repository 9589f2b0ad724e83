"""Models are asked by weight, the healthy first, fallbacks last, and a conversation stays."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.policy.breaker import Unwell
from remit.policy.limits import JITTER_SCALE
from remit.policy.routing import Candidate, drawn, ranked

A, B, C = (
    Candidate(model="p:a", weight=3),
    Candidate(model="p:b", weight=1),
    Candidate(model="q:c", weight=0),
)
ALL = (A, B, C)
POSITION = st.sampled_from(("open", "half_open"))


@pytest.mark.requirement("PROV-9")
def test_shares_are_as_the_weights_say() -> None:
    steps = 1_000
    found = Counter(drawn(ALL, n * JITTER_SCALE // steps) for n in range(steps))
    assert found == {"p:a": 750, "p:b": 250}
    assert drawn(ALL, JITTER_SCALE) == "p:b"
    assert drawn((C,), 7) == "q:c"


@pytest.mark.requirement("PROV-9")
def test_a_fallback_comes_last() -> None:
    assert ranked(ALL, 0) == ("p:a", "p:b", "q:c")
    assert ranked(ALL, JITTER_SCALE) == ("p:b", "p:a", "q:c")


@pytest.mark.requirement("PROV-1")
def test_what_is_open_is_skipped_and_what_cools_is_looked_at() -> None:
    down: dict[str, Unwell] = {"p:a": "open"}
    assert ranked(ALL, 0, health=down) == ("p:b", "q:c", "p:a")
    assert ranked(ALL, 0, health={"p:a": "half_open"})[0] == "p:a"
    assert ranked((A,), 0, health=down) == ("p:a",)  # there is nothing else


@pytest.mark.requirement("PROV-1", "PROV-9")
def test_a_conversation_stays_with_its_model_while_that_is_well() -> None:
    assert ranked(ALL, 0, favourite="q:c")[0] == "q:c"
    assert ranked(ALL, 0, favourite="q:c", health={"q:c": "open"})[-1] == "q:c"
    assert ranked(ALL, 0, favourite="gone")[0] == "p:a"


@pytest.mark.requirement("PROV-9")
def test_what_cannot_answer_is_left_out() -> None:
    assert ranked(ALL, 0, lost=["p:a"]) == ("p:b", "q:c")
    assert ranked(ALL, 0, favourite="p:a", lost=["p:a", "p:b", "q:c"]) == ()


@given(
    weights=st.lists(st.integers(0, 5), min_size=1, max_size=6),
    dice=st.integers(0, JITTER_SCALE),
    sick=st.dictionaries(st.integers(0, 5), POSITION),
)
def test_every_model_has_its_place(weights: list[int], dice: int, sick: dict[int, Unwell]) -> None:
    candidates = [Candidate(model=f"p:{n}", weight=w) for n, w in enumerate(weights)]
    health = {f"p:{n}": position for n, position in sick.items()}
    found = ranked(candidates, dice, health=health)
    assert sorted(found) == sorted(each.model for each in candidates)
    open_ones = [health.get(model) == "open" for model in found]
    assert open_ones == sorted(open_ones)
