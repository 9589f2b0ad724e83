"""The error tree is the one drawn at its top, and errors with fields carry them."""

import inspect
import re

import pytest

from remit import errors


def depth_first(cls: type[errors.RemitError]) -> list[tuple[str, str]]:
    """Return (class, parent) below a class, children in the order of the file."""
    found = []
    for child in cls.__subclasses__():
        if child.__module__ == errors.__name__:
            found += [(child.__name__, cls.__name__), *depth_first(child)]
    return found


def drawn() -> list[tuple[str, str]]:
    """Return the same from the picture: the column of a name is its depth."""
    open_at: list[tuple[int, str]] = []
    found = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        match = re.match(r"([│├└─ ]*)([A-Z]\w+)(?= {2}|$)", line)
        if not match:
            continue
        column, name = len(match[1]), match[2]
        while open_at and open_at[-1][0] >= column:
            open_at.pop()
        if open_at:
            found.append((name, open_at[-1][1]))
        open_at.append((column, name))
    return found


def test_the_picture_is_the_tree() -> None:
    assert sorted(drawn()) == sorted(depth_first(errors.RemitError))
    assert len(drawn()) > 20


def test_a_provider_error_says_its_kind_and_when_to_come_back() -> None:
    plain = errors.ProviderError("it said no")
    assert (str(plain), plain.kind, plain.status, plain.retry_after_ms) == (
        "it said no",
        "unknown",
        None,
        None,
    )
    busy = errors.ProviderError("busy", kind="rate_limited", status=429, retry_after_ms=1_500)
    assert (busy.kind, busy.status, busy.retry_after_ms) == ("rate_limited", 429, 1_500)


def test_a_tool_asks_a_typed_question() -> None:
    with pytest.raises(errors.ToolError, match=r"Which branch\?") as caught:
        raise errors.NeedsInput("branch", "Which branch?", '{"type": "string"}')
    assert isinstance(caught.value, errors.NeedsInput)
    assert caught.value.key == "branch"
    assert caught.value.question == "Which branch?"
    assert caught.value.answer_schema == '{"type": "string"}'


def test_a_channel_says_whether_and_when_another_try_makes_sense() -> None:
    later = errors.NotDelivered("busy", again=True, after_s=2.5)
    assert (str(later), later.again, later.after_s) == ("busy", True, 2.5)
    assert errors.NotDelivered("gone", again=False).after_s == 0


def test_a_refused_request_carries_what_its_answer_says() -> None:
    plain = errors.RequestRefused("no", status=403, remedy="ask")
    assert (str(plain), plain.status, plain.remedy, plain.headers, plain.faults) == (
        "no", 403, "ask", {}, (),
    )  # fmt: skip
    full = errors.RequestRefused(
        "wait", status=429, remedy="later", headers={"retry-after": "1"}, faults=[("a", "b")]
    )
    assert (full.headers, full.faults) == ({"retry-after": "1"}, (("a", "b"),))
