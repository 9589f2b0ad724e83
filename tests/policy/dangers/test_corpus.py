"""Two corpora: dangerous calls that are denied whole, and everyday ones that are allowed whole.

They are data beside this file, judged as calls of a tool by the rules that `deny_sets` makes: no
model is asked, and nothing is ever run. In other hands' words each would be a bug report.
"""

import json
from pathlib import Path

import pytest

from remit.policy.deny_sets import deny_rules
from remit.policy.permission import Question, Rule, Rules

SETS = ("shell", "sql", "file", "http", "git")
LEAST = 40  # of each set, in each corpus


def corpus(name: str) -> dict[str, list[str]]:
    """The texts of a corpus, by deny set."""
    found: dict[str, list[str]] = json.loads(Path(__file__).with_name(f"{name}.json").read_text())
    return found


def denied(of: str, text: str, *, listed: bool = False) -> bool:
    """Whether a call with this argument is denied; every other call of the tool is allowed."""
    rules = Rules([*deny_rules([("use", of)]), Rule(id="use", effect="allow", tool="use")])
    arguments = json.dumps({"kind": "x", "deep": {"text": [text] if listed else text}})
    question = Question(tool="use", access="write", risk="low", arguments=arguments)
    verdict = rules.judge("autonomous", question)
    assert verdict.rule == ("remit.deny-set.use" if verdict.effect == "deny" else "use")
    return verdict.effect == "deny"


@pytest.mark.requirement("PERM-1", "PERM-2")
@pytest.mark.parametrize("of", SETS)
def test_every_dangerous_call_is_denied(of: str) -> None:
    texts = corpus("dangerous")[of]
    assert len(set(texts)) >= LEAST
    assert [text for text in texts if not denied(of, text)] == []
    assert [text for text in texts if not denied(of, text, listed=True)] == []


@pytest.mark.requirement("PERM-1", "PERM-2")
@pytest.mark.parametrize("of", SETS)
def test_every_everyday_call_is_allowed(of: str) -> None:
    texts = corpus("everyday")[of]
    assert len(set(texts)) >= LEAST
    assert [text for text in texts if denied(of, text)] == []
