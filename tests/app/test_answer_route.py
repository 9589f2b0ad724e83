"""Answer links: looking changes nothing, posting says it once, and nobody forges or keeps one."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

import pytest

from remit import App, Call, Remit, tool
from remit.app.answer_route import AnswerRoute
from remit.app.asgi import Message, Scope
from remit.journal.events import ApprovalDenied, ApprovalGiven, InputReceived
from remit.machine.agent import Agent
from remit.wire.webhook import slack_signature
from remit.wire.webhook.bounds import MAX_BODY_BYTES
from tests.app.asking_people import done, finished, fresh, opened, payer, settings
from tests.runtime.stage import Script, an_agent, told

__all__ = ["fresh"]
pytestmark = [pytest.mark.requirement("APR-2", "PERM-7"), pytest.mark.usefixtures("fresh")]
Reply = tuple[int, str, dict[bytes, bytes]]


async def ask(
    app: App,
    method: str = "GET",
    *,
    token: str = "",
    form: Mapping[str, str] | None = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Status, page and headers of an answer."""
    content = urlencode(form or {}).encode() if body is None else body
    scope: Scope = {
        "type": "http",
        "method": method,
        "query_string": urlencode({"token": token}).encode(),
        "headers": [(key.encode(), value.encode()) for key, value in (headers or {}).items()],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": content}

    async def send(message: Message) -> None:
        sent.append(message)

    await AnswerRoute(app)(scope, receive, send)
    status, raw, page = sent[0]["status"], sent[0]["headers"], sent[1]["body"]
    assert isinstance(status, int)
    assert isinstance(raw, list)
    assert isinstance(page, bytes)
    return status, page.decode(), dict(raw)


def links(app: App, ref: str, digest: str, person: str = "bob") -> dict[str, str]:
    """The tokens in the links of a notice."""
    found = app.answers.links(
        tenant="local",
        ref=ref,
        expires_ms=int(time.time() * 1000) + 60_000 if digest else None,
        digest=digest,
        person=person,
    )
    return {
        name: getattr(found, name).partition("token=")[2]
        for name in ("approve", "deny", "answer")
        if getattr(found, name)
    }


@pytest.fixture
def place(tmp_path: Path) -> Path:
    settings(tmp_path, "")
    return tmp_path


async def test_a_link_shows_the_whole_call_and_posting_agrees(place: Path) -> None:
    agent = payer(1, "role:finance")
    async with opened(place, agent) as app:
        run = await app.run(agent, "Pay", user="ann")
        (pending,) = run.approvals
        tokens = links(app, pending.id, pending.digest)
        for _ in range(3):
            status, page, headers = await ask(app, token=tokens["approve"])
            assert status == 200
            assert "for &lt;b&gt;bolts&lt;/b&gt;" in page
            assert "What it would do (+1 -1)" in page
            assert "-left: &lt;b&gt;10&lt;/b&gt;\n+left: 3" in page
            assert "Approve this call" in page
            assert "bob" in page
            assert headers[b"cache-control"] == b"no-store"
            assert b"default-src 'none'" in headers[b"content-security-policy"]
            assert headers[b"referrer-policy"] == b"no-referrer"
        assert (await ask(app, "HEAD", token=tokens["approve"]))[:2] == (200, "")
        assert (await app.get(run.id)).status == "waiting"
        status, page, _ = await ask(
            app, "POST", form={"token": tokens["approve"], "comment": "fine"}
        )
        assert (status, "bob approved" in page) == (200, True)
        await finished(app, run)
        (given,) = await told(app, run.id, ApprovalGiven)
        assert (given.principal, given.channel, given.comment) == ("bob", "link", "fine")
        assert done == [7]
        for method in ("GET", "POST"):
            status, page, _ = await ask(
                app, method, token=tokens["approve"], form={"token": tokens["approve"]}
            )
            assert (status, "nobody waits" in page) == (410, True)
        assert done == [7]


async def test_a_link_that_refuses_refuses(place: Path) -> None:
    agent = payer()
    async with opened(place, agent) as app:
        run = await app.run(agent, "Pay", user="ann")
        token = links(app, run.approvals[0].id, run.approvals[0].digest)["deny"]
        assert "Refuse this call" in (await ask(app, token=token))[1]
        assert (await ask(app, "POST", form={"token": token}))[0] == 200
        await finished(app, run)
        assert [each.principal for each in await told(app, run.id, ApprovalDenied)] == ["bob"]
        assert done == []


@pytest.mark.requirement("APR-3")
async def test_one_link_is_one_human_however_often_it_is_used(place: Path) -> None:
    agent = payer(2)
    async with opened(place, agent) as app:
        run = await app.run(agent, "Pay", user="ann")
        (pending,) = run.approvals
        first = links(app, pending.id, pending.digest)["approve"]
        assert (await ask(app, "POST", form={"token": first}))[0] == 200
        status, page, _ = await ask(app, "POST", form={"token": first})
        assert (status, "bob has agreed already" in page) == (409, True)
        second = links(app, pending.id, pending.digest, "zoe")["approve"]
        assert (await ask(app, "POST", form={"token": second}))[0] == 200
        await finished(app, run)
        assert done == [7]


async def test_who_may_not_agree_is_told_why_by_the_run(place: Path) -> None:
    agent = payer(1, "role:finance")
    async with opened(place, agent) as app:
        run = await app.run(agent, "Pay", user="ann")
        (pending,) = run.approvals
        token = links(app, pending.id, pending.digest, "eve")["approve"]
        status, page, _ = await ask(app, "POST", form={"token": token})
        assert (status, "not among the approvers" in page) == (409, True)
        assert done == []


async def test_nobody_forges_alters_or_outlives_a_link(place: Path) -> None:
    agent = payer()
    async with opened(place, agent) as app:
        run = await app.run(agent, "Pay", user="ann")
        (pending,) = run.approvals
        token = links(app, pending.id, pending.digest)["approve"]
        flipped = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
        for bad in ("", "x", flipped, token[:-1], token + "A", token.swapcase()):
            for method in ("GET", "POST"):
                status, _, _ = await ask(app, method, token=bad, form={"token": bad})
                assert status == 403, bad
        old = app.answers.token(
            "approve",
            tenant="local",
            ref=pending.id,
            expires_ms=int(time.time() * 1000) - 1,
            digest=pending.digest,
            person="bob",
        )
        assert (await ask(app, "POST", form={"token": old}))[0] == 410
        stale = links(app, pending.id, "0" * 64)["approve"]
        status, page, _ = await ask(app, "POST", form={"token": stale})
        assert (status, "has changed since" in page) == (409, True)
        button = app.answers.token(
            "decide",
            tenant="local",
            ref=pending.id,
            expires_ms=pending.expires_ms,
            digest=pending.digest,
        )
        assert (await ask(app, "POST", form={"token": button}))[0] == 409
        elsewhere = app.answers.token(
            "approve",
            tenant="acme",
            ref=pending.id,
            expires_ms=pending.expires_ms,
            digest=pending.digest,
            person="bob",
        )
        assert (await ask(app, "POST", form={"token": elsewhere}))[0] == 410
        assert (await app.get(run.id)).status == "waiting"
        assert done == []


async def test_what_is_no_answer_is_refused(place: Path) -> None:
    agent = payer()
    async with opened(place, agent) as app:
        assert (await ask(app, "PUT"))[0] == 405
        assert (await ask(app, "POST", body=b"x" * (MAX_BODY_BYTES + 1)))[0] == 413
        assert (await ask(app, "POST", body=b"\xff\xfe"))[0] == 400
        assert (await ask(app, "POST", body=b"&".join(b"a=1" for _ in range(99))))[0] == 400


async def test_slack_is_known_by_its_signature(place: Path) -> None:
    agent = payer()
    settings(
        place,
        '[channels.team]\nkind = "slack"\nurl = "https://hooks.example.com/x"\n'
        'secret_env = "SLACK_SIGNING"\ntenants = ["none"]\n',
    )
    body = urlencode({"payload": json.dumps({"type": "view_closed"})}).encode()
    now_s = int(time.time())
    async with opened(place, agent) as app:
        good = slack_signature.sign(body, "signing-secret-of-the-app", at_s=now_s)
        assert (await ask(app, "POST", body=body, headers=good))[0] == 200
        forged = slack_signature.sign(body, "another", at_s=now_s)
        assert (await ask(app, "POST", body=body, headers=forged))[0] == 403
        late = slack_signature.sign(body, "signing-secret-of-the-app", at_s=now_s - 3600)
        assert (await ask(app, "POST", body=body, headers=late))[0] == 410
        assert (await ask(app, "POST", body=body + b"x", headers=good))[0] == 403


# ---------------------------------------------------------------- questions


@tool(access="write")
async def pack_order(call: Call) -> str:
    """Pack an order; asks how many boxes, and for a name."""
    boxes = call.ask("boxes", "How many <boxes>?", int)
    name = call.ask("name", "Whose?", str)
    done.append((boxes, name))
    return "packed"


def packer() -> Agent[str]:
    return an_agent("packer", tools=[pack_order], remit=Remit(approvals={pack_order: 0}))


@pytest.mark.requirement("APR-5")
async def test_a_question_is_answered_by_link_and_a_wrong_type_is_asked_again(
    place: Path,
) -> None:
    agent = packer()
    steps: tuple[Script, ...] = ({"pack_order": {}}, "done")
    async with opened(place, agent, *steps) as app:
        run = await app.run(agent, "Pack", user="ann")
        first = links(app, run.questions[0].id, "")["answer"]
        status, page, _ = await ask(app, token=first)
        assert (status, "How many &lt;boxes&gt;?" in page) == (200, True)
        assert (await ask(app, "POST", form={"token": first, "value": "many"}))[0] == 400
        assert (await ask(app, "POST", form={"token": first, "value": '"many"'}))[0] == 200
        again = (await app.resume(run.id)).questions
        assert "did not fit" in again[0].text
        assert (await ask(app, "POST", form={"token": first, "value": "3"}))[0] == 410
        second = links(app, again[0].id, "")["answer"]
        assert (await ask(app, "POST", form={"token": second, "value": "3"}))[0] == 200
        third = (await app.resume(run.id)).questions
        named = links(app, third[0].id, "")["answer"]
        page = (await ask(app, token=named))[1]
        assert re.search(r'<input name="text"', page)
        assert (await ask(app, "POST", form={"token": named, "text": "Zoë"}))[0] == 200
        assert (await finished(app, run)).status == "completed"
        assert done == [(3, "Zoë")]
        answers = await told(app, run.id, InputReceived)
        assert [each.principal for each in answers] == ["bob"] * 3


async def test_a_link_to_an_approval_answers_no_question(place: Path) -> None:
    agent = packer()
    async with opened(place, agent, {"pack_order": {}}, "done") as app:
        run = await app.run(agent, "Pack", user="ann")
        wrong = links(app, run.questions[0].id, "0" * 64)["approve"]
        assert (await ask(app, "POST", form={"token": wrong}))[0] == 410
