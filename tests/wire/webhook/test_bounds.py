"""Webhook headers are found in any case, once, and short."""

import pytest

from remit.errors import WebhookRefused
from remit.wire.webhook.bounds import MAX_HEADER_CHARS, header


def test_a_header_is_found_in_any_case() -> None:
    assert header({"Webhook-ID": "a", "other": "b"}, "webhook-id") == "a"
    assert header({}, "webhook-id") == ""


def test_a_header_that_comes_twice_is_refused() -> None:
    with pytest.raises(WebhookRefused, match="came twice"):
        header({"Webhook-ID": "a", "webhook-id": "b"}, "webhook-id")


def test_a_long_header_is_refused() -> None:
    assert header({"a": "x" * MAX_HEADER_CHARS}, "a")
    with pytest.raises(WebhookRefused, match="at most"):
        header({"a": "x" * (MAX_HEADER_CHARS + 1)}, "a")
