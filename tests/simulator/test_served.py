"""What is kept of served requests is bounded in number, in bytes and in names."""

import json

import pytest

from remit.simulator import served
from remit.simulator.served import Memory, Served
from remit.values.model import ModelAnswer
from remit.values.usage import Usage


def answer(model: str) -> ModelAnswer:
    return ModelAnswer(parts=(), stop="end", usage=Usage(output=1), model=model)


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MAX_SERVED", 2)
    monkeypatch.setattr(served, "MAX_SERVED_BYTES", 100)
    memory = Memory()
    for number in range(3):
        memory.keep(Served(str(number), 200, size=10))
    assert [one.request_id for one in memory.served] == ["1", "2"]
    memory.keep(Served("big", 200, size=95))
    assert [one.request_id for one in memory.served] == ["big"]


def test_usage_is_counted_by_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "MAX_MODELS", 1)
    memory = Memory()
    for model in ("a", "b", "a", "c"):
        memory.bill(answer(model))
    assert {name: used.output for name, used in memory.usage.items()} == {
        "a": 2,
        "other models": 2,
    }


def test_a_report_tells_both() -> None:
    memory = Memory()
    memory.keep(Served("r1", 400, error="no"))
    memory.bill(answer("a"))
    told = json.loads(memory.report())
    assert told["usage"]["a"]["output"] == 1
    assert told["served"] == [
        {"request_id": "r1", "status": 400, "model": "", "fault": "", "error": "no"}
    ]
