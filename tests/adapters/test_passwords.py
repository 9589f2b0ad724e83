"""Passwords are hashed with Argon2id and checked alike for those who exist and those who do not."""

import pytest

from remit.adapters.passwords import hash_password, is_password, problem_of_password

GOOD = "correct horse battery"


@pytest.mark.requirement("SEC-3")
def test_a_hash_tells_nothing_and_fits_only_its_password() -> None:
    known = hash_password(GOOD)
    assert known.startswith("$argon2id$")
    assert GOOD not in known
    assert known != hash_password(GOOD)
    assert is_password(known, GOOD)
    assert not is_password(known, GOOD + "!")


def test_nobody_and_nonsense_never_fit() -> None:
    assert not is_password("", "nobody's password, for who does not exist")
    assert not is_password("no hash", GOOD)


def test_the_same_password_from_another_keyboard() -> None:
    composed, apart = "pass wörd ünd mehr", "pass wo\u0308rd u\u0308nd mehr"
    assert is_password(hash_password(composed), apart)


def test_what_follows_the_bound_is_not_left_out() -> None:
    longest = "ab1-" * 64
    known = hash_password(longest)
    assert is_password(known, longest)
    assert not is_password(known, longest + "x")


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("short", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("aaaaaaaaaaaaaa", "same few"),
        ("my name is Ann, hello", "user's name"),
    ],
)
def test_a_weak_password_is_refused(password: str, word: str) -> None:
    assert word in problem_of_password("ann", password)
    assert not problem_of_password("zoe", GOOD)
