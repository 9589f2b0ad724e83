"""Scenarios decide by content alone: conditions, captures, order of rules, faults by digest."""

import re

import pytest

from remit.errors import ProviderError
from remit.simulator.compose import call, compose, signature
from remit.simulator.scenario import (
    ECHO,
    Call,
    Fault,
    Reply,
    Rule,
    Scenario,
    When,
    play,
)
from remit.simulator.view import View
from remit.values.message import Message
from remit.values.model import ModelAnswer, ModelRequest, RawCall, RawText, RawThinking
from remit.wire.jsontext import Number
from tests.simulator.conversations import answered, asked, called, user


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


LOOP = asked(
    user("Refund order 17"),
    called("a", "b"),
    answered(("a", "total 1.10"), ("b", "error: gone"), note="be quick"),
    system="You are the coder.",
    tools=("find", "pay"),
)

HOLDS: list[When] = [
    When(),
    When(model=pattern("haiku")),
    When(system=pattern("^You are the coder")),
    When(task=pattern(r"order (?P<order>\d+)")),
    When(note=pattern("quick")),
    When(tool=pattern("find|pay")),
    When(result=pattern("total")),
    When(result=pattern("gone")),
    When(is_error=True),
    When(is_error=False, result=pattern("total")),
    When(results=2),
    When(offers="pay"),
]
FAILS: list[When] = [
    When(model=pattern("opus")),
    When(system=pattern("planner")),
    When(task=pattern("cancel")),
    When(note=pattern("slow")),
    When(tool=pattern("fin")),
    When(result=pattern("nothing")),
    When(is_error=True, result=pattern("total")),
    When(results=0),
    When(results=3),
    When(offers="fly"),
    When(task=pattern("order"), results=1),
]


@pytest.mark.parametrize("when", HOLDS)
def test_a_condition_holds(when: When) -> None:
    assert when.match(View.of(LOOP)) is not None


@pytest.mark.parametrize("when", FAILS)
def test_a_condition_does_not_hold(when: When) -> None:
    assert when.match(View.of(LOOP)) is None


def test_conditions_on_results_need_a_result() -> None:
    for when in (When(tool=pattern("find")), When(result=pattern("")), When(is_error=False)):
        assert when.match(View.of(asked(user("hi")))) is None


def test_captures_come_from_every_pattern_and_the_result_that_fits() -> None:
    when = When(
        task=pattern(r"order (?P<order>\d+)(?P<rest>!)?"), result=pattern(r"error: (?P<why>\w+)")
    )
    captures = when.match(View.of(LOOP))
    assert captures == {
        "task": "Refund order 17",
        "note": "be quick",
        "results": "2",
        "model": LOOP.model,
        "tool": "find",
        "result": "error: gone",
        "order": "17",
        "rest": "",
        "why": "gone",
    }
    assert when.groups() == {"order", "rest", "why"}


def test_a_reply_is_rendered_in_the_order_models_speak() -> None:
    reply = Reply(
        text="Paying ${amount}.",
        thinking="${amount}?",
        redacted_thinking="hidden",
        calls=(
            Call(tool="pay", arguments={"to": "${name}", "amount": Number("1.10")}),
            Call(tool="note", raw='{"n":${amount}}'),
            Call(tool="end"),
        ),
    )
    answer = reply.render(asked(), {"amount": "2.50", "name": 'Ann "A"'})
    thinking, hidden, text, pay, note, end = answer.parts
    assert thinking == RawThinking("2.50?", signature("2.50?"))
    assert isinstance(hidden, RawThinking)
    assert hidden.redacted
    assert text == RawText("Paying 2.50.")
    assert isinstance(pay, RawCall)
    assert pay.arguments == '{"to":"Ann \\"A\\"","amount":1.10}'
    assert isinstance(note, RawCall)
    assert note.arguments == '{"n":2.50}'
    assert isinstance(end, RawCall)
    assert end.arguments == "{}"


def said(scenario: Scenario, *messages: Message) -> str:
    _, answer = scenario.reply(asked(*messages))
    return "".join(part.text for part in answer.parts if isinstance(part, RawText))


def test_the_first_rule_that_matches_is_used() -> None:
    scenario = Scenario(
        rules=(
            Rule(when=When(task=pattern("a")), reply=Reply(text="first")),
            Rule(when=When(task=pattern("ab")), reply=Reply(text="second")),
            Rule(reply=Reply(text="else")),
        )
    )
    assert [said(scenario, user(text)) for text in ("ab", "b")] == ["first", "else"]


def test_no_rule_says_which_situation_is_not_covered() -> None:
    scenario = Scenario(rules=(Rule(when=When(results=5)),), source="demo.toml")
    with pytest.raises(ProviderError, match=r"demo.toml: no rule .*task 'hi', 0 tool") as caught:
        scenario.reply(asked(user("hi")))
    assert caught.value.kind == "bad_request"


def test_a_resumed_conversation_gets_the_same_answer() -> None:
    before = play(ECHO, LOOP, "digest", 0)
    for _ in range(3):
        play(ECHO, asked(user("something else")), "other", 0)
    assert play(ECHO, LOOP, "digest", 1) == before


# ---------------------------------------------------------------- faults


def test_a_fault_passes_after_the_first_identical_requests() -> None:
    scenario = Scenario(rules=ECHO.rules, faults=(Fault(kind="overloaded", first=2),))
    drawn = [scenario.fault(asked(), "digest", seen) for seen in range(4)]
    assert [fault is not None for fault in drawn] == [True, True, False, False]


def test_a_fault_has_conditions_and_an_order() -> None:
    first = Fault(kind="hang", when=When(task=pattern("hang")))
    second = Fault(kind="reset")
    scenario = Scenario(rules=ECHO.rules, faults=(first, second))
    assert scenario.fault(asked(user("hang")), "d", 0) is first
    assert scenario.fault(asked(user("go")), "d", 0) is second
    only_first = Scenario(rules=ECHO.rules, faults=(first,))
    assert only_first.fault(asked(user("go")), "d", 0) is None


def test_probability_is_a_property_of_the_request() -> None:
    def struck(seed: int, probability: float) -> list[bool]:
        scenario = Scenario(
            rules=ECHO.rules, faults=(Fault(kind="reset", probability=probability),), seed=seed
        )
        return [scenario.fault(asked(), f"d{n}", 0) is not None for n in range(1000)]

    assert struck(1, 0.3) == struck(1, 0.3)
    assert struck(1, 0.3) != struck(2, 0.3)
    assert 200 < sum(struck(1, 0.3)) < 400
    assert not any(struck(1, 0.0))
    assert all(struck(1, 1.0))


def test_a_fault_comes_with_the_answer_it_spoils() -> None:
    scenario = Scenario(
        rules=(Rule(reply=Reply(text="x"), latency_ms=5, pace_ms=6),),
        faults=(Fault(kind="cut"),),
    )
    played = play(scenario, asked(), "d", 0)
    assert played.answer is not None
    assert played.fault == Fault(kind="cut")
    assert (played.latency_ms, played.pace_ms) == (5, 6)


def test_a_function_is_a_scenario() -> None:
    def script(request: ModelRequest) -> ModelAnswer | Fault:
        task = request.messages[-1].text
        return Fault(kind="reset") if task == "fail" else compose(request, call("go"))

    answered_play = play(script, asked(), "d", 0)
    assert answered_play.answer == compose(asked(), call("go"))
    failed = play(script, asked(user("fail")), "d", 0)
    assert failed.fault == Fault(kind="reset")
    assert failed.answer is not None
    assert failed.answer.parts == (RawText("fail"),), "something there must be to break"


def test_the_nth_request_that_meets_the_conditions() -> None:
    faulty = Fault(kind="overloaded", nth=(2, 4), when=When(task=pattern("go")))
    scenario = Scenario(rules=ECHO.rules, faults=(faulty,))
    met: dict[int, int] = {}
    struck = [
        scenario.fault(asked(user(task)), f"d{number}", 0, met=met) is not None
        for number, task in enumerate(["go", "no", "go 2", "go", "no", "go", "go"])
    ]
    assert struck == [False, False, True, False, False, True, False]


def test_a_fault_before_it_does_not_hide_a_request_from_the_count() -> None:
    faults = (Fault(kind="reset", nth=(1,)), Fault(kind="hang", nth=(2,)))
    scenario = Scenario(rules=ECHO.rules, faults=faults)
    met: dict[int, int] = {}
    struck = [scenario.fault(asked(), "d", 0, met=met) for _ in range(3)]
    assert struck == [*faults, None]


def test_a_fault_has_a_window_of_time() -> None:
    window = Fault(kind="overloaded", from_s=10, until_s=20)
    scenario = Scenario(rules=ECHO.rules, faults=(window, Fault(kind="hang", from_s=30)))
    drawn = [scenario.fault(asked(), "d", 0, at_s=at) for at in (0, 9.9, 10, 19.9, 20, 29, 30)]
    kinds = [fault.kind if fault else "" for fault in drawn]
    assert kinds == ["", "", "overloaded", "overloaded", "", "", "hang"]
