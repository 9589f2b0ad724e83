"""Anthropic's older reports: usage_report/messages and cost_report of the Admin API.

Form: platform.claude.com/docs/en/api/admin/usage_report and …/admin/cost_report. Rows stand in
buckets of a day. `uncached_input_tokens` excludes what came from or went into the cache; `amount`
is a decimal text in cents: "123.45" is $1.2345.
"""

from remit.values.statement import DAY, CostLine, TokenLine
from remit.wire.anthropic.errors import decode_error, encode_error
from remit.wire.jsontext import array, quote, record
from remit.wire.node import Node
from remit.wire.usage.anthropic_rows import (
    BASE_URL,
    KEY_VARIABLE,
    headers,
    model_of,
    or_null,
    read_cost,
    read_tokens,
    write_cents,
    write_tokens,
)
from remit.wire.usage.report import (
    Page,
    Query,
    Report,
    Source,
    Want,
    bad,
    by_model,
    check_day,
    one_of,
    read_day,
    read_next,
    rfc3339_start,
    values_of,
)

_ABOUT = "the usage report of anthropic: "
_COST_ABOUT = "the cost report of anthropic: "
_MAX_BUCKETS = "31"  # of a day each: the API's own limit


def _ask(group: str, want: Want) -> Query:
    found = [
        ("starting_at", rfc3339_start(want.day)),
        ("ending_at", rfc3339_start(want.day + DAY)),
        ("bucket_width", "1d"),
        ("group_by[]", group),
        ("limit", _MAX_BUCKETS),
        *(("api_key_ids[]", key) for key in want.keys),
    ]
    return (*found, *([("page", want.page)] if want.page else []))


def want_of(query: Query, group: str) -> Want:
    """The question of a query. Raises `ProviderError`."""
    text = one_of(query, "starting_at")
    if not text:
        raise bad("starting_at: Field required")
    day = read_day(text)
    if day is None:
        raise bad("starting_at: this simulator reports whole UTC days")
    if group not in values_of(query, "group_by"):
        raise bad(f"group_by[]: this simulator groups by {group}")
    if read_day(one_of(query, "ending_at")) != day + DAY:
        raise bad("ending_at: this simulator reports one day at a time")
    return Want(day=day, keys=values_of(query, "api_key_ids"), page=one_of(query, "page"))


def _rows(body: bytes, about: str, want: Want) -> tuple[Node, list[Node]]:
    root = Node.of(body, kind="malformed", about=about)
    rows: list[Node] = []
    for bucket in root.get("data").items():
        check_day(bucket, want.day)
        rows.extend(bucket.get("results").items())
    return root, rows


def _decode_tokens(body: bytes, want: Want) -> Page:
    root, rows = _rows(body, _ABOUT, want)
    lines: list[TokenLine] = []
    for row in rows:
        lines.extend(read_tokens(model_of(row), row))
    return Page(tokens=tuple(lines), next_page=read_next(root))


def _decode_costs(body: bytes, want: Want) -> Page:
    root, rows = _rows(body, _COST_ABOUT, want)
    lines: list[CostLine] = []
    for row in rows:
        item = row.find("cost_type")
        if item is not None and item.text() == "tokens":
            item = None
        elif item is None:
            item = row.find("description")
        lines.append(read_cost(model_of(row), item, row))
    return Page(costs=tuple(lines), next_page=read_next(root))


def _bucket(rows: list[str], page: Page, want: Want) -> bytes:
    bucket = {
        "starting_at": quote(rfc3339_start(want.day)),
        "ending_at": quote(rfc3339_start(want.day + DAY)),
        "results": array(rows),
    }
    return record(
        {
            "data": array([record(bucket)]),
            "has_more": "true" if page.next_page else "false",
            "next_page": or_null(page.next_page),
        }
    ).encode()


_UNGROUPED = dict.fromkeys(
    ("api_key_id", "workspace_id", "service_tier", "context_window", "inference_geo"), "null"
)


def _encode_tokens(page: Page, want: Want) -> bytes:
    rows = [
        record(write_tokens(row) | {"model": or_null(model)} | _UNGROUPED)
        for model, row in by_model(page.tokens).items()
    ]
    return _bucket(rows, page, want)


def _encode_costs(page: Page, want: Want) -> bytes:
    rows = [record(_cost_row(line)) for line in page.costs]
    return _bucket(rows, page, want)


def _cost_row(line: CostLine) -> dict[str, str]:
    shown = f"{line.model} Usage - {line.item}" if line.model else line.item
    return {
        "amount": write_cents(line.nano),
        "currency": '"USD"',
        "cost_type": quote(line.item),
        "description": quote(shown),
        "model": or_null(line.model),
        "token_type": "null",
        "workspace_id": "null",
        "service_tier": "null",
        "context_window": "null",
        "inference_geo": "null",
    }


ANTHROPIC_ADMIN = Source(
    name="anthropic-admin",
    provider="anthropic",
    key_variable=KEY_VARIABLE,
    base_url=BASE_URL,
    headers=headers,
    tokens=Report(
        path="/v1/organizations/usage_report/messages",
        ask=lambda want: _ask("model", want),
        want=lambda query: want_of(query, "model"),
        decode=_decode_tokens,
        encode=_encode_tokens,
    ),
    costs=Report(
        path="/v1/organizations/cost_report",
        ask=lambda want: _ask("description", want),
        want=lambda query: want_of(query, "description"),
        decode=_decode_costs,
        encode=_encode_costs,
    ),
    costs_by_key=False,  # its parameters name no keys
    encode_error=encode_error,
    decode_error=decode_error,
)
