"""Called off: what was released and never started certainly did not happen, and costs nothing."""

import pytest

from remit.journal.events import (
    CheckCompleted,
    CheckRequested,
    Event,
    ModelFailed,
    ProbeCompleted,
    ProbeRequested,
    RunStopping,
    SubrunEnded,
    SubrunRequested,
    ToolFailed,
    ToolRequested,
    ToolUnknown,
)
from remit.runtime.called_off import called_off
from remit.values.clean import Clean
from remit.values.usage import Usage
from tests.runtime.kit import NOW, asking

WHY = Clean("not started")
SUBRUN = SubrunRequested(call="c1-1", agent="helper", child="run_1.c1-1", brief=Clean("dig"))


def fact_of(event: Event, *, unsure: bool = False) -> Event | None:
    outcome = called_off(event, WHY, unsure=unsure)
    if outcome is None:
        return None
    assert outcome.input.kind == "outcome"
    return outcome.input.fact


def test_a_model_call_that_was_not_sent_used_nothing() -> None:
    fact = fact_of(asking())
    assert isinstance(fact, ModelFailed)
    assert (fact.kind, fact.usage, fact.call, fact.attempt) == ("cancelled", Usage(), "c1", 1)


def test_a_tool_that_was_not_started_did_nothing() -> None:
    fact = fact_of(ToolRequested(call="c1-1", attempt=2, until_ms=NOW))
    assert isinstance(fact, ToolFailed)
    assert (fact.kind, fact.attempt, fact.text) == ("cancelled", 2, "not started")


def test_an_earlier_attempt_stays_in_doubt() -> None:
    fact = fact_of(ToolRequested(call="c1-1", attempt=2, until_ms=NOW), unsure=True)
    assert isinstance(fact, ToolUnknown)


def test_a_probe_that_was_not_made_says_nothing() -> None:
    fact = fact_of(ProbeRequested(call="c1-1", attempt=2))
    assert isinstance(fact, ProbeCompleted)
    assert fact.verdict == "unknown"


def test_a_check_that_was_not_made_is_not_passed() -> None:
    fact = fact_of(CheckRequested(call="k1"))
    assert isinstance(fact, CheckCompleted)
    assert not fact.passed


@pytest.mark.requirement("ORC-4")
def test_a_sub_run_that_was_not_started_says_why() -> None:
    outcome = called_off(SUBRUN, WHY, reason="cannot-start")
    assert outcome is not None
    fact = outcome.input.fact
    assert isinstance(fact, SubrunEnded)
    assert (fact.status, fact.reason, fact.child) == ("stopped", "cannot-start", "run_1.c1-1")


def test_other_events_are_no_intents() -> None:
    assert fact_of(RunStopping(reason="deadline")) is None
