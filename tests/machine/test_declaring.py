"""Declaring a tool: names, options, prices and compensations that could not work are refused."""

import re
from collections.abc import Callable

import pytest

from remit.errors import SpecError
from remit.machine.declaring import tool
from remit.machine.tools import probe
from tests.machine.toolbox import look_up, pay_bill, send_mail, was_paid


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


def test_an_option_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(SpecError, match=r"no option aproval; it has access, risk"):
        tool(aproval=1)  # type: ignore[call-overload]  # what is refused
