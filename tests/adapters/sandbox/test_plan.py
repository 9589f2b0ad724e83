"""A plan survives the way to the launcher, whatever is in it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.sandbox.plan import HIDE, READ, WRITE, Plan, read_plan

pytestmark = pytest.mark.requirement("TOOL-17")

# What the file system and exec can carry: any bytes but NUL.
_WORD = st.binary(max_size=20).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"")))
_NUMBER = st.integers(min_value=0, max_value=2**63)


@given(
    words=st.lists(_WORD, max_size=4),
    env=st.dictionaries(_WORD, _WORD, max_size=4),
    view=st.lists(st.tuples(_WORD, _WORD, st.sampled_from([READ, WRITE, HIDE])), max_size=4),
    links=st.lists(st.tuples(_WORD, _WORD), max_size=2),
    numbers=st.tuples(_NUMBER, _NUMBER, _NUMBER, _NUMBER, _NUMBER),
)
def test_round_trip(
    words: list[str],
    env: dict[str, str],
    view: list[tuple[str, str, str]],
    links: list[tuple[str, str]],
    numbers: tuple[int, int, int, int, int],
) -> None:
    plan = Plan("bubblewrap")
    plan.argv, plan.env, plan.view, plan.links = words, env, view, links
    plan.cpu_s, plan.memory_bytes, plan.processes, plan.file_bytes, plan.open_files = numbers
    plan.cwd, plan.scratch, plan.bwrap = "/a b", "", "/usr/bin/bwrap"
    plan.abi, plan.ungated = 3, 1
    again = read_plan(plan.to_bytes())
    for name in Plan.__slots__:
        assert getattr(again, name) == getattr(plan, name), name


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown word 'nonsense'"):
        read_plan(b"mode\0x\0nonsense\0")
