"""Books have names of their own, and the limits in them are the last that were set."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.journal.events import BudgetSet, RunStopping
from remit.journal.rows import LimitLine
from remit.policy.book import book_of, is_book, limits_of
from remit.values.ids import check_name, parent_of, root_of

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,20}", fullmatch=True)


def limit(account: str, amount: int | None) -> BudgetSet:
    return BudgetSet(account=account, limit=amount, principal="ann")


@pytest.mark.requirement("TEN-1")
@given(first=NAMES, second=NAMES)
def test_no_two_holders_share_a_book_and_none_looks_like_a_sub_run(first: str, second: str) -> None:
    check_name("user", first)
    book = book_of(f"user:{first}")
    assert is_book(book)
    assert not is_book(f"run_{first}")
    assert (root_of(book), parent_of(book)) == (book, None)
    assert (book == book_of(f"user:{second}")) == (first == second)
    assert book != book_of(f"agent:{first}")


@pytest.mark.requirement("BUD-4")
def test_the_last_limit_counts_and_may_be_taken_back() -> None:
    events = (
        limit("user:ann|day|nano", 5),
        limit("user:ann|day|calls", 3),
        RunStopping(reason="x"),
        limit("user:ann|day|nano", 7),
        limit("user:ann|day|calls", None),
        limit("user:ann|month|nano", None),
    )
    assert limits_of(events) == (LimitLine("user:ann|day|nano", 7),)
