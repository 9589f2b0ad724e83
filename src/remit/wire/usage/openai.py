"""OpenAI's reports: organization/usage/completions and organization/costs.

Form: `openai.types.admin.organization` of the official SDK. `input_tokens` holds the cached and
the cache-written ones too; amounts are JSON numbers in dollars, made from binary fractions.
"""

import re
from collections.abc import Mapping

from remit.errors import ProviderError
from remit.values.money import NANO_PER_USD
from remit.values.statement import (
    DAY,
    OUTPUT,
    READ,
    TOKENS,
    UNCACHED,
    WRITE,
    WRITE_1H,
    WRITE_5M,
    CostLine,
    TokenLine,
    day_of,
    start_ms,
)
from remit.wire.codec import Failure
from remit.wire.failure import excerpt, header, http_error, kind_of_status, retry_after_ms
from remit.wire.jsontext import array, quote, record
from remit.wire.node import Node
from remit.wire.usage.amounts import any_amount, decimal_text
from remit.wire.usage.anthropic_rows import model_of, or_null
from remit.wire.usage.report import (
    Page,
    Query,
    Report,
    Source,
    Want,
    bad,
    by_model,
    one_of,
    read_next,
    values_of,
)

_ABOUT = "the usage report of openai: "
_COST_ABOUT = "the cost report of openai: "
_ROW = "organization.usage.completions.result"
_COST_ROW = "organization.costs.result"
_MAX_BUCKETS = "31"  # of a day each: the usage report's own limit
_SECONDS = re.compile(r"[0-9]{1,11}", re.ASCII)
# A line item is `MODEL, WHAT`; these words say that what was billed are tokens.
_TOKEN_ITEM = re.compile(r"\b(input|output|cached|tokens?)\b", re.IGNORECASE)
_STATUS = {"bad_request": 400, "auth": 401, "not_found": 404, "rate_limited": 429, "server": 500}


def headers(key: str) -> dict[str, str]:
    """The headers of a question."""
    return {"authorization": f"Bearer {key}", "accept": "application/json"}


def _ask(group: str, want: Want) -> Query:
    found = [
        ("start_time", str(start_ms(want.day) // 1000)),
        ("end_time", str(start_ms(want.day + DAY) // 1000)),
        ("bucket_width", "1d"),
        ("group_by[]", group),
        ("limit", _MAX_BUCKETS),
        *(("api_key_ids[]", key) for key in want.keys),
    ]
    return (*found, *([("page", want.page)] if want.page else []))


def _want_of(query: Query, group: str) -> Want:
    text = one_of(query, "start_time")
    if not _SECONDS.fullmatch(text):
        raise bad("Missing required parameter: 'start_time'.")
    day = day_of(int(text) * 1000)
    ends = one_of(query, "end_time")
    if start_ms(day) != int(text) * 1000 or ends != str(start_ms(day + DAY) // 1000):
        raise bad("start_time, end_time: this simulator reports one whole UTC day at a time.")
    if group not in values_of(query, "group_by"):
        raise bad(f"group_by: this simulator groups by {group}.")
    return Want(day=day, keys=values_of(query, "api_key_ids"), page=one_of(query, "page"))


def _rows(body: bytes, about: str, want: Want, kind: str) -> tuple[Node, list[Node]]:
    root = Node.of(body, kind="malformed", about=about)
    rows: list[Node] = []
    for bucket in root.get("data").items():
        for name, day in (("start_time", want.day), ("end_time", want.day + DAY)):
            if bucket.get(name).integer() * 1000 != start_ms(day):
                raise bucket.get(name).fail(f"Input should be {start_ms(day) // 1000}")
        rows.extend(bucket.get("results").items())
    for row in rows:
        if row.get("object").text() != kind:
            raise row.get("object").fail(f"Input should be {kind!r}")
    return root, rows


def _decode_tokens(body: bytes, want: Want) -> Page:
    root, rows = _rows(body, _ABOUT, want, _ROW)
    lines: list[TokenLine] = []
    for row in rows:
        lines.extend(_tokens(row))
    return Page(tokens=tuple(lines), next_page=read_next(root))


def _tokens(row: Node) -> list[TokenLine]:
    model = model_of(row)
    read, written = row.count("input_cached_tokens"), row.count("input_cache_write_tokens")
    plain = row.get("input_tokens").integer() - read - written
    if plain < 0:
        raise row.get("input_tokens").fail("Input should hold the cached tokens too")
    told = row.find("input_uncached_tokens")
    if told is not None and told.integer() != plain:
        raise told.fail(f"Input should be {plain}, the input without cached and written tokens")
    counts = {
        UNCACHED: plain,
        READ: read,
        WRITE: written,
        OUTPUT: row.get("output_tokens").integer(),
    }
    return [
        TokenLine(model=model, token_class=name, tokens=count) for name, count in counts.items()
    ]


def _decode_costs(body: bytes, want: Want) -> Page:
    root, rows = _rows(body, _COST_ABOUT, want, _COST_ROW)
    return Page(costs=tuple(_cost(row) for row in rows), next_page=read_next(root))


def _cost(row: Node) -> CostLine:
    amount = row.get("amount")
    currency = amount.get("currency")
    if currency.text().lower() != "usd":
        raise currency.fail(f"Input should be 'usd', not {currency.text()!r}")
    nano = any_amount(amount.get("value"), NANO_PER_USD)
    told = row.find("line_item")
    model, comma, what = ("" if told is None else told.text()).rpartition(", ")
    if comma and _TOKEN_ITEM.search(what.replace("_", " ")):
        return CostLine(model=model, item=TOKENS, nano=nano)
    return CostLine(model=model, item=what or "(no line item)", nano=nano)


# ---------------------------------------------------------------- the simulator's side


def _page(rows: list[str], page: Page, want: Want) -> bytes:
    bucket = {
        "object": '"bucket"',
        "start_time": str(start_ms(want.day) // 1000),
        "end_time": str(start_ms(want.day + DAY) // 1000),
        "results": array(rows),
    }
    return record(
        {
            "object": '"page"',
            "data": array([record(bucket)]),
            "has_more": "true" if page.next_page else "false",
            "next_page": or_null(page.next_page),
        }
    ).encode()


def _encode_tokens(page: Page, want: Want) -> bytes:
    rows = []
    for model, row in by_model(page.tokens).items():
        written = row.get(WRITE, 0) + row.get(WRITE_5M, 0) + row.get(WRITE_1H, 0)
        members = {
            "object": quote(_ROW),
            "input_tokens": str(row.get(UNCACHED, 0) + row.get(READ, 0) + written),
            "input_uncached_tokens": str(row.get(UNCACHED, 0)),
            "input_cached_tokens": str(row.get(READ, 0)),
            "input_cache_write_tokens": str(written),
            "output_tokens": str(row.get(OUTPUT, 0)),
            "num_model_requests": "1",
            "model": or_null(model),
        }
        ungrouped = ("project_id", "user_id", "api_key_id", "batch", "service_tier")
        rows.append(record(members | dict.fromkeys(ungrouped, "null")))
    return _page(rows, page, want)


def _encode_costs(page: Page, want: Want) -> bytes:
    rows = []
    for line in page.costs:
        value = decimal_text(line.nano, NANO_PER_USD)
        item = "input_tokens" if line.item == TOKENS else line.item
        members = {
            "object": quote(_COST_ROW),
            "amount": record({"value": value, "currency": '"usd"'}),
            "line_item": quote(f"{line.model}, {item}" if line.model else item),
            "project_id": "null",
        }
        rows.append(record(members))
    return _page(rows, page, want)


def encode_error(error: ProviderError) -> Failure:
    """An error as the API answers it."""
    status = error.status or _STATUS.get(error.kind, 500)
    found = {"content-type": "application/json"}
    if error.retry_after_ms is not None:
        found["retry-after"] = str(-(-error.retry_after_ms // 1000))
    members = {"message": quote(str(error)), "type": quote(error.kind), "param": "null"}
    body = record({"error": record(members | {"code": "null"})})
    return Failure(status, found, body.encode())


def decode_error(status: int, found: Mapping[str, str], body: bytes, now_ms: int) -> ProviderError:
    """The error of an answer that is none. Never raises, whatever the body holds."""
    try:
        text = Node.of(body, kind="malformed").get("error").get("message").text()
    except ProviderError:
        text = excerpt(body.decode("utf-8", "replace"))
    return http_error(
        text,
        provider="openai",
        kind=kind_of_status(status),
        status=status,
        retry_after_ms=retry_after_ms(found, now_ms),
        request_id=header(found, "x-request-id"),
    )


OPENAI = Source(
    name="openai",
    provider="openai",
    key_variable="OPENAI_ADMIN_KEY",
    base_url="https://api.openai.com",
    headers=headers,
    tokens=Report(
        path="/v1/organization/usage/completions",
        ask=lambda want: _ask("model", want),
        want=lambda query: _want_of(query, "model"),
        decode=_decode_tokens,
        encode=_encode_tokens,
    ),
    costs=Report(
        path="/v1/organization/costs",
        ask=lambda want: _ask("line_item", want),
        want=lambda query: _want_of(query, "line_item"),
        decode=_decode_costs,
        encode=_encode_costs,
    ),
    costs_by_key=True,
    encode_error=encode_error,
    decode_error=decode_error,
)
