"""Results: any value becomes text, a long one is cut and kept whole, none breaks the call."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn

import pytest
from pydantic import BaseModel
from typing_extensions import override

from remit.errors import ToolError
from remit.journal.events import ToolCompleted, ToolRequested
from remit.journal.rows import Blob
from remit.runtime import results
from remit.runtime.hooking import Heard
from remit.runtime.results import NAME_CHARS, as_text, completed, told
from tests.runtime.kit import NOW, a_cleaner
from tests.runtime.stage import secret

EVENT = ToolRequested(call="c1-1", attempt=2, until_ms=NOW)


class Receipt(BaseModel):
    order: int
    price: Decimal


@dataclass
class Place:
    name: str


class Odd:
    @override
    def __repr__(self) -> str:
        return "odd thing"


class Broken:
    @override
    def __str__(self) -> NoReturn:
        raise ValueError("no text for you")


def numbers() -> Iterator[int]:
    yield 1


def test_every_type_has_a_text() -> None:
    assert as_text("as it is") == "as it is"
    assert as_text(None) == "done"
    assert as_text(b"caf\xc3\xa9 \xff") == "café \ufffd"
    assert as_text(Receipt(order=1, price=Decimal("1.10"))) == '{"order":1,"price":"1.10"}'
    assert as_text(Place("Oslo")) == '{"name":"Oslo"}'
    assert as_text([1, {"a": 2.5}]) == '[1,{"a":2.5}]'
    assert as_text({"at": datetime(2026, 1, 2, tzinfo=UTC)}) == '{"at":"2026-01-02T00:00:00Z"}'
    assert as_text([float("nan"), float("inf")]) == '["NaN","Infinity"]'
    assert as_text([Odd()]) == '["odd thing"]'
    assert as_text(True) == "true"


def test_a_generator_and_a_loop_have_none() -> None:
    with pytest.raises(ToolError, match="return a list"):
        as_text(numbers())
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ToolError, match="has no text"):
        as_text(loop)


def outcome(result: object, limit: int = 200) -> tuple[ToolCompleted, tuple[Blob, ...]]:
    return completed(EVENT, Heard(told(result, a_cleaner())), limit)


@pytest.mark.requirement("TOOL-3")
def test_a_long_result_is_cut_and_kept_byte_for_byte() -> None:
    whole = "grün " * 1000
    fact, (blob,) = outcome(whole)
    assert blob.content == whole.encode()
    assert fact.artifact == blob.digest == hashlib.sha256(whole.encode()).hexdigest()
    assert fact.artifact_bytes == len(whole.encode())
    assert fact.text.startswith(whole[:200])
    where = f"artifact {blob.digest[:NAME_CHARS]}, offset 200]"
    assert f"[cut: 200 of 5000 characters; read on with read_result: {where}" in fact.text
    assert len(fact.text) < 300


@pytest.mark.requirement("TOOL-3")
def test_a_result_at_the_limit_is_not_cut() -> None:
    fact, blobs = outcome("x" * 200)
    assert (fact.text, fact.artifact, blobs) == ("x" * 200, None, ())


@pytest.mark.requirement("SEC-1")
def test_the_kept_whole_holds_no_secret_either() -> None:
    key = secret()
    fact, (blob,) = outcome(f"{'x' * 195} {key} {'y' * 500}")
    assert key not in fact.text
    assert key.encode() not in blob.content
    assert not any(key[:length] in fact.text for length in range(12, len(key)))


def test_a_result_that_cannot_be_shown_is_no_failure_of_the_call() -> None:
    fact, blobs = outcome([Broken()])
    assert fact.text.startswith("done, but its result has no text")
    assert blobs == ()


def test_a_huge_result_is_no_failure_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "MAX_RESULT_BYTES", 1000)
    fact, blobs = outcome("x" * 1001)
    assert fact.text == "done, but its result has 1001 characters, more than 1000"
    assert blobs == ()


def test_what_utf8_cannot_hold_is_stored_all_the_same() -> None:
    fact, (blob,) = outcome("\ud800" * 300)
    assert fact.model_dump_json()
    assert blob.content == ("\ufffd" * 300).encode()
