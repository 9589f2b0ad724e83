"""Each deny set denies its whole corpus of dangerous texts, and none of those that look like it."""

import json

import pytest

from remit.policy.dangers.sets import DANGERS
from remit.policy.deny_sets import deny_rules
from remit.policy.permission import Question, Rule, judge
from tests.policy.dangers import test_file, test_git, test_http, test_shell, test_sql

DANGEROUS = {
    "shell": test_shell.DANGEROUS,
    "sql": test_sql.DANGEROUS,
    "file": test_file.DANGEROUS,
    "git": test_git.DANGEROUS,
    "http": test_http.DANGEROUS,
    "metadata": test_http.METADATA,
}
HARMLESS = {
    "shell": test_shell.HARMLESS,
    "sql": test_sql.HARMLESS,
    "file": test_file.HARMLESS,
    "git": test_git.HARMLESS,
    "http": test_http.HARMLESS,
    "metadata": test_http.NO_METADATA,
}
ALLOW = Rule(id="all", effect="allow", tool="*")


def effect_of(name: str, text: str) -> str:
    question = Question(
        tool="use_it", access="write", risk="low", arguments=json.dumps({"deep": {"text": [text]}})
    )
    return judge([ALLOW, *deny_rules([("use_it", name)])], "autonomous", question).effect


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize("name", sorted(DANGERS))
def test_a_corpus_of_dangerous_calls_is_denied_whole(name: str) -> None:
    assert [text for text in DANGEROUS[name] if effect_of(name, text) != "deny"] == []


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize("name", sorted(DANGERS))
def test_what_is_harmless_and_looks_alike_is_allowed_whole(name: str) -> None:
    assert [text for text in HARMLESS[name] if effect_of(name, text) != "allow"] == []


@pytest.mark.requirement("PERM-1")
@pytest.mark.parametrize("name", sorted(DANGERS))
def test_a_refusal_says_why(name: str) -> None:
    assert all(DANGERS[name](text) for text in DANGEROUS[name])
