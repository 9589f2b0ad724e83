"""Reports are spoiled as the scenario says, and only where and as often as it says."""

import re

import pytest

from remit.errors import ConfigError
from remit.simulator.distortion import (
    STRANGER,
    Distortion,
    DistortionKind,
    distorted,
    refusal,
    spoiled,
)
from remit.simulator.load import parse_scenario
from remit.simulator.usage_ledger import Billed
from remit.values.statement import OUTPUT, UNCACHED
from remit.values.usage import Usage


def models() -> dict[str, Billed]:
    return {
        "a": Billed(
            tokens={UNCACHED: 10, OUTPUT: 4},
            nano=100,
            calls=2,
            last=Usage(input=6, output=1),
            last_nano=40,
        ),
        "b": Billed(tokens={OUTPUT: 1}, nano=None, calls=1, last=Usage(output=1)),
    }


@pytest.mark.requirement("BIL-2")
def test_a_call_is_dropped_and_the_truth_is_kept() -> None:
    truth = models()
    told = distorted(truth, [Distortion(kind="drop_call")])
    assert (told["a"].tokens, told["a"].nano, told["a"].calls) == (
        {UNCACHED: 4, OUTPUT: 3, "cache_read": 0, "cache_write_5m": 0, "cache_write_1h": 0},
        60,
        1,
    )
    assert truth == models()
    only = distorted(models(), [Distortion(kind="drop_call", model=re.compile("b"))])
    assert set(only) == {"a"}  # its one call was all there was


@pytest.mark.requirement("BIL-2")
def test_counts_and_money_are_altered() -> None:
    more = distorted(models(), [Distortion(kind="alter", add=5, model=re.compile("^a$"))])
    assert more["a"].tokens[OUTPUT] == 9
    assert more["b"].tokens[OUTPUT] == 1
    less = distorted(models(), [Distortion(kind="alter", add=-99)])
    assert less["a"].tokens[OUTPUT] == 0
    dear = distorted(models(), [Distortion(kind="alter", what="cost", add=7)])
    assert (dear["a"].nano, dear["b"].nano) == (107, None)


@pytest.mark.requirement("BIL-2")
def test_rows_are_late_and_strangers_come() -> None:
    assert set(distorted(models(), [Distortion(kind="late", model=re.compile("a"))])) == {"b"}
    assert set(distorted(models(), [Distortion(kind="unknown_model")])) == {"a", "b", STRANGER}


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("kind", "status"),
    [("rate_limited", "rate_limited"), ("server_error", "server"), ("absent", "not_found")],
)
def test_reports_are_refused(kind: DistortionKind, status: str) -> None:
    error = refusal([Distortion(kind="late"), Distortion(kind=kind, retry_after_s=2)])
    assert error is not None
    assert error.kind == status
    assert refusal([]) is None


def test_garbage_stands_where_a_number_should() -> None:
    body = b'{"output_tokens":5,"amount":"1.5"}'
    assert spoiled(body, [Distortion(kind="garbage")]) == (
        b'{"output_tokens":"many","amount":"1.5"}'
    )
    assert spoiled(body, [Distortion(kind="garbage", field="amount")]) == (
        b'{"output_tokens":5,"amount":"many"}'
    )
    assert spoiled(body, [Distortion(kind="late")]) == body


def test_it_passes_and_keeps_to_its_path() -> None:
    one = Distortion(kind="rate_limited", first=2, path=re.compile("cost"))
    assert [one.applies("/v1/cost", seen) for seen in range(3)] == [True, True, False]
    assert not one.applies("/v1/usage", 0)


def test_a_scenario_names_them() -> None:
    scenario = parse_scenario(
        """
[[rule]]
text = "hi"

[[report]]
kind = "alter"
model = "claude"
what = "cost"
add = -5
first = 1
path = "cost"
"""
    )
    assert scenario.reports == (
        Distortion(
            kind="alter",
            model=re.compile("claude"),
            what="cost",
            add=-5,
            first=1,
            path=re.compile("cost"),
        ),
    )
    with pytest.raises(ConfigError, match=r"line 5: report\.0\.kind: 'drop' is none of drop_call"):
        parse_scenario('[[rule]]\ntext = "hi"\n\n[[report]]\nkind = "drop"\n')
    with pytest.raises(ConfigError, match=r"report\.0\.modle: no such key; did you mean 'model'"):
        parse_scenario('[[rule]]\ntext="hi"\n\n[[report]]\nkind="late"\nmodle="x"\n')
