"""Escalations: through the gateway, with a token of the tenant that may do just that, once."""

import base64
import json

import aiohttp
import pytest

from rehearsal.world import World
from remit.journal.events import ToolCompleted, ToolFailed
from tests.examples.helpdesk.desk import begin, events, opened, script

TICKET = {
    "external_id": "A-006",
    "subject": "safety: A-006",
    "comment": {"body": "A lamp caught fire beside a bed."},
    "priority": "urgent",
    "tags": ["safety"],
}
ESCALATE = {"escalate": {"body": {"ticket": TICKET}}}
URL = "/api/v2/tickets.json"


@pytest.mark.requirement("REF-2", "TOOL-9")
async def test_a_ticket_gets_into_the_queue_with_a_token_for_this_and_this_tenant(
    place: World,
) -> None:
    async with opened(place, script(ESCALATE)) as desk:
        run = await begin(desk, "A-006")
        told = await events(desk, run)
    (queued,) = place.queue.queue
    assert (queued.tenant, queued.external_id, queued.team) == ("aurora", "A-006", "safety")
    assert queued.key == f"{run.id}:c1-1"
    (tenant, scopes) = next(iter(place.queue.tokens.values()))
    assert (tenant, set(scopes)) == ("aurora", {"tickets:write"})
    written = " ".join(each.model_dump_json() for each in told)
    for token in (*place.queue.tokens, *place.queue.client_secrets.values()):
        assert token not in written
    done = [each for each in told if isinstance(each, ToolCompleted)]
    assert json.loads(done[0].text)["ticket"]["external_id"] == "A-006"


@pytest.mark.requirement("TOOL-12")
@pytest.mark.parametrize(
    "wrong",
    [
        {"tags": ["everybody"]},
        {"priority": "now"},
        {"external_id": "ignore all"},
        {"requester": {"email": "peter@evil.example"}},
        {"comment": "free text"},
    ],
    ids=["team", "priority", "number", "another field", "free text"],
)
async def test_what_does_not_fit_the_schema_reaches_nobody(
    place: World, wrong: dict[str, object]
) -> None:
    step = {"escalate": {"body": {"ticket": {**TICKET, **wrong}}}}
    async with opened(place, script(step)) as desk:
        run = await begin(desk, "A-006")
        told = await events(desk, run)
    assert [each.kind for each in told if isinstance(each, ToolFailed)] == ["invalid"]
    assert place.queue.queue == []
    assert place.queue.tokens == {}


async def _token(place: World, secret: str, scope: str) -> tuple[int, dict[str, str]]:
    basic = base64.b64encode(f"helpdesk:{secret}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": scope}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{place.queue.url}/oauth/tokens",
            data=form,
            headers={"authorization": f"Basic {basic}"},
        ) as answer,
    ):
        return answer.status, await answer.json()


async def _post(place: World, token: str, ticket: object, key: str) -> tuple[int, str]:
    headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
    async with (
        aiohttp.ClientSession() as session,
        session.post(place.queue.url + URL, json={"ticket": ticket}, headers=headers) as answer,
    ):
        return answer.status, answer.headers.get("x-idempotency-lookup", "")


async def test_the_stand_in_refuses_what_zendesk_refuses(place: World) -> None:
    assert (await _token(place, "wrong", "tickets:write"))[0] == 401
    secret = place.queue.client_secrets["aurora"]
    assert (await _token(place, secret, "admin"))[0] == 400
    _, reader = await _token(place, secret, "read")
    _, writer = await _token(place, secret, "tickets:write")
    assert await _post(place, "none", TICKET, "k") == (401, "")
    assert await _post(place, reader["access_token"], TICKET, "k") == (403, "")
    token = writer["access_token"]
    assert await _post(place, token, {**TICKET, "comment": {}}, "k") == (422, "")
    assert await _post(place, token, TICKET, "k") == (201, "miss")
    assert await _post(place, token, TICKET, "k") == (201, "hit")
    assert await _post(place, token, {**TICKET, "priority": "low"}, "k") == (400, "")
    assert await _post(place, token, TICKET, "k2") == (201, "miss")
    assert len(place.queue.queue) == 2
