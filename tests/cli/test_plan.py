"""`remit plan` shows prices and who has which plan, gives plans by hand, and makes links."""

import json
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, urlsplit

import pytest

from remit.cli.person import principal
from tests.cli.terminal import Remit

pytestmark = pytest.mark.requirement("BIL-3")
PLANS = """
[billing]
default = "free"

[plans.free]
limits = [{ of = "user", window = "day", calls = 1 }]
models = ["anthropic:*"]

[plans.pro]
limits = [{ of = "user", window = "day", cost_usd = "5", calls = 1000 }]
checkout_url = "https://pay.example/pro"
prices = ["price_pro"]
"""
WHY = ("--reason", "a friend of the house")


@pytest.fixture
def priced(remit: Remit) -> Remit:
    """The command line in a folder whose settings hold plans."""
    Path("remit.toml").write_text(PLANS, encoding="utf-8")
    return remit


def test_the_price_list(priced: Remit) -> None:
    text = priced.good("plan", "show")
    assert "free (default)" in text
    assert "1 calls per user, day" in text
    tree = priced.tree("plan", "show")
    assert (tree["default"], tree["holder"]) == ("free", "user")
    free, pro = cast("list[dict[str, object]]", tree["plans"])
    assert (free["plan"], free["models"], free["checkout_url"]) == ("free", ["anthropic:*"], None)
    assert (pro["checkout_url"], pro["prices"]) == ("https://pay.example/pro", ["price_pro"])


def test_a_plan_is_given_by_hand_with_principal_and_reason_and_given_back(priced: Remit) -> None:
    assert priced.good("plan", "show", "user:ann") == "user:ann has the plan free\n"
    text = priced.good("plan", "set", "user:ann", "pro", *WHY)
    assert text == f"user:ann has the plan pro (by hand), by {principal()}\n"
    shown = priced.good("plan", "show", "user:ann")
    assert f"PlanAssigned  pro by {principal()} a friend of the house" in shown
    assert "PlanRaised  free to pro (set)" in shown
    tree = priced.tree("plan", "show", "user:ann")
    assert (tree["plan"], tree["assigned"], tree["until"]) == ("pro", True, None)
    facts = cast("list[dict[str, object]]", tree["facts"])
    assert facts[0]["principal"] == principal()
    back = priced.tree("plan", "set", "user:ann", "--as-paid", *WHY)
    assert (back["plan"], back["assigned"], back["principal"]) == ("free", False, principal())
    other = priced.tree("plan", "show", "user:ann", "--tenant", "acme")
    assert other["facts"] == []
    assert priced("verify").exit_code == 0


def test_a_link_carries_a_reference(priced: Remit) -> None:
    url = priced.good("plan", "link", "user:ann", "pro").strip()
    assert url.startswith("https://pay.example/pro?client_reference_id=")
    (reference,) = parse_qs(urlsplit(url).query)["client_reference_id"]
    assert len(reference) <= 200
    tree = priced.tree("plan", "link", f"user:{'u' * 120}", "pro", "--tenant", "t" * 120)
    assert (tree["plan"], tree["tenant"]) == ("pro", "t" * 120)
    assert priced("verify").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("show", "ann"), "say user:NAME"),
        (("set", "user:ann", "gold", *WHY), "no plan 'gold'"),
        (("set", "user:ann", *WHY), "say either a PLAN or --as-paid"),
        (("set", "user:ann", "pro", "--as-paid", *WHY), "say either a PLAN or --as-paid"),
        (("link", "user:ann", "free"), "not sold: give it a checkout_url"),
    ],
    ids=range(5),
)
def test_what_cannot_be_is_said(priced: Remit, words: tuple[str, ...], message: str) -> None:
    result = priced("plan", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_without_plans_it_says_where_to_write_them(remit: Remit) -> None:
    for words in (("show",), ("show", "user:ann")):
        result = remit("plan", *words)
        assert result.exit_code == 2
        assert "[billing] and [plans.NAME]" in result.stderr


def test_at_the_cap_a_run_shows_the_notice(shop_file: Path) -> None:
    (shop_file.parent / "remit.toml").write_text(PLANS, encoding="utf-8")
    words = ("run", f"{shop_file}:clerk", "hello", "--user", "ann")
    assert Remit()(*words).exit_code == 0
    refused = Remit()(*words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    for words_told in (
        "stopped (upgrade-required",
        "The plan free allows 1 calls today; 1 calls is used or reserved.",
        "More with the plan pro: https://pay.example/pro?client_reference_id=",
    ):
        assert words_told in refused.stderr
    tree = json.loads(Remit()(*words, "--json").stdout)
    assert tree["reason"] == "upgrade-required"
    assert (tree["upgrade"]["plan"], tree["upgrade"]["offer"]) == ("free", "pro")
    assert tree["upgrade"]["checkout_url"].startswith("https://pay.example/pro?")
    Remit().good("plan", "set", "user:ann", "pro", *WHY)
    assert Remit()(*words).exit_code == 0
