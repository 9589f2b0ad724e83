"""Mails become tickets: each once, in the order of their dates, whatever their form."""

from pathlib import Path

import pytest

from helpdesk.intake import take_in
from helpdesk.shop import Shop
from rehearsal.cases import cases
from rehearsal.letters import mail_of
from rehearsal.post import PostOffice
from rehearsal.seed import seed
from tests.examples.helpdesk.desk import calling, case


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    seed(tmp_path / "shop.db")
    return Shop(str(tmp_path / "shop.db"))


def test_numbers_follow_the_dates_and_a_second_look_adds_nothing(
    tmp_path: Path, shop: Shop
) -> None:
    office = PostOffice(tmp_path)
    box = tmp_path / "support@aurora.example"
    assert take_in(shop, box, "aurora", "A") == [], "there is no mailbox yet"
    for each in reversed([each for each in cases() if each.tenant == "aurora"]):
        office.box("support@aurora.example").add(mail_of(each).as_bytes())
    made = take_in(shop, box, "aurora", "A")
    assert made == [each.id for each in cases() if each.tenant == "aurora"]
    assert take_in(shop, box, "aurora", "A") == []
    office.box("support@aurora.example").add(mail_of(case("A-001")).as_bytes())
    assert take_in(shop, box, "aurora", "A") == [], "the same mail came twice"


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"From: a@b.example\nMessage-ID: <1@x>\n\n  hello  \n", "hello"),
        (b"From: a@b.example\nMessage-ID: <1@x>\nDate: yesterday\n\nhi\n", "hi"),
        (
            (
                b"From: a@b.example\nMessage-ID: <1@x>\nContent-Type: text/html\n\n"
                b"<style>p{}</style><p>a &amp; b<br>c</p><!-- d --><script>e</script>"
            ),
            "a & b\nc",
        ),
        (
            b"From: a@b.example\nContent-Type: text/plain; charset=martian\n\nh\xc3\xa9",
            "h\u00e9",
        ),
        (b"From: a@b.example\nMessage-ID: <1@x>\nContent-Type: image/png\n\nxyz", ""),
        (b"From: a@b.example\nMessage-ID: <1@x>\n\n" + b"x" * 50_000, "x" * 20_000),
    ],
    ids=["plain", "no date", "html", "unknown charset", "a picture alone", "a flood"],
)
def test_bodies(tmp_path: Path, shop: Shop, raw: bytes, body: str) -> None:
    PostOffice(tmp_path).box("support@aurora.example").add(raw)
    assert take_in(shop, tmp_path / "support@aurora.example", "aurora", "A") == ["A-001"]
    ticket = shop.ticket(calling("aurora", "A-001"))
    assert (ticket.sender, ticket.body) == ("a@b.example", body)
