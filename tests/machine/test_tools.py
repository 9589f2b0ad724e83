"""`@tool` declares a contract; calls are checked against it and digested exactly."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import assert_type

import pytest

from remit.errors import ArgumentError
from remit.machine.agent import Agent, Remit
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.machine.inputs import Inspection
from remit.machine.spec import Confinement
from remit.machine.tools import MAX_ARGUMENT_BYTES, AnyTool
from remit.values.command import Command
from tests.machine.bench import settled
from tests.machine.toolbox import Tree, commit_tree, look_up, pay_bill, send_mail

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


def inspect(item: AnyTool, text: str) -> Inspection:
    return settled(item.inspect("c1-1", text))


@tool
async def count_words(call: Call, text: str, times: int = 1) -> int:
    """Count words."""
    return len(text.split()) * times + len(call.run) * 0


def test_a_decorated_function_can_still_be_called() -> None:
    assert_type(look_up("a"), str)
    assert look_up("a") == "a"
    words = settled(count_words(CALL, "a b c", times=2))
    assert_type(words, int)
    assert words == 6
    with pytest.raises(TypeError):
        look_up(place="a")  # type: ignore[call-arg]  # the types are those of the function


def test_values_are_bound_to_the_function_with_the_call_where_it_wants_it() -> None:
    values = count_words.parse('{"text":"a b"}')
    assert values == {"text": "a b", "times": 1}
    assert settled(count_words(**count_words.bind(values, CALL))) == 2  # type: ignore[arg-type]  # bound by name
    assert look_up.bind({"path": "a"}, CALL) == {"path": "a"}


# ---------------------------------------------------------------- calls


@pytest.mark.requirement("TOOL-1")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "path: Field required"),
        ('{"path":7}', "path: Input should be a valid string"),
        ('{"path":"a","more":1}', "more: Extra inputs are not permitted"),
        ("[]", "arguments: "),
        ("not json", "Invalid JSON"),
        ('{"path":"\\ud800"}', "Invalid JSON"),
        ("", "path: Field required"),
    ],
)
def test_arguments_that_do_not_fit_are_told_to_the_model(text: str, says: str) -> None:
    found = inspect(look_up, text)
    assert found.error is not None
    assert says in found.error
    assert (found.digest, found.resources) == ("", ())
    with pytest.raises(ArgumentError, match="the arguments are not valid"):
        look_up.parse(text)


def test_the_error_does_not_repeat_what_the_model_wrote() -> None:
    found = inspect(look_up, '{"path":["a secret thing"]}')
    assert found.error is not None
    assert "secret" not in found.error


def test_a_flood_of_arguments_is_refused_before_it_is_read() -> None:
    text = '{"path":"' + "a" * MAX_ARGUMENT_BYTES + '"}'
    assert "larger than" in str(inspect(look_up, text).error)


@pytest.mark.parametrize(
    "lexeme", ["1.10", "0.1234567890123456789012", "1e2", "100000000000000000000000.01"]
)
def test_a_decimal_gets_exactly_the_digits_that_were_written(lexeme: str) -> None:
    assert pay_bill.parse(f'{{"amount":{lexeme}}}') == {"amount": Decimal(lexeme)}
    assert str(pay_bill.parse(f'{{"amount":{lexeme}}}')["amount"]) == str(Decimal(lexeme))
    assert pay_bill.parse(f'{{"amount":"{lexeme}"}}') == {"amount": Decimal(lexeme)}


@pytest.mark.parametrize(
    "text", ['{"amount":NaN}', '{"amount":1', '{"amount":"x"}', '{"amount":[]}']
)
def test_a_decimal_that_is_none_is_refused(text: str) -> None:
    assert inspect(pay_bill, text).error is not None


def test_the_digest_covers_contract_arguments_and_what_they_depend_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = inspect(pay_bill, '{"amount":1.10}')
    assert base.arguments == '{"amount":1.10}'
    assert inspect(pay_bill, ' { "amount" : 1.10 } ').digest == base.digest
    assert inspect(pay_bill, '{"amount":1.1}').digest != base.digest
    other = replace(pay_bill, spec=pay_bill.spec.model_copy(update={"version": "2"}))
    assert inspect(other, '{"amount":1.10}').digest != base.digest
    monkeypatch.setattr(Tree, "state", "tree-1")
    first = inspect(commit_tree, '{"name":"main"}').digest
    monkeypatch.setattr(Tree, "state", "tree-2")
    assert inspect(commit_tree, '{"name":"main"}').digest != first


def fine(path: str) -> str:
    """Fine."""
    return path


async def later(path: str) -> str:
    return f"state of {path}"


def broken(path: str) -> str:
    raise OSError(f"no {path}")


def test_what_a_call_depends_on_may_be_asked_asynchronously() -> None:
    waits = tool(access="write", depends=later)(fine)
    plain = tool(access="write")(fine)
    text = '{"path":"a"}'
    assert inspect(waits, text).digest != inspect(plain, text).digest


def test_a_call_that_cannot_be_prepared_is_an_error_and_no_crash() -> None:
    for item in (
        tool(access="write", depends=broken)(fine),
        tool(access="write", resources=broken)(fine),
    ):
        assert inspect(item, '{"path":"a"}').error == "fine cannot be prepared: no a"


@pytest.mark.requirement("TOOL-6")
@pytest.mark.parametrize(
    ("resources", "keys"),
    [
        (None, ()),
        ("doc:{path}", ("doc:a",)),
        ("everything", ("everything",)),
        ("{path[0]}", ("a",)),
        (lambda path: f"doc:{path}", ("doc:a",)),
        (lambda path: {f"doc:{path}", "disk"}, ("disk", "doc:a")),
        (lambda path: [], ()),
    ],
)
def test_resource_keys_come_from_the_actual_arguments(
    resources: str | Callable[[str], str | list[str]] | None, keys: tuple[str, ...]
) -> None:
    item = tool(access="write", resources=resources)(fine)
    assert inspect(item, '{"path":"a"}').resources == keys


def test_a_tool_can_stand_in_a_remit_as_a_key() -> None:
    remit = Remit(approvals={send_mail: 1, pay_bill: 2, count_words: 0})
    agent = Agent("a", model="m:x", instructions="x", tools=[send_mail, pay_bill], remit=remit)
    assert agent.tool("pay_bill") is pay_bill


def test_tools_that_run_programs_are_known_by_their_code() -> None:
    @tool
    async def count_lines(call: Call, path: str) -> int:
        """Count the lines of a file."""

        async def inner() -> int:
            ended = await call.run_confined(Command(argv=("wc", path), cwd="/"))
            return len(ended.stdout)

        return await inner()

    @tool
    def find_order(order: int) -> str:
        """Find an order."""
        return str(order)

    confined = find_order.spec.model_copy(update={"sandbox": Confinement()})
    assert count_lines.runs_programs
    assert not find_order.runs_programs
    assert replace(find_order, spec=confined).runs_programs
    assert not replace(find_order, function=partial(str)).runs_programs
