"""Remarks say in a line what happened to an answer, and every such event has one."""

import pytest

from remit.journal.events import Event
from remit.projections.remarks import remark
from tests.journal.specimens import SPECIMENS

REMARKED = {
    "ModelSwitched": ("other model", "text instead of text (text)"),
    "ModelDrifted": ("drift", "text answered, text was asked"),
    "OutputEscalated": ("cut", "the answer is asked for again with up to 7 tokens"),
    "ContinuationAsked": ("continued", "cut after 7 tokens, continuation 7"),
    "InputCounted": ("counted", "7 tokens of input, by the provider"),
    "PeersAborted": ("peers given up", "text failed: text"),
    "WrapUpAsked": ("wrap-up", "the time is nearly over: what is there is asked for"),
}


def specimen(name: str) -> Event:
    return SPECIMENS[name]  # type: ignore[return-value]  # they are events


@pytest.mark.requirement("STOP-4", "STOP-6", "PROV-6", "PROV-9")
@pytest.mark.parametrize("name", REMARKED)
def test_a_remark_says_what_happened(name: str) -> None:
    assert remark(specimen(name)) == REMARKED[name]


def test_a_turn_that_paused_was_not_cut() -> None:
    paused = specimen("ContinuationAsked").model_copy(update={"text": ""})
    assert remark(paused) == ("continued", "paused after 7 tokens, continuation 7")


def test_a_request_that_could_not_be_counted_says_why() -> None:
    none = specimen("InputCounted").model_copy(update={"tokens": None})
    assert remark(none) == ("not counted", "the bound by bytes holds: clean")


@pytest.mark.parametrize("name", sorted(SPECIMENS.keys() - REMARKED.keys()))
def test_what_has_a_place_of_its_own_is_no_remark(name: str) -> None:
    assert remark(specimen(name)) is None
