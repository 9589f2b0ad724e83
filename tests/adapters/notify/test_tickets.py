"""Ticket queues: looked for first, made once, with the queue's own authorization."""

import base64

import pytest

from remit.adapters.notify.tickets import TicketNotifier
from remit.errors import NotDelivered
from remit.wire.notices.tickets import Shape
from tests.app.channel_fakes import receiving
from tests.wire.notices.specimens import APPROVAL

pytestmark = pytest.mark.requirement("APR-2")


@pytest.mark.parametrize(
    ("shape", "login", "expected"),
    [
        ("jira", "", "Bearer tok"),
        ("jira", "me@x", "Basic " + base64.b64encode(b"me@x:tok").decode()),
        ("zendesk", "me@x", "Basic " + base64.b64encode(b"me@x/token:tok").decode()),
    ],
)
async def test_the_queue_is_asked_before_it_gets_one(
    shape: Shape, login: str, expected: str
) -> None:
    async with receiving() as receiver:
        for path in ("/rest/api/3/search/jql", "/api/v2/tickets.json"):
            receiver.answers[path] = {"issues": [], "tickets": []}
        notifier = TicketNotifier(shape, f"{receiver.url}/", login=login, token="tok", project="P")
        await notifier.tell(APPROVAL, deadline_s=9)
        await notifier.close()
        assert [got.method for got in receiver.got] == ["GET", "POST"]
        assert {got.headers["authorization"] for got in receiver.got} == {expected}


async def test_a_queue_whose_answer_cannot_be_read_is_asked_again_later() -> None:
    async with receiving() as receiver:
        notifier = TicketNotifier("jira", receiver.url, login="", token="tok", project="P")
        with pytest.raises(NotDelivered, match="no list of tickets") as caught:
            await notifier.tell(APPROVAL, deadline_s=9)
        await notifier.close()
        assert caught.value.again
        assert [got.method for got in receiver.got] == ["GET"], "no ticket is made blindly"
