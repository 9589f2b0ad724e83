"""Headers and rows that both generations of Anthropic's reports share."""

import pytest

from remit.errors import ProviderError
from remit.values.statement import OUTPUT, READ, UNCACHED, WRITE_1H, WRITE_5M
from remit.wire.jsontext import record
from remit.wire.node import Node
from remit.wire.usage.anthropic_rows import (
    headers,
    model_of,
    or_null,
    read_cost,
    read_tokens,
    write_tokens,
)


def node(text: str) -> Node:
    return Node.of(text, kind="malformed")


def test_the_beta_header_is_sent_where_it_is_asked_for() -> None:
    assert "anthropic-beta" not in headers("k")
    assert headers("k", "b")["anthropic-beta"] == "b"


def test_a_row_may_belong_to_no_model() -> None:
    assert model_of(node('{"model":null}')) == ""
    assert model_of(node("{}")) == ""
    assert model_of(node('{"model":"m"}')) == "m"
    assert (or_null(""), or_null("m")) == ("null", '"m"')


def test_counts_go_both_ways() -> None:
    row: dict[str, int] = {UNCACHED: 1, READ: 2, WRITE_5M: 3, WRITE_1H: 4, OUTPUT: 5}
    lines = read_tokens("m", node(record(write_tokens(row))))
    assert {line.token_class: line.tokens for line in lines} == row


@pytest.mark.requirement("BIL-2")
def test_another_currency_is_refused() -> None:
    with pytest.raises(ProviderError, match="currency"):
        read_cost("m", None, node('{"amount":"1","currency":"EUR"}'))
