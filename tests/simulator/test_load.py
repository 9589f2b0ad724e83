"""Scenario files: everything they can say, and a clear word about everything they cannot."""

from pathlib import Path

import pytest

from remit.errors import ConfigError
from remit.simulator import load
from remit.simulator.load import load_scenario, parse_scenario
from remit.simulator.scenario import Call, Fault, Reply, Rule, When
from remit.values.model import RawText
from remit.wire.jsontext import Number
from tests.simulator.conversations import asked, user

WHOLE = r"""
# Everything a scenario can say.
seed = 7
models = ["claude-sonnet-5"]
context_tokens = 5000
cache_min_tokens = 10

[[rule]]
when = { model = "sonnet", system = "coder", task = "order (?P<n>\\d+)", results = 0 }
thinking = "Let me see ${n}."
text = "Looking."
stop = "tools"
model = "claude-sonnet-5-drifted"
input_tokens = 5
output_tokens = 6
latency_ms = 7
pace_ms = 8

    [[rule.calls]]
    tool = "find"
    arguments = { n = "${n}", price = 1.10, big = 1e400, deep = { list = [1, true, "${task}"] } }

    [[rule.calls]]
    tool = "raw"
    raw = '{"n":${n}}'

    [[rule.calls]]
    tool = "bare"

[[rule]]
when = { tool = "find", result = "x", is_error = false, note = "y", offers = "pay" }
redacted_thinking = "hidden"

[[fault]]
kind = "rate_limited"
when = { task = "LIMIT" }
first = 2
probability = 0.5
status = 429
retry_after_s = 1.5
latency_ms = 9
after_events = 3

[[fault]]
kind = "hang"
"""


def test_everything_is_read() -> None:
    scenario = parse_scenario(WHOLE, source="demo.toml")
    assert (scenario.seed, scenario.models) == (7, ("claude-sonnet-5",))
    assert (scenario.context_tokens, scenario.cache_min_tokens) == (5000, 10)
    assert scenario.source == "demo.toml"
    first, second = scenario.rules
    assert first.when.task is not None
    assert first.when.task.pattern == r"order (?P<n>\d+)"
    assert first.reply == Reply(
        text="Looking.",
        thinking="Let me see ${n}.",
        calls=(
            Call(
                tool="find",
                arguments={
                    "n": "${n}",
                    "price": Number("1.10"),
                    "big": Number("1e400"),
                    "deep": {"list": [Number("1"), True, "${task}"]},
                },
            ),
            Call(tool="raw", raw='{"n":${n}}'),
            Call(tool="bare"),
        ),
        stop="tools",
        model="claude-sonnet-5-drifted",
        input_tokens=5,
        output_tokens=6,
    )
    assert (first.latency_ms, first.pace_ms, first.when.results) == (7, 8, 0)
    assert (second.when.is_error, second.when.offers, second.when.results) == (False, "pay", None)
    limited, hang = scenario.faults
    assert hang == Fault(kind="hang")
    assert limited.when.task is not None
    assert limited == Fault(
        kind="rate_limited",
        when=When(task=limited.when.task),
        first=2,
        probability=0.5,
        status=429,
        retry_after_s=1.5,
        latency_ms=9,
        after_events=3,
    )


def test_defaults() -> None:
    scenario = parse_scenario('[[rule]]\ntext = "hi"\n')
    assert scenario.rules == (Rule(reply=Reply(text="hi")),)
    assert (scenario.seed, scenario.models, scenario.faults) == (0, (), ())


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "demo.toml"
    path.write_text('[[rule]]\ntext = "${task}!"\n')
    _, answer = load_scenario(path).reply(asked(user("hi")))
    assert answer.parts == (RawText("hi!"),)


RULE = '[[rule]]\ntext = "a"\n'

WRONG: dict[str, tuple[str, str]] = {
    "not TOML": ("[[rule\n", "demo.toml: not TOML: "),
    "a number JSON has not": ("[[rule]]\ntext = 'a'\nlatency_ms = inf\n", "inf is not a number"),
    "no rule": ("seed = 1\n", "rule: a scenario has at least one rule"),
    "an unknown key at the top": (
        RULE.replace("rule", "rules"),
        "demo.toml, line 1: rules: no such key; did you mean 'rule'?",
    ),
    "an unknown key in a rule": (
        RULE + RULE + '[[rule]]\n# c\ntxt = "b"\n',
        "demo.toml, line 7: rule.2.txt: no such key; did you mean 'text'?",
    ),
    "an unknown condition": (
        '[[rule]]\ntext = "a"\nwhen = { tsk = "x" }\n',
        "demo.toml, line 3: rule.0.when.tsk: no such key; did you mean 'task'?",
    ),
    "an unknown key in a call": (
        '[[rule]]\ncalls = [{ tool = "a", args = {} }]\n',
        "demo.toml, line 2: rule.0.calls.0.args: no such key; did you mean 'arguments'?",
    ),
    "an unknown key in a fault": (
        RULE + '[[fault]]\nkind = "hang"\nfist = 1\n',
        "demo.toml, line 5: fault.0.fist: no such key; did you mean 'first'?",
    ),
    "an unknown fault": (
        RULE + '[[fault]]\nkind = "hangup"\n',
        "demo.toml, line 4: fault.0.kind: 'hangup' is none of latency, rate_limited,",
    ),
    "a silent rule": ("[[rule]]\nlatency_ms = 1\n", "rule.0.text: a rule says something"),
    "a bad pattern": (
        '[[rule]]\ntext = "a"\nwhen = { task = "(" }\n',
        "demo.toml, line 3: rule.0.when.task: not a regular expression: missing )",
    ),
    "a name nobody captures": (
        '[[rule]]\nwhen = { task = "(?P<order>x)" }\ntext = "${oder}"\n',
        "demo.toml, line 3: rule.0.text: ${oder} is captured by no pattern; known: model, note, o",
    ),
    "a name nobody captures in arguments": (
        '[[rule]]\ncalls = [{ tool = "a", arguments = { x = ["${y}"] } }]\n',
        "demo.toml, line 2: rule.0.calls.0.arguments: ${y} is captured by no pattern",
    ),
    "a name nobody captures in raw arguments": (
        "[[rule]]\ncalls = [{ tool = 'a', raw = '${y}' }]\n",
        "rule.0.calls.0.raw: ${y} is captured by no pattern",
    ),
    "a call without a tool": ("[[rule]]\ncalls = [{ raw = '{}' }]\n", "a call names its tool"),
    "both kinds of arguments": (
        "[[rule]]\ncalls = [{ tool = 'a', raw = '{}', arguments = {} }]\n",
        "rule.0.calls.0.raw: give either arguments or raw",
    ),
    "a date": (
        "[[rule]]\ncalls = [{ tool = 'a', arguments = { day = 2026-01-01 } }]\n",
        "rule.0.calls.0.arguments.day: datetime.date(2026, 1, 1) is nothing JSON has",
    ),
    "a text that is none": ("[[rule]]\ntext = 1\n", "rule.0.text: expected a text, not 1"),
    "a number that is none": (
        RULE + "latency_ms = true\n",
        "rule.0.latency_ms: expected an integer, not True",
    ),
    "a number below zero": (RULE + "latency_ms = -1\n", "rule.0.latency_ms: not below 0"),
    "a condition that is no boolean": (
        RULE + "when = { is_error = 1 }\n",
        "rule.0.when.is_error: expected true or false, not 1",
    ),
    "a table that is none": (RULE + "when = 'x'\n", "rule.0.when: expected a table, not 'x'"),
    "a list that is none": ("rule = 1\n", "line 1: rule: expected a list of tables"),
    "models that are none": (
        "models = [1]\n" + RULE,
        "line 1: models: expected a list of texts, not [1]",
    ),
    "a probability above one": (
        RULE + "[[fault]]\nkind = 'hang'\nprobability = 1.5\n",
        "fault.0.probability: between 0 and 1",
    ),
    "a probability that is none": (
        RULE + "[[fault]]\nkind = 'hang'\nprobability = 'x'\n",
        "fault.0.probability: expected a number, not 'x'",
    ),
    "a wait below zero": (
        RULE + "[[fault]]\nkind = 'hang'\nretry_after_s = -1\n",
        "fault.0.retry_after_s: not below 0",
    ),
    "a status that is no error": (
        RULE + "[[fault]]\nkind = 'server_error'\nstatus = 200\n",
        "fault.0.status: an error status from 400 to 599",
    ),
    "an unknown key in a call with a header": (
        RULE + RULE + "[[rule.calls]]\ntool = 'a'\n[[rule.calls]]\ntol = 'b'\n" + RULE,
        "demo.toml, line 8: rule.1.calls.1.tol: no such key; did you mean 'tool'?",
    ),
    "a key that cannot be found": (
        'rule = [{ "te\\u0078" = "a" }]\n',
        "demo.toml: rule.0.tex: no such key; did you mean 'text'?",
    ),
    "an unknown stop reason": (
        RULE + "stop = 'end_turn'\n",
        "rule.0.stop: 'end_turn' is none of end, tools, max_tokens",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case: str) -> None:
    text, words = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        parse_scenario(text, source="demo.toml")
    assert str(caught.value).startswith("demo.toml")
    assert words in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read as a scenario"):
        load_scenario(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read as a scenario"):
        load_scenario(tmp_path / "bytes.toml")


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "MAX_FILE_BYTES", 10)
    path = tmp_path / "big.toml"
    path.write_text(RULE)
    with pytest.raises(ConfigError, match="larger than 10 bytes"):
        load_scenario(path)
