"""Cleaning: no secret and no byte that cannot be stored passes, whatever carries it."""

import json

import pytest

from remit.policy.redact import Redactor
from remit.policy.specimen import write_out
from remit.runtime.cleaning import (
    ERROR_CHARS,
    INVALID,
    UNREADABLE,
    Cleaner,
    as_object,
    storable,
)
from remit.values.message import CallPart, TextPart, ThinkingPart
from remit.values.model import ModelAnswer, RawCall, RawPart, RawText, RawThinking
from remit.values.usage import Usage
from tests.runtime.kit import RUN, TENANT, VAULT, a_cleaner, redactor, secret_rules
from tests.runtime.stage import secret

LONE = "\ud800"


def answer(*parts: RawPart) -> ModelAnswer:
    return ModelAnswer(parts=parts, stop="end", usage=Usage(), model="x")


@pytest.mark.requirement("SEC-1", "SEC-3")
def test_a_secret_goes_to_the_vault_and_a_placeholder_stays() -> None:
    cleaner, key = a_cleaner(), secret()
    text = cleaner.text(f"the key {key} works")
    assert key not in text
    (row,) = cleaner.rows
    assert row.placeholder in text
    assert VAULT.open(TENANT, row.placeholder, row.sealed) == key
    assert key.encode() not in row.sealed


def test_one_secret_is_sealed_once() -> None:
    cleaner, key = a_cleaner(), secret()
    assert cleaner.text(key) == cleaner.error(key)
    assert len(cleaner.rows) == 1


@pytest.mark.requirement("SEC-3")
def test_arguments_are_cleaned_in_their_values() -> None:
    cleaner, key = a_cleaner(), secret()
    escaped = "".join(f"\\u{ord(each):04x}" for each in key)
    clean = cleaner.json(f'{{"token": "{escaped}", "amount": 1.10}}')
    assert json.loads(clean)["token"] == cleaner.rows[0].placeholder
    assert '"amount": 1.10' in clean


@pytest.mark.requirement("SEC-1")
def test_what_goes_back_as_it_came_can_be_stored_and_holds_no_known_secret() -> None:
    own = "correct-horse-battery"
    knowing = Redactor(lambda _kind, _secret: "", secret_rules().with_known({"A": own}))
    cleaner = Cleaner(knowing, VAULT, TENANT, RUN)
    assert cleaner.opaque("msg_0123") == "msg_0123"
    assert cleaner.opaque(LONE) == ""
    assert cleaner.opaque(f"x{own}") == ""
    thoughts = [
        RawThinking("so", signature="sig"),
        RawThinking("so", signature=LONE),
        RawThinking("so", signature=f"x{own}"),
    ]
    parts = cleaner.parts(answer(RawCall(LONE, "find", "{}"), *thoughts), "c1", "m")
    assert [part.kind for part in parts] == ["call", "thinking"]
    assert isinstance(parts[0], CallPart)
    assert parts[0].provider_id == ""


@pytest.mark.requirement("SEC-1")
@pytest.mark.parametrize("cut", [3_990, ERROR_CHARS, 64 * 1024 - 20, 64 * 1024])
def test_an_error_is_cut_after_it_is_clean(cut: int) -> None:
    cleaner, key = a_cleaner(), secret()
    text = cleaner.error("e" * (cut - 20) + f" {key} " + "f" * 100_000)
    assert len(text) <= ERROR_CHARS + 2
    assert not any(key[:length] in text for length in range(12, len(key)))


def test_short_errors_stay_whole() -> None:
    assert a_cleaner().error("it is broken") == "it is broken"


def test_what_utf8_cannot_hold_is_replaced() -> None:
    assert storable(f"a{LONE}b") == "a\ufffdb"
    assert storable("plain") == "plain"
    assert storable("grün 🙂") == "grün 🙂"
    cleaner = a_cleaner()
    assert cleaner.text(f"x{LONE}").encode() == b"x\xef\xbf\xbd"
    assert cleaner.error(f"x{LONE}").encode() == b"x\xef\xbf\xbd"
    assert cleaner.json(f'{{"a": "{LONE}"}}').encode()


def test_parts_of_an_answer() -> None:
    cleaner, key = a_cleaner(), secret()
    parts = cleaner.parts(
        answer(
            RawText(""),
            RawText(f"hello {key}"),
            RawCall("p1", "find_order", '{"order": 1}'),
            RawCall("p2", "find_order", ""),
        ),
        "c4",
        "scripted:x",
    )
    text, first, second = parts
    assert isinstance(text, TextPart)
    assert key not in text.text
    assert isinstance(first, CallPart)
    assert isinstance(second, CallPart)
    assert (first.call, first.provider_id, first.arguments) == ("c4-1", "p1", '{"order": 1}')
    assert (second.call, second.arguments) == ("c4-2", "{}")
    assert {part.origin.name for part in parts} == {"scripted:x"}


@pytest.mark.requirement("SEC-1")
@pytest.mark.parametrize("name", ["", "a b", "x" * 129, f"n{LONE}", "grün", secret()])
def test_a_name_no_tool_can_have_is_not_stored(name: str) -> None:
    (part,) = a_cleaner().parts(answer(RawCall("p", name, "{}")), "c1", "m")
    assert isinstance(part, CallPart)
    assert part.tool == UNREADABLE


@pytest.mark.requirement("SEC-1")
def test_thinking_is_byte_exact_with_a_signature_or_dropped_whole() -> None:
    key = secret()
    unsigned = RawThinking(f"the key is {key}")
    signed = RawThinking(f"the key is {key}", signature="sig")
    broken = RawThinking(f"odd {LONE}", signature="sig")
    kept = RawThinking("nothing to hide", signature="sig", redacted="opaque")
    first, second = a_cleaner().parts(answer(unsigned, signed, broken, kept), "c1", "m")
    assert isinstance(first, ThinkingPart)
    assert isinstance(second, ThinkingPart)
    assert key not in first.text
    assert (second.text, second.signature, second.redacted) == ("nothing to hide", "sig", "opaque")


@pytest.mark.requirement("SEC-1", "SEC-2")
def test_signed_thinking_may_hold_what_only_looks_random_but_no_known_secret() -> None:
    looks = write_out('the password = "{A6}7{A8}" and api_key: {H32} stand in the file')
    known = write_out("{A6}_{A6}")
    rules = secret_rules().with_known({"own": known})
    cleaner = Cleaner(Redactor(redactor()._placeholder, rules), VAULT, TENANT, RUN)
    kept, opaque, unsigned = cleaner.parts(
        answer(
            RawThinking(looks, signature="sig"),
            RawThinking(f"it is {known}", signature="sig"),
            RawThinking("fine", signature=f"sig{known}"),
            RawThinking("", redacted=known),
            RawThinking("", redacted="opaque"),
            RawThinking(looks),
        ),
        "c1",
        "m",
    )
    assert isinstance(kept, ThinkingPart)
    assert isinstance(opaque, ThinkingPart)
    assert isinstance(unsigned, ThinkingPart)
    assert (kept.text, kept.signature) == (looks, "sig")
    assert opaque.redacted == "opaque"
    assert unsigned.text.count("[secret:") == 2


@pytest.mark.parametrize("text", ['{"cut": "of', "[1]", '"text"', "nonsense", "[" * 100_000])
def test_arguments_that_are_no_object_become_one(text: str) -> None:
    assert json.loads(as_object(text)) == {INVALID: text}
