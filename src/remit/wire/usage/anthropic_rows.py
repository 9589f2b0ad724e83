"""What both generations of Anthropic's reports share: headers, token counts, cost items."""

from collections.abc import Mapping

from remit.values.statement import (
    OUTPUT,
    READ,
    TOKENS,
    UNCACHED,
    WRITE,
    WRITE_1H,
    WRITE_5M,
    CostLine,
    TokenLine,
)
from remit.wire.jsontext import quote, record
from remit.wire.node import Node
from remit.wire.usage.amounts import NANO_PER_CENT, decimal_text, text_amount

BASE_URL = "https://api.anthropic.com"
KEY_VARIABLE = "ANTHROPIC_ADMIN_KEY"
# The reports' documentation and SDK name this version; their form does not depend on it.
VERSION = "2023-06-01"


def headers(key: str, beta: str = "") -> dict[str, str]:
    """The headers of a question."""
    found = {"x-api-key": key, "anthropic-version": VERSION, "accept": "application/json"}
    return found | ({"anthropic-beta": beta} if beta else {})


def model_of(node: Node) -> str:
    """The model of a row; null means that the row belongs to none."""
    found = node.find("model")
    return "" if found is None else found.text()


def read_tokens(model: str, counts: Node) -> list[TokenLine]:
    """The token lines of one row. `uncached_input_tokens` holds no cached ones here."""
    written = counts.get("cache_creation")
    classes = {
        UNCACHED: counts.get("uncached_input_tokens").integer(),
        READ: counts.get("cache_read_input_tokens").integer(),
        WRITE_5M: written.get("ephemeral_5m_input_tokens").integer(),
        WRITE_1H: written.get("ephemeral_1h_input_tokens").integer(),
        OUTPUT: counts.get("output_tokens").integer(),
    }
    return [
        TokenLine(model=model, token_class=name, tokens=count) for name, count in classes.items()
    ]


def write_tokens(row: Mapping[str, int]) -> dict[str, str]:
    """The members of a row's counts; what was cached for no known time counts as five minutes."""
    return {
        "uncached_input_tokens": str(row.get(UNCACHED, 0)),
        "cache_creation": record(
            {
                "ephemeral_1h_input_tokens": str(row.get(WRITE_1H, 0)),
                "ephemeral_5m_input_tokens": str(row.get(WRITE_5M, 0) + row.get(WRITE, 0)),
            }
        ),
        "cache_read_input_tokens": str(row.get(READ, 0)),
        "output_tokens": str(row.get(OUTPUT, 0)),
        "server_tool_use": record({"web_search_requests": "0"}),
    }


def read_cost(model: str, item: Node | None, cost: Node) -> CostLine:
    """The cost line of one row: a decimal text in cents."""
    currency = cost.get("currency")
    if currency.text() != "USD":
        raise currency.fail(f"Input should be 'USD', not {currency.text()!r}")
    nano = text_amount(cost.get("amount"), NANO_PER_CENT)
    return CostLine(model=model, item=TOKENS if item is None else item.text(), nano=nano)


def write_cents(nano: int) -> str:
    """An amount as JSON text: cents as a decimal text."""
    return quote(decimal_text(nano, NANO_PER_CENT))


def or_null(text: str) -> str:
    """A text as JSON, null if empty."""
    return quote(text) if text else "null"
