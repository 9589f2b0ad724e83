"""Slack and ticket queues: their own forms over real HTTP, and who presses a button."""

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest

from remit import App
from remit.journal.events import ApprovalGiven, InboxIgnored, NoticeFailed
from remit.wire.webhook import slack_signature
from tests.app.asking_people import (
    done,
    finished,
    fresh,
    opened,
    payer,
    receiver,
    settings,
)
from tests.app.channel_fakes import Receiver
from tests.runtime.stage import told, until

__all__ = ["fresh", "receiver"]
pytestmark = [pytest.mark.requirement("APR-2"), pytest.mark.usefixtures("fresh")]

# ---------------------------------------------------------------- Slack


def slack(receiver: Receiver) -> str:
    return (
        f'[channels.team]\nkind = "slack"\nurl = "{receiver.url}/services/T0/B0"\n'
        'secret_env = "SLACK_SIGNING"\n'
    )


def press(message: Mapping[str, object], user: str, button: int, reply: str = "") -> bytes:
    """What Slack posts when a button of a message is pressed."""
    blocks = message["blocks"]
    assert isinstance(blocks, list)
    (actions,) = [block for block in blocks if block["type"] == "actions"]
    action = actions["elements"][button]
    payload = {
        "type": "block_actions",
        "user": {"id": user},
        "response_url": reply,
        "actions": [{"type": "button", "action_id": action["action_id"], "value": action["value"]}],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


async def take(app: App, body: bytes, *, signing: str = "signing-secret-of-the-app") -> str:
    headers = slack_signature.sign(body, signing, at_s=int(time.time()))
    return await app.slack_answers.take(headers, body)


async def test_slack_gets_a_message_with_buttons_and_who_presses_is_looked_up(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings(tmp_path, slack(receiver))
    agent = payer(1, "role:finance")
    async with opened(tmp_path, agent) as app:
        run = await app.run(agent, "Pay", user="ann")
        await until(lambda: len(receiver.got) == 1)
        message = receiver.got[0].tree
        assert "&lt;b&gt;bolts" in json.dumps(message)
        said = await take(app, press(message, "U0STRANGER", 0))
        assert "nobody is known as slack:U0STRANGER" in said
        assert "not among the approvers" in await take(app, press(message, "U0EVE", 0))
        assert (await told(app, run.id, InboxIgnored))[0].principal == "eve"
        assert done == []
        reply = f"{receiver.url}/reply"
        assert await take(app, press(message, "U0BOB", 0, reply)) == "bob: approve was taken"
        assert (await finished(app, run)).status == "completed"
        await until(lambda: bool(receiver.posts("/reply")))
        assert receiver.posts("/reply")[0].tree["text"] == "bob: approve was taken"
        (given,) = await told(app, run.id, ApprovalGiven)
        assert (given.principal, given.channel) == ("bob", "slack")
        assert "nothing waits" in await take(app, press(message, "U0BOB", 0))
        assert done == [7]


async def test_a_bot_posts_and_slacks_refusal_is_a_failure(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answers["/chat.postMessage"] = {"ok": False, "error": "channel_not_found"}
    text = slack(receiver).replace("/services/T0/B0", "")
    settings(tmp_path, text + 'token_env = "QUEUE_TOKEN"\nchannel = "C0TEAM"\n')
    agent = payer()
    async with opened(tmp_path, agent) as app:
        await app.run(agent, "Pay")
        await until(lambda: len(receiver.got) == 1)
        await app.channels.flush()
        (got,) = receiver.got
        assert got.headers["authorization"] == "Bearer token-of-the-queue"
        assert got.tree["channel"] == "C0TEAM"
        (page,) = await app.books.read("local", "channel:team")
        assert isinstance(page.event, NoticeFailed)
        assert page.event.error == "Slack refused the message: channel_not_found"


# ---------------------------------------------------------------- tickets


@pytest.mark.parametrize("kind", ["jira", "zendesk"])
async def test_a_ticket_is_made_once(tmp_path: Path, receiver: Receiver, kind: str) -> None:
    jira = kind == "jira"
    search = "/rest/api/3/search/jql" if jira else "/api/v2/tickets.json"
    create = "/rest/api/3/issue" if jira else "/api/v2/tickets.json"
    receiver.answers[search] = {"issues": []} if jira else {"tickets": []}
    project = 'project = "OPS"' if jira else ""
    settings(
        tmp_path,
        f'[channels.queue]\nkind = "{kind}"\nurl = "{receiver.url}"\nlogin = "bot@acme.example"\n'
        f'token_env = "QUEUE_TOKEN"\n{project}\npeople = ["bob"]\n',
    )
    agent = payer()
    async with opened(tmp_path, agent) as app:
        await app.run(agent, "Pay")
        await until(lambda: bool(receiver.posts(create)))
        (made,) = receiver.posts(create)
        name = "bot@acme.example" + ("" if jira else "/token")
        pair = base64.b64encode(f"{name}:token-of-the-queue".encode()).decode()
        assert made.headers["authorization"] == f"Basic {pair}"
        text = made.body.decode()
        assert "https://remit.example.com/answer?token=" in text
        key = made.headers["idempotency-key"]
        assert key in text
        assert key in receiver.got[0].query, "it was looked for first"
        # The queue has it: told again, it makes no second one.
        receiver.answers[search] = {"issues": [{}]} if jira else {"tickets": [{}]}
        (lane,) = app.channels.lanes
        await app.store.set_cursor(lane.name, 0)
        await app.channels.flush()
        assert len(receiver.posts(create)) == 1
