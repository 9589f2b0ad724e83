"""A tool knows its call, asks humans through it, and runs programs only where they are confined."""

from dataclasses import replace
from decimal import Decimal

import pytest

from remit.errors import ConfigError, NeedsInput, SandboxUnavailable
from remit.machine.call import Call
from remit.values.command import Command
from tests.machine.bench import settled

CALL = Call(
    tenant="acme",
    user="ann",
    session="s",
    run="run_1",
    call="c1-1",
    attempt=1,
    idempotency_key="run_1:c1-1",
    fence=1,
    until_ms=0,
)


@pytest.mark.requirement("APR-5")
def test_a_question_without_an_answer_stops_the_tool_and_carries_its_type() -> None:
    with pytest.raises(NeedsInput, match="How many") as asked:
        CALL.ask("count", "How many?", int)
    assert (asked.value.key, asked.value.answer_schema) == ("count", '{"type": "integer"}')


@pytest.mark.requirement("APR-5")
def test_the_answer_comes_back_as_its_type() -> None:
    answered = replace(CALL, answers={"count": "3", "names": '["a","b"]', "text": '""'})
    assert answered.ask("count", "How many?", int) == 3
    assert answered.ask("names", "Who?", list[str]) == ["a", "b"]
    assert answered.ask("text", "What?", str) == ""


@pytest.mark.requirement("APR-5")
@pytest.mark.parametrize("value", ['"three"', "3.5", "not json"])
def test_an_answer_of_the_wrong_type_is_refused_and_asked_again(value: str) -> None:
    answered = replace(CALL, answers={"count": value})
    with pytest.raises(NeedsInput, match="the last answer did not fit") as again:
        answered.ask("count", "How many?", int)
    assert again.value.key == "count"


def test_without_an_app_no_program_runs() -> None:
    command = Command(argv=("true",), cwd="/")
    with pytest.raises(SandboxUnavailable, match="'true' needs a sandbox"):
        settled(CALL.run_confined(command))  # type: ignore[arg-type]  # the default is a coroutine


@pytest.mark.requirement("BUD-1")
def test_an_amount_is_entered_in_nano_dollars_and_a_float_is_none() -> None:
    entered: list[int] = []
    call = replace(CALL, enter_charge=entered.append)
    call.charge("0.013")
    call.charge(Decimal("0.5"))
    call.charge(2)
    assert entered == [13_000_000, 500_000_000, 2_000_000_000]
    for wrong in (0.1, "-1", "much"):
        with pytest.raises(ConfigError):
            call.charge(wrong)  # type: ignore[arg-type]  # what is refused
    CALL.charge("1")  # without an App there is nobody to pay


def test_a_call_is_not_cancelled_unless_somebody_says_so() -> None:
    assert not CALL.is_cancelled()
    assert replace(CALL, is_cancelled=lambda: True).is_cancelled()
