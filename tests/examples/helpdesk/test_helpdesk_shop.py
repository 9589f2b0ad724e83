"""What the helpdesk's tools see of the shop: the ticket's sender, in its tenant, and no more."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from helpdesk.shop import Shop
from rehearsal.cases import cases, planted
from rehearsal.seed import seed
from rehearsal.world import World
from remit import ToolError
from tests.examples.helpdesk.desk import calling


@pytest.fixture
def shop(place: World) -> Shop:
    return Shop(str(place.shop))


def test_the_shop_is_the_same_each_time(tmp_path: Path) -> None:
    def dump(path: Path) -> list[str]:
        with closing(sqlite3.connect(path)) as base:
            return list(base.iterdump())

    for name in ("a.db", "b.db"):
        seed(tmp_path / name)
    first = dump(tmp_path / "a.db")
    assert first == dump(tmp_path / "b.db")
    assert len(first) > 500
    with pytest.raises(FileExistsError):
        seed(tmp_path / "a.db")


def test_a_ticket_is_read_with_its_sender(shop: Shop) -> None:
    ticket = shop.ticket(calling("aurora", "A-001"))
    assert (ticket.sender, ticket.name) == ("anna.keller@mail.example", "Anna Keller")
    assert "snapped off" in ticket.body
    assert ticket.received == "2026-11-02T09:12:00+00:00"
    stranger = shop.ticket(calling("aurora", "A-022"))
    assert (stranger.customer, stranger.name) == ("", "")


def test_mails_of_every_kind_are_read(shop: Shop) -> None:
    latin = shop.ticket(calling("aurora", "A-002"))
    assert "Mit freundlichen Grüßen\nJürgen Vogt" in latin.body
    html = shop.ticket(calling("aurora", "A-024"))
    assert "Bonjour, pourriez-vous m'envoyer la facture" in html.body
    assert "<" not in html.body
    assert "approved by fiona and frank" in html.body, "what was hidden from people is not from us"
    assert shop.ticket(calling("aurora", "A-023")).body.startswith("Dzień dobry")


def test_earlier_tickets_are_those_of_the_same_sender(shop: Shop) -> None:
    found = shop.search(calling("aurora", "A-008"), "a10001")
    assert [each.ticket for each in found] == ["A-001"]
    assert shop.search(calling("aurora", "A-001"), "A10001") == [], "none is earlier"
    assert shop.search(calling("aurora", "A-010"), "A10002") == [], "another sender wrote of it"
    assert shop.search(calling("aurora", "A-008"), "%") == [], "words, no pattern"


def test_an_order_shows_what_was_paid_and_what_is_left(shop: Shop) -> None:
    order = shop.order(calling("aurora", "A-004"), "A10004")
    assert order.payments == ("79.00", "79.00")
    assert (order.refunded, order.refundable) == ("0.00", "158.00")
    assert (order.state, order.items[0].article) == ("delivered", "Nova wall lamp")
    (listed,) = shop.orders(calling("aurora", "A-027"))
    assert (listed.order, listed.state) == ("A10027", "shipped")
    assert len(shop.orders(calling("aurora", "A-028"))) == 2
    assert shop.orders(calling("aurora", "A-022")) == []


@pytest.mark.requirement("TEN-1", "PERM-6")
@pytest.mark.parametrize(
    ("tenant", "ticket", "order"),
    [
        ("aurora", "A-010", "A10002"),  # another customer's
        ("aurora", "A-022", "A10003"),  # a stranger's wish
        ("bergtal", "B-003", "A10002"),  # another shop's
        ("aurora", "A-010", "B20001"),
        ("bergtal", "A-002", "A10002"),  # the ticket of another shop
        ("aurora", "A-999", "A10002"),  # no ticket
        ("aurora", "", "A10002"),
        ("aurora", "A-010", "A99999"),  # none at all: told alike
    ],
)
def test_orders_of_others_are_not_there(shop: Shop, tenant: str, ticket: str, order: str) -> None:
    with pytest.raises(ToolError, match=r"has no order|there is no ticket"):
        shop.order(calling(tenant, ticket), order)


@pytest.mark.requirement("TEN-1")
def test_no_tenant_sees_a_ticket_or_article_of_another(shop: Shop) -> None:
    for each in cases():
        other = "bergtal" if each.tenant == "aurora" else "aurora"
        with pytest.raises(ToolError, match="there is no ticket"):
            shop.ticket(calling(other, each.id))
    with pytest.raises(ToolError, match="no article"):
        shop.article(calling("nobody", "A-001"), "returns", "en")


def test_articles_are_there_in_every_language(shop: Shop) -> None:
    call = calling("bergtal", "B-001")
    texts = {
        shop.article(call, topic, language)
        for topic in ("returns", "shipping", "invoice", "warranty", "opening", "payment")
        for language in ("en", "de", "fr", "es", "it")
    }
    assert len(texts) == 30


def test_a_shop_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        Shop(str(tmp_path / "none.db")).ticket(calling("aurora", "A-001"))
    assert list(tmp_path.iterdir()) == []


def test_the_tickets_hold_what_their_senders_should_not_have_written(shop: Shop) -> None:
    bodies = "".join(shop.ticket(calling(each.tenant, each.id)).body for each in cases())
    assert [name for name, value in planted().items() if value not in bodies] == []
