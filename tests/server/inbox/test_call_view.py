"""A call is shown by what it would change, and exactly as it is beside that."""

import json

import pytest

from remit.server.inbox.call_view import CallView, Shown, view_call
from remit.values.message import CallPart, Message, Origin, ResultPart
from tests.projections.facts import clean

pytestmark = pytest.mark.requirement("APR-2", "UX-2")
OLD = "one\ntwo\nthree\n"
NEW = "one\n2\nthree\n"


def said(tool: str, arguments: object, result: str, *, error: bool = False) -> list[Message]:
    """A call and its answer."""
    name = f"c-{tool}-{result[:5]}"
    call = CallPart(call=name, tool=tool, arguments=clean(json.dumps(arguments)),
                    origin=Origin(kind="model"))  # fmt: skip
    answer = ResultPart(call=name, tool=tool, text=clean(result), is_error=error,
                        origin=Origin(kind="tool", name=tool))  # fmt: skip
    return [Message(role="assistant", parts=(call,)), Message(role="user", parts=(answer,))]


def of(view: CallView, name: str) -> Shown:
    """The argument of that name."""
    return next(each for each in view.shown if each.name == name)


def signs(shown: Shown) -> str:
    """The lines, as letters."""
    return "".join({"add": "+", "cut": "-", "same": " ", "place": "@"}[x.sign] for x in shown.lines)


WRITE = json.dumps({"path": "a.py", "content": NEW})


def test_new_content_is_compared_with_what_was_read_there() -> None:
    shown = of(view_call(WRITE, said("read_file", {"path": "a.py"}, OLD)), "content")
    assert signs(shown) == "@ -+ "
    assert (shown.added, shown.cut, shown.against) == (1, 1, "what the run read there (read_file)")


def test_the_newest_counts_and_another_place_does_not() -> None:
    messages = [
        *said("read_file", {"path": "a.py"}, OLD),
        *said("write_file", {"path": "a.py", "content": NEW}, "wrote"),
        *said("read_file", {"path": "b.py"}, "other"),
        *said("read_file", {"path": "a.py"}, "no such file", error=True),
    ]
    shown = of(view_call(WRITE, messages), "content")
    assert [line.text for line in shown.lines] == ["nothing would change but line ends"]
    assert shown.against == "what the run wrote there (write_file)"


def test_a_part_of_a_file_is_no_file() -> None:
    messages = said("read_file", {"path": "a.py", "first_line": 9}, OLD)
    shown = of(view_call(WRITE, messages), "content")
    assert (signs(shown), shown.against) == ("+++", "the run has not read what is there now")


def test_a_replacement_is_a_diff_by_itself() -> None:
    view = view_call(json.dumps({"file": "a", "old_string": "x\ny", "new_string": "x\nz"}))
    shown = of(view, "old_string → new_string")
    assert signs(shown) == "@ -+"
    assert of(view, "file").value == "a"


def test_too_much_is_shown_whole() -> None:
    long = "\n".join(map(str, range(2_001)))
    view = view_call(json.dumps({"old": "a", "new": long}))
    shown = of(view, "old → new")
    assert len(shown.lines) == 2_001
    assert "too long" in shown.against


def test_a_record_is_shown_before_and_after() -> None:
    record = '{"order_id": 17, "amount": 12.50, "status": "paid"}'
    messages = said("find_order", {"order_id": 17}, record)
    view = view_call('{"order_id":17,"amount":9.90,"status":"paid"}', messages)
    amount = of(view, "amount")
    assert (amount.before, amount.value) == ("12.50", "9.90"), "with the digits they came with"
    assert amount.against == "as the run read it (find_order)"
    assert of(view, "status").before is None, "it stays as it is"
    assert of(view, "order_id").before is None
    other = view_call('{"order_id":18,"amount":9.90}', messages)
    assert of(other, "amount").before is None, "that is another order"


def test_digits_order_and_twins_are_kept() -> None:
    view = view_call('{"b":1.10,"a":"x","b":2.00}')
    assert view.exact == '{\n  "b": 1.10,\n  "a": "x",\n  "b": 2.00\n}'
    assert "twice" in view.warning
    assert of(view, "b").value == "2.00"


@pytest.mark.parametrize("text", ["{", "", "[1,", "[" * 100 + "]" * 100])
def test_what_is_no_json_is_shown_as_it_is(text: str) -> None:
    view = view_call(text)
    assert (view.exact, view.shown) == (text, ())
    assert view.warning


def test_what_is_no_object_is_shown_as_json() -> None:
    assert view_call("[1.0]").exact == "[\n  1.0\n]"


def test_what_cannot_be_seen_is_seen() -> None:
    view = view_call(json.dumps({"pa\u202eth": "a\u200b", "content": "x\u202ey"}))
    assert of(view, "pa\\u202eth").value == "a\\u200b"
    assert of(view, "content").lines[0].text == "x\\u202ey"
    assert "\u202e" not in view.exact
