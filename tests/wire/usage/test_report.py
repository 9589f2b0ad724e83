"""The question of a day, the days of rows, and the way to the next page."""

from datetime import date

import pytest

from remit.errors import ProviderError
from remit.values.statement import OUTPUT
from remit.wire.node import Node
from remit.wire.usage.report import (
    bad,
    by_model,
    check_day,
    one_of,
    read_day,
    read_next,
    rfc3339_start,
    values_of,
)
from tests.wire.usage.pages import DAY, line


def node(text: str) -> Node:
    return Node.of(text, kind="malformed", about="report: ")


def test_days_begin_at_midnight_utc() -> None:
    assert rfc3339_start(DAY) == "2026-11-19T00:00:00Z"
    assert read_day("2026-11-19T00:00:00Z") == DAY
    assert read_day("2026-11-19T02:00:00+02:00") == DAY
    assert read_day("2026-11-19T00:00:01Z") is None
    assert read_day("2026-11-19") is None
    assert read_day("soon") is None


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"starting_at":"2026-11-18T00:00:00Z","ending_at":"2026-11-20T00:00:00Z"}',
            "starting_at",
        ),
        ('{"starting_at":"2026-11-19T00:00:00Z","ending_at":"2026-11-21T00:00:00Z"}', "ending_at"),
        ('{"ending_at":"2026-11-20T00:00:00Z"}', "starting_at: Field required"),
    ],
)
def test_rows_of_another_day_are_refused(text: str, message: str) -> None:
    with pytest.raises(ProviderError, match=message):
        check_day(node(text), DAY)


def test_rows_of_the_day_are_taken() -> None:
    check_day(
        node('{"starting_at":"2026-11-19T00:00:00Z","ending_at":"2026-11-20T00:00:00Z"}'), DAY
    )


def test_the_next_page() -> None:
    assert read_next(node('{"has_more":false,"next_page":null}')) == ""
    assert read_next(node('{"has_more":false,"next_page":"p"}')) == ""
    assert read_next(node('{"has_more":true,"next_page":"p"}')) == "p"


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    "text",
    [
        '{"has_more":true,"next_page":null}',
        '{"has_more":true,"next_page":""}',
        '{"has_more":true}',
        '{"has_more":"yes","next_page":"p"}',
        "{}",
    ],
)
def test_a_page_that_cannot_be_found_is_an_error(text: str) -> None:
    with pytest.raises(ProviderError, match=r"next_page|has_more"):
        read_next(node(text))


def test_lists_in_a_query() -> None:
    query = (("group_by[]", "model"), ("group_by", "batch"), ("page", "p"), ("page", "q"))
    assert values_of(query, "group_by") == ("model", "batch")
    assert one_of(query, "page") == "p"
    assert one_of(query, "limit") == ""
    assert bad("no").kind == "bad_request"


def test_lines_as_rows() -> None:
    lines = [line("a", OUTPUT, 1), line("b", OUTPUT, 2), line("a", OUTPUT, 3), line("a", "x", 4)]
    assert by_model(lines) == {"a": {OUTPUT: 4, "x": 4}, "b": {OUTPUT: 2}}
    assert date(2026, 11, 19) == DAY
