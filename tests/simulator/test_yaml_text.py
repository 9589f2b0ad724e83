"""YAML as a scenario's form: the same model as TOML, plain data only, and exact lines."""

import subprocess
import sys
from pathlib import Path

import pytest

from remit.errors import ConfigError
from remit.simulator.load import load_scenario, parse_scenario
from remit.simulator.yaml_text import MAX_VALUES, read_yaml
from remit.wire.jsontext import Number

TOML = """
seed = 7
models = ["m"]

[[rule]]
when = { task = "order (?P<n>\\\\d+)", results = 0 }
text = "Looking."
latency_ms = 7

    [[rule.calls]]
    tool = "find"
    arguments = { n = "${n}", price = 1.10, big = 1e400, deep = { list = [1, true, "no"] } }

[[rule]]
when = { is_error = false }
text = '''
two
lines'''

[[fault]]
kind = "rate_limited"
probability = 0.5
nth = [1, 3]
retry_after_s = 1.5
"""
YAML = r"""
seed: 7
models: [m]
rule:
  - when: {task: 'order (?P<n>\d+)', results: 0}
    text: Looking.
    latency_ms: 7
    calls:
      - tool: find
        arguments:
          n: ${n}
          price: 1.10
          big: 1e400
          deep:
            list: [1, true, no]
  - when:
      is_error: false
    text: |-
      two
      lines
fault:
  - kind: rate_limited
    probability: 0.5
    nth: [1, 3]
    retry_after_s: 1.5
"""


@pytest.mark.requirement("TST-3")
def test_both_forms_say_the_same() -> None:
    told = parse_scenario(YAML, source="s", form="yaml")
    assert told == parse_scenario(TOML, source="s")


def test_the_name_of_a_file_tells_its_form(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yml", "c.YAML"):
        (tmp_path / name).write_text(YAML)
        assert load_scenario(tmp_path / name).seed == 7


def test_only_what_json_has_is_no_text() -> None:
    text = """
a: [1, -2, 1.10, 1e400, -0, 12345678901234567890]
b: [true, False, null, ~, ]
c: [no, on, 1:30, 017, 0x1F, 1_000, .5, .inf, 2026-01-01, "1", '2', +1]
"""
    members = read_yaml(text, "x").json_members()
    numbers = ("1", "-2", "1.10", "1e400", "-0", "12345678901234567890")
    assert members["a"] == [Number(each) for each in numbers]
    assert members["b"] == [True, False, None, None]
    assert members["c"] == [
        *("no", "on", "1:30", "017", "0x1F", "1_000", ".5", ".inf", "2026-01-01", "1", "2", "+1")
    ]


WRONG = {
    "an unknown key": (
        "rule:\n  - text: a\n  - txt: b\n",
        "x.yaml, line 3: rule.1.txt: no such key; did you mean 'text'?",
    ),
    "an unknown condition": (
        "rule:\n  - text: a\n    when:\n      results: 1\n      tsk: x\n",
        "x.yaml, line 5: rule.0.when.tsk: no such key; did you mean 'task'?",
    ),
    "an unknown key at the top": (
        "rules:\n  - text: a\n",
        "x.yaml, line 1: rules: no such key; did you mean 'rule'?",
    ),
    "a missing key": ("rule:\n  - text: a\n  -\n    calls: [{}]\n", "line 4: rule.1.calls.0.tool"),
    "a wrong kind": ("rule:\n  - text: 17\n", "x.yaml, line 2: rule.0.text: expected a text"),
    "a key that is there twice": ("seed: 1\nseed: 2\n", "x.yaml, line 2: 'seed' is there twice"),
    "a key that is no text": ("[1]: 2\n", "x.yaml, line 1: a key is a text"),
    "a list at the top": ("- a\n", "x.yaml, line 1: a scenario is a mapping"),
    "an object": (
        "rule:\n  - text: !!python/object/apply:os.system ['true']\n",
        "x.yaml, line 2: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not read",
    ),
    "a set": ("rule: !!set {a}\n", "the tag 'tag:yaml.org,2002:set' is not read"),
    "no YAML": ("rule:\n  - text: 'a\n", "not YAML: "),
    "two documents": ("a: 1\n---\nb: 2\n", "x.yaml, line 2: not YAML: but found another document"),
    "nothing": ("", "x.yaml: rule: a scenario has at least one rule"),
    "an endless alias": ("rule: &a\n  - *a\n", "levels: aliases?"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_names_file_line_and_key(case: str) -> None:
    text, words = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        parse_scenario(text, source="x.yaml", form="yaml")
    assert words in str(caught.value)


def test_aliases_are_followed_but_not_for_ever() -> None:
    shared = "rule:\n  - &first\n    text: a\n  - *first\n"
    first, second = parse_scenario(shared, form="yaml").rules
    assert first == second
    levels = ["a0: &a0 [1,1,1,1,1,1,1,1,1,1]"]
    levels += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigError, match=f"more than {MAX_VALUES} values"):
        read_yaml("\n".join(levels), "x")


def test_without_the_extra_its_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(YAML)
    program = (
        "import sys; sys.modules['yaml'] = None\n"
        "from remit.errors import MissingExtra\n"
        "from pathlib import Path\n"
        "from remit.simulator.load import load_scenario\n"
        "try:\n    load_scenario(Path('s.yaml'))\n"
        "except MissingExtra as exc:\n    print(exc)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "pip install 'remit[yaml]'" in done.stdout
