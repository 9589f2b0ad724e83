"""Hyperscan and keywords nominate for the same verdicts: on the corpus, and on any text."""

import random
import threading
from functools import partial

import hyperscan
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.secret_corpus import generated
from remit.adapters.redaction.hyperscan_nominator import HyperscanNominator
from remit.policy.redact import Redactor
from remit.policy.secret_scan import Scan, SecretRules
from remit.policy.specimen import planted, write_out
from tests.policy.redaction import BOOK, BUILTIN, RULES, placeholder, streamed

AT_ONCE = partial(HyperscanNominator, compile_bytes=0)
FAST = SecretRules(BUILTIN, None, AT_ONCE)
ALL_SLOW, ALL_FAST = SecretRules(BOOK.rules), SecretRules(BOOK.rules, None, AT_ONCE)
EXAMPLES = [
    *[planted(hit)[0] for rule in BOOK.rules for hit in rule.hits],
    *[write_out(miss) for rule in BOOK.rules for miss in rule.misses],
]


@pytest.mark.requirement("SEC-2")
def test_every_rule_can_be_compiled() -> None:
    assert AT_ONCE(ALL_FAST.rules)._database is not None


@pytest.mark.requirement("SEC-2")
@pytest.mark.parametrize("seed", [11, 12])
def test_verdicts_are_the_same_on_a_corpus(seed: int) -> None:
    for document in generated(seed, 600):
        data = document.text.encode()
        assert FAST.regions(data) == RULES.regions(data)


@pytest.mark.requirement("SEC-2")
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_verdicts_are_the_same_on_pieces_of_secrets(data: st.DataObject) -> None:
    part = st.sampled_from(
        [*EXAMPLES, " ", "\n", '"', "=", ": ", "key", "é", "\\", "password", "x"]
    )
    drawn = data.draw(st.lists(st.tuples(part, st.integers(0, 70), st.booleans()), max_size=9))
    text = "".join(part[at:] if tail else part[:at] for part, at, tail in drawn)
    encoded = text.encode()
    assert ALL_FAST.regions(encoded) == ALL_SLOW.regions(encoded)
    size = data.draw(st.integers(1, 40))
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert streamed(Redactor(placeholder, ALL_FAST), pieces) == streamed(
        Redactor(placeholder, ALL_SLOW), pieces
    )


@pytest.mark.requirement("SEC-2")
def test_no_rule_is_lost_where_a_search_begins_within_a_text() -> None:
    dice = random.Random(7)
    for _ in range(300):
        text = " ".join(dice.choices(EXAMPLES, k=3)).encode()
        start = dice.randrange(len(text))
        found = []
        for rules in (ALL_SLOW, ALL_FAST):
            scan = Scan(rules, text)
            scan.until = scan.written = start
            nominated = rules.nominated(scan.view[start:])
            found.append(scan.advance(nominated, len(text)))
        assert found[0] == found[1]


def test_keywords_nominate_until_enough_was_read() -> None:
    before = threading.active_count()
    nominator = HyperscanNominator(RULES.rules[:5], compile_bytes=20)
    assert nominator.nominated(b"sk- only") is None
    assert threading.active_count() == before
    assert nominator.nominated(b"sk- only, and more") is None
    for thread in threading.enumerate():
        if thread.name == "hyperscan":
            thread.join()
    assert nominator.nominated(b"sk- only") == []  # a keyword, and no match


def test_what_hyperscan_cannot_compile_is_left_to_keywords(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Refusing:
        def compile(self, **_: object) -> None:
            raise hyperscan.error("pattern is too large")

    monkeypatch.setattr(hyperscan, "Database", Refusing)
    rules = SecretRules(BUILTIN, None, AT_ONCE)
    text = EXAMPLES[0].encode()
    assert rules.regions(text) == RULES.regions(text) != []
    assert rules.regions(text) == RULES.regions(text)


def test_threads_do_not_disturb_each_other() -> None:
    nominator = AT_ONCE(RULES.rules)
    text = " ".join(EXAMPLES).encode()
    right = nominator.nominated(text)
    answers: list[list[int] | None] = []

    def ask() -> None:
        answers.extend(nominator.nominated(text) for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert answers == [right] * 200
