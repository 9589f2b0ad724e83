"""Mails of the helpdesk, sent to a real server and read from its mailboxes."""

import asyncio

import pytest

from helpdesk.mail import TICKET_HEADER, Post, message_id
from helpdesk.shop import Shop
from rehearsal.world import World
from remit import ToolError
from remit.errors import OutcomeUnknown
from tests.examples.helpdesk.desk import calling

TEXT = "Grüße aus dem Laden: Ihre Lampe kommt."


def post_of(place: World, smtp: str = "") -> Post:
    return Post(Shop(str(place.shop)), smtp or place.office.address, str(place.office.folder))


async def test_a_mail_goes_to_the_sender_of_the_ticket_and_to_the_archive(place: World) -> None:
    call = calling("aurora", "A-002")
    sent = await asyncio.to_thread(post_of(place).send, call, TEXT)
    (mail,) = place.office.mails("juergen.vogt@mail.example")
    assert str(mail.get_content()).strip() == TEXT
    assert mail["From"] == "support@aurora.example"
    assert (mail[TICKET_HEADER], mail["Message-ID"]) == ("A-002", sent.message_id)
    assert mail["Subject"] == "[A-002] Your message", "not what the customer wrote there"
    (copy,) = place.office.mails("archive+a-002@aurora.example")
    assert copy["Message-ID"] == message_id(call)
    assert place.office.boxes("archive+") == ["archive+a-002@aurora.example"]


@pytest.mark.requirement("DUR-3")
async def test_a_mail_is_found_again_only_if_it_left(
    place: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpdesk.mail._SETTLED_S", 0.0)
    post = post_of(place)
    call = calling("aurora", "A-002")
    assert await asyncio.to_thread(post.find, call) is None
    sent = await asyncio.to_thread(post.send, call, TEXT)
    assert await asyncio.to_thread(post.find, call) == sent
    other = calling("aurora", "A-002", call="c2-1")
    assert await asyncio.to_thread(post.find, other) is None


async def test_a_server_that_goes_away_leaves_doubt(place: World) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        await reader.readline()
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    with pytest.raises(OutcomeUnknown, match="went away"):
        await asyncio.to_thread(
            post_of(place, f"{host}:{port}").send, calling("aurora", "A-002"), TEXT
        )
    server.close()


async def test_a_server_that_refuses_leaves_none(place: World) -> None:
    place.office.refuses = frozenset({"juergen.vogt@mail.example"})
    with pytest.raises(ToolError, match="refused"):
        await asyncio.to_thread(post_of(place).send, calling("aurora", "A-002"), TEXT)
    assert place.office.mails("juergen.vogt@mail.example") == []
