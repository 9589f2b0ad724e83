"""The pages of the simulated checkout show nothing of anybody else's as HTML, and run nothing."""

import base64
import hashlib
import re

import pytest

from remit.simulator.checkout_page import CSP, paid_page, pay_page, refusal_page

HOSTILE = '"><script>alert(1)</script>'


@pytest.mark.parametrize(
    "page",
    [
        pay_page(HOSTILE, HOSTILE, HOSTILE),
        paid_page(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, taken=True),
        refusal_page(HOSTILE),
    ],
)
def test_everything_is_escaped(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_only_the_style_of_the_page_is_allowed() -> None:
    style = re.search(r"<style>(.*)</style>", refusal_page("x"))
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CSP
    assert "script" not in CSP


def test_what_was_not_taken_is_told() -> None:
    page = paid_page("pro", "ref", "evt_1", "503 not taken", "", taken=False)
    assert "Paid, and not told yet" in page
    assert "503 not taken" in page
    assert "Back to the console" not in page
