"""`@tool` declares a contract; calls are checked against it and digested exactly."""

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import assert_type

import pytest

from remit.errors import ArgumentError, SpecError
from remit.machine.agent import Agent, Remit
from remit.machine.call import Call
from remit.machine.inputs import Inspection
from remit.machine.tools import MAX_ARGUMENT_BYTES, AnyTool, probe, tool
from remit.values.command import Command
from tests.machine.bench import settled
from tests.machine.toolbox import Tree, commit_tree, look_up, pay_bill, send_mail, was_paid

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


def test_a_bare_tool_reads_and_a_write_says_so() -> None:
    assert (look_up.spec.access, look_up.spec.on_crash) == ("read", "repeat")
    assert (send_mail.spec.access, send_mail.spec.on_crash) == ("write", "ask")
    assert (pay_bill.spec.on_crash, pay_bill.spec.risk) == ("probe", "high")
    assert pay_bill.probe is not None
    assert pay_bill.probe.function is was_paid


def test_the_contract_carries_what_was_declared() -> None:
    @tool(
        access="write",
        name="close_account",
        description="Close an account.",
        timeout="5s",
        version="3",
        systems=["crm"],
        reveals=["token"],
        on_crash="repeat",
    )
    def whatever(number: str) -> str:
        return number

    spec = whatever.spec
    assert (spec.name, spec.description, spec.timeout_ms) == (
        "close_account",
        "Close an account.",
        5_000,
    )
    assert (spec.version, spec.systems, spec.reveals) == ("3", ("crm",), ("token",))
    assert spec.on_crash == "repeat"
    assert whatever.name == "close_account"


@pytest.mark.requirement("TOOL-2")
@pytest.mark.parametrize("name", ["run", "execute", "do", "process", "handle", "call"])
def test_a_name_that_says_nothing_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match="the name says nothing"):
        tool(access="read", name=name, description="x")(lambda: "")


@pytest.mark.parametrize("name", ["A", "a", "x-y", "9lives", "mit leer", "ä_b", "a" * 65, ""])
def test_a_name_that_providers_would_refuse_is_refused(name: str) -> None:
    def function() -> str:
        """Do something."""
        return ""

    function.__name__ = name
    with pytest.raises(SpecError, match="a name is 2 to 64"):
        tool(function)


@pytest.mark.requirement("TOOL-2")
def test_a_tool_that_dispatches_on_an_argument_is_refused() -> None:
    def edit_order(operation: str) -> str:
        """Edit an order."""
        return operation

    with pytest.raises(SpecError, match="one tool of each action"):
        tool(edit_order)


def fine(path: str) -> str:
    """Fine."""
    return path


BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: tool(access="read", on_crash="ask")(fine), "a read is repeated"),
    (lambda: tool(access="read", on_crash=probe(fine))(fine), "a read is repeated"),
    (lambda: tool(access="write", on_crash="probe")(fine), "on_crash=probe(function)"),
    (lambda: tool(access="write", timeout="soon")(fine), "'fine': timeout: 'soon' is not"),
    (lambda: tool(access="rite")(fine), "'fine': access: Input should be 'read' or 'write'"),  # type: ignore[call-overload]  # what is refused
    (lambda: tool(access="write", resources="doc:{paht}")(fine), "names no argument 'paht'"),
    (lambda: tool(access="write", resources="doc:{}")(fine), "names no argument ''"),
    (lambda: tool(access="read", price_usd="cheap")(fine), "price_usd: 'cheap' is not an amount"),
    (lambda: tool(access="read", price_usd="0")(fine), "a price of nothing is none"),
    (lambda: tool(access="read", reports_price=True)(fine), "say with price_usd"),
]


@pytest.mark.parametrize(("declare", "says"), BAD, ids=[str(index) for index in range(len(BAD))])
def test_a_declaration_that_could_not_work_is_refused(
    declare: Callable[[], object], says: str
) -> None:
    with pytest.raises(SpecError, match=re.escape(says)):
        declare()


@pytest.mark.requirement("BUD-1")
def test_a_price_is_a_part_of_the_contract_and_stands_in_it_in_nano_dollars() -> None:
    plain, priced, reported = (
        tool(access="read")(fine),
        tool(access="read", price_usd="0.01")(fine),
        tool(access="read", price_usd="0.01", reports_price=True)(fine),
    )
    assert (plain.spec.price_nano, plain.spec.reports_price) == (0, False)
    assert (priced.spec.price_nano, priced.spec.reports_price) == (10_000_000, False)
    assert reported.spec.reports_price
    assert len({each.spec.contract for each in (plain, priced, reported)}) == 3


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


# ---------------------------------------------------------------- what a start looks at


def test_a_check_is_kept_and_no_part_of_the_contract() -> None:
    def looks() -> None: ...

    @tool(access="read", check=looks)
    def find_order(order: int) -> str:
        """Find an order."""
        return str(order)

    assert find_order.check is looks
    plain = tool(access="read")(find_order.function)
    assert plain.check is None
    assert plain.spec.contract == find_order.spec.contract


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

    assert count_lines.runs_programs
    assert not find_order.runs_programs
    assert not replace(find_order, function=partial(str)).runs_programs


# ---------------------------------------------------------------- undo


@tool(access="write")
def drop_note(name: str, result: str) -> str:
    """Drop a note."""
    return name + result


@pytest.mark.requirement("TOOL-14")
def test_a_write_says_what_takes_it_back() -> None:
    @tool(access="write", undo=drop_note)
    def keep_note(name: str) -> str:
        """Keep a note."""
        return name

    assert (keep_note.spec.undo, keep_note.undo) == ("drop_note", drop_note)


@pytest.mark.requirement("TOOL-14")
def test_a_compensation_must_be_a_write_with_arguments_it_can_be_given() -> None:
    with pytest.raises(SpecError, match="undo is for writes"):

        @tool(undo=drop_note)
        def find_note(name: str) -> str:
            """Find a note."""
            return name

    with pytest.raises(SpecError, match="'drop_note' wants name"):

        @tool(access="write", undo=drop_note)
        def keep_text(text: str) -> str:
            """Keep a text."""
            return text
