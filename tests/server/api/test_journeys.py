"""From start to end over the API: start by key, follow, approve, deny, change, answer, cancel."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from remit import Agent, App, Remit, ScriptedModel
from remit.adapters.keys import new_keys
from remit.journal.events import ApprovalDenied, ApprovalGiven
from tests.cli.shop import PRICES, refund_order
from tests.runtime.stage import story
from tests.server.acting import (
    Json,
    asked,
    list_of,
    pick,
    program,
    rows,
    start,
    tree,
    tree_of,
    wait,
)
from tests.server.stage import Client, Grants, Served, journal, served, shop_app, signed_in
from tests.support.postgres import PostgresServer

OPERATOR: Grants = {"acme": frozenset({"operator"})}
APPROVER: Grants = {"acme": frozenset({"approver"})}


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
async def found(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    monkeypatch.setenv("REMIT_KEYS", new_keys())
    url = journal(tmp_path)
    if request.param == "postgres":
        database: PostgresServer = request.getfixturevalue("postgres")
        url = database.database()
    async with served(shop_app(url)) as server:
        yield server


async def decide(client: Client, run: Json, verb: str, **body: object) -> tuple[int, Json]:
    call = asked(run)
    told = await client.ask("POST", f"/api/v1/approvals/{call['approval']}/{verb}", json=body)
    return told.status, tree(told)


@pytest.mark.requirement("UX-1", "APR-2", "APR-4")
async def test_start_by_key_follow_and_approve_as_another_person(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    run = await start(bot, "refund order 17")
    assert (run["status"], run["user"], run["tenant"]) == ("waiting", "cust", "acme")
    call = asked(run)
    assert (call["tool"], json.loads(str(call["arguments"]))) == ("refund_order", {"order": "17"})
    refused = await decide(bot, run, "approve", digest=call["digest"])
    assert refused[0] == 403  # an operator is no approver
    ann = await signed_in(found, "ann", APPROVER)
    assert [each["approval"] for each in rows(await ann.get("/api/v1/approvals"), "approvals")] == [
        call["approval"]
    ]
    shown = await ann.get(f"/api/v1/approvals/{call['approval']}")
    assert tree(shown) == call
    status, said = await decide(ann, run, "approve", digest=call["digest"], comment="fine")
    assert (status, said["person"], said["taken"]) == (200, "ann", True)
    done = await wait(bot, run)
    assert (done["status"], done["output"]) == ("completed", "Refunded.")
    assert str(done["cost_usd"]).startswith("0.0")
    [given] = [
        each
        for each in await story(found.app, str(run["run"]), tenant="acme")
        if isinstance(each, ApprovalGiven)
    ]
    assert (given.principal, given.channel, given.comment) == ("ann", "console", "fine")
    events = await bot.get(f"/api/v1/runs/{run['run']}/events?limit=3")
    first = rows(events, "events")
    assert first[0]["id"] == "1.0"
    rest = rows(
        await bot.get(f"/api/v1/runs/{run['run']}/events?after={tree(events)['next']}"), "events"
    )
    kinds = [pick(each, "event", "type") for each in (*first, *rest)]
    assert kinds == [e.type for e in await story(found.app, str(run["run"]), tenant="acme")]
    messages = rows(await bot.get(f"/api/v1/runs/{run['run']}/messages"), "messages")
    assert [each["role"] for each in messages] == ["user", "assistant", "user", "assistant"]


@pytest.mark.requirement("APR-4")
async def test_a_denial_is_told_and_journalled(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    run = await start(bot, "refund order 17")
    ann = await program(found, "acme", "approver", person="ann")
    status, said = await decide(ann, run, "deny", comment="too old")
    assert (status, said["decision"], said["person"]) == (200, "denied", "ann")
    assert (await wait(bot, run))["status"] == "completed"
    [denied] = [
        each
        for each in await story(found.app, str(run["run"]), tenant="acme")
        if isinstance(each, ApprovalDenied)
    ]
    assert (denied.principal, denied.channel, denied.comment) == ("ann", "api", "too old")
    again, problem = await decide(ann, run, "deny")
    assert (again, problem["type"]) == (404, "urn:remit:problem:not-found")


@pytest.mark.requirement("APR-4")
async def test_other_arguments_are_what_is_carried_out(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    run = await start(bot, "refund order 17")
    ann = await signed_in(found, "ann", APPROVER)
    digest = asked(run)["digest"]
    wrong, _ = await decide(ann, run, "approve", digest=digest, arguments="[1]")
    assert wrong == 409
    other, problem = await decide(ann, run, "approve", digest="0" * 64)
    assert (other, problem["title"]) == (409, "It cannot be done")
    changed = json.dumps({"order": "18", "amount": "2.50"})
    status, _ = await decide(ann, run, "approve", digest=digest, arguments=changed)
    assert status == 200
    done = await wait(bot, run)
    assert done["status"] == "completed"
    messages = await bot.get(f"/api/v1/runs/{run['run']}/messages")
    assert "refunded 18: 2.50" in messages.text


@pytest.mark.requirement("APR-4")
async def test_two_people_must_agree_and_nobody_for_themselves(tmp_path: Path) -> None:
    banker = Agent(
        "clerk",
        model="scripted:x",
        instructions="You pay.",
        tools=[refund_order],
        remit=Remit(approvals={refund_order: 2}),
    )
    script = ScriptedModel({"refund_order": {"order": "17"}}, "Paid.")
    app = App(journal(tmp_path), agents=[banker], models={"scripted": script}, prices=PRICES)
    both: Grants = {"acme": frozenset({"operator", "approver"})}
    async with served(app) as found:
        ann = await signed_in(found, "ann", both)
        told = await ann.ask(
            "POST", "/api/v1/runs", json={"agent": "clerk", "input": "pay", "wait_s": 30}
        )
        run = tree(told)
        assert run["user"] == "ann"
        digest = asked(run)["digest"]
        own, _ = await decide(ann, run, "approve", digest=digest)
        assert own == 409
        bob, carl = [await signed_in(found, each, APPROVER) for each in ("bob", "carl")]
        status, _ = await decide(bob, run, "approve", digest=digest)
        assert status == 200
        twice, _ = await decide(bob, run, "approve", digest=digest)
        assert twice == 409
        key = await program(found, "acme", "approver", person="bob")
        by_key, _ = await decide(key, run, "approve", digest=digest)
        assert by_key == 409  # a key of bob is bob
        half = tree(await ann.get(f"/api/v1/runs/{run['run']}"))
        assert asked(half)["given"] == ["bob"]
        status, _ = await decide(carl, half, "approve", digest=digest)
        assert status == 200
        assert (await wait(ann, run))["output"] == "Paid."


@pytest.mark.requirement("APR-5")
async def test_a_question_is_answered(found: Served) -> None:
    bot = await program(found, "acme", "operator", "approver", person="zoe")
    run = await start(bot, "gift wrap it")
    await decide(bot, run, "approve", digest=asked(run)["digest"])
    run = await wait(bot, run)
    [question] = rows(await bot.get("/api/v1/questions"), "questions")
    assert question["answer_schema"] == {"type": "integer"}
    path = f"/api/v1/questions/{question['question']}/answer"
    wrong = await bot.ask("POST", path, json={"value": "many"})
    assert wrong.status in (200, 409)
    run = await wait(bot, run)
    [question] = rows(await bot.get("/api/v1/questions"), "questions")
    path = f"/api/v1/questions/{question['question']}/answer"
    assert tree(await bot.ask("POST", path, json={"value": 3}))["person"] == "zoe"
    assert (await wait(bot, run))["output"] == "Wrapped."


@pytest.mark.requirement("OPS-1")
async def test_a_doubt_is_resolved_and_a_run_is_cancelled(found: Served) -> None:
    bot = await program(found, "acme", "operator", person="zoe")
    run = await start(bot, "ship it")
    [doubt] = rows(await bot.get("/api/v1/doubts"), "doubts")
    path = f"/api/v1/runs/{doubt['run']}/doubts/{doubt['call']}"
    assert (await bot.ask("POST", path, json={"happened": True})).status == 202
    assert (await wait(bot, run))["status"] == "completed"
    run = await start(bot, "refund it")
    told = await bot.ask("POST", f"/api/v1/runs/{run['run']}/cancel", json={"reason": "enough"})
    assert told.status == 202
    ended = await wait(bot, run)
    assert (ended["status"], ended["reason"]) == ("stopped", "cancelled")
    again = await bot.ask("POST", f"/api/v1/runs/{run['run']}/cancel")
    assert again.status == 409


async def test_a_conversation_goes_on(found: Served) -> None:
    ann = await signed_in(found, "ann", OPERATOR)
    path = "/api/v1/sessions/s1/messages"
    assert (await ann.get(path)).status == 404
    assert (await ann.ask("POST", path, json={"input": "look"})).status == 404
    first = tree(await ann.ask("POST", path, json={"input": "look there", "agent": "clerk"}))
    assert first["user"] == "ann"
    busy = await ann.ask("POST", path, json={"input": "look again"})
    assert busy.status in (201, 409)
    if busy.status == 409:
        await wait(ann, first)
        assert (await ann.ask("POST", path, json={"input": "look again"})).status == 201
    [session] = rows(await ann.get("/api/v1/sessions"), "sessions")
    await wait(ann, session)
    parts = [
        tree_of(part)
        for each in rows(await ann.get(path), "messages")
        for part in list_of(each["parts"])
    ]
    texts = [part["text"] for part in parts if part["kind"] == "text"]
    assert texts == [
        "look there",
        "Let me see.",
        "Two lamps.",
        "look again",
        "Let me see.",
        "Two lamps.",
    ]
    as_bob = await ann.ask("POST", path, json={"input": "look", "user": "bob"})
    assert as_bob.status == 403


async def test_a_whole_result_is_an_artifact_of_its_run_alone(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    run = await start(bot, "help me")
    child = pick(run, "sub_runs", 0)
    events = rows(await bot.get(f"/api/v1/runs/{child}/events"), "events")
    kept = [event for each in events if "artifact" in (event := tree_of(each["event"]))]
    digest = pick(kept, 0, "artifact")
    whole = await bot.get(f"/api/v1/runs/{child}/artifacts/{digest}")
    assert (whole.status, whole.text) == (200, "x" * 500)
    assert whole.headers["content-disposition"].startswith("attachment")
    assert (await bot.get(f"/api/v1/runs/{run['run']}/artifacts/{digest}")).status == 404
    assert (await bot.get(f"/api/v1/runs/{child}/artifacts/x")).status == 404


async def test_runs_are_listed_page_by_page(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    made = [str((await start(bot, "look", user=f"u{n % 2}"))["run"]) for n in range(5)]
    seen, cursor = list[object](), ""
    while True:
        page = tree(await bot.get(f"/api/v1/runs?limit=2{cursor}"))
        found_rows = page["runs"]
        assert isinstance(found_rows, list)
        seen += [each["run"] for each in found_rows]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == made[::-1]
    mine = rows(await bot.get("/api/v1/runs?user=u1&status=completed"), "runs")
    assert [each["run"] for each in mine] == [made[3], made[1]]


@pytest.mark.requirement("TEN-1")
async def test_a_foreign_tenant_sees_nothing(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    run = await start(bot, "refund order 17")
    call = asked(run)
    other = await program(found, "globex", "admin", "approver", person="eve")
    paths = [
        ("GET", f"/api/v1/runs/{run['run']}"),
        ("GET", f"/api/v1/runs/{run['run']}/events"),
        ("GET", f"/api/v1/runs/{run['run']}/messages"),
        ("GET", f"/api/v1/runs/{run['run']}/wait"),
        ("POST", f"/api/v1/runs/{run['run']}/cancel"),
        ("POST", f"/api/v1/runs/{run['run']}/undo"),
        ("GET", f"/api/v1/approvals/{call['approval']}"),
        ("POST", f"/api/v1/approvals/{call['approval']}/deny"),
        ("GET", f"/api/v1/sessions/{run['session']}/messages"),
        ("GET", "/api/v1/runs?tenant=acme"),
        ("GET", "/api/v1/approvals?tenant=acme"),
    ]
    for method, path in paths:
        told = await other.ask(method, path)
        assert told.status == 404, path
        never = await other.ask(method, path.replace(str(run["run"]), "run_" + "0" * 26))
        assert never.status == 404
    assert rows(await other.get("/api/v1/runs"), "runs") == []
    assert rows(await other.get("/api/v1/approvals"), "approvals") == []
    everywhere = await program(found, "*", "viewer")
    assert len(rows(await everywhere.get("/api/v1/runs"), "runs")) == 1
    assert rows(await everywhere.get("/api/v1/runs?tenant=local"), "runs") == []
    assert (await other.get("/api/v1/runs?tenant=*")).status == 404


async def test_what_cannot_be_started_is_told(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    for body, status in (
        ({"agent": "nobody", "input": "x", "user": "u"}, 404),
        ({"agent": "clerk", "input": "x"}, 422),
        ({"agent": "clerk", "input": "", "user": "a/b"}, 422),
        ({"agent": "clerk", "input": [], "user": "u"}, 409),
        ({"agent": "clerk", "input": "x", "user": "u", "more": 1}, 422),
        ({"agent": "clerk", "user": "u", "input": [{"kind": "image", "content": "%"}]}, 409),
        ({"agent": "clerk", "input": "\x00", "user": "u"}, 422),
    ):
        told = await bot.ask("POST", "/api/v1/runs", json=body)
        assert told.status == status, told.text
        assert tree(told)["remedy"], told.text
    found.server.state.draining.set()
    told = await bot.ask("POST", "/api/v1/runs", json={"agent": "clerk", "input": "x", "user": "u"})
    assert (told.status, told.headers["retry-after"]) == (503, "2")


@pytest.mark.requirement("APR-2", "UX-1")
async def test_a_program_reads_what_a_call_would_do(found: Served) -> None:
    bot = await program(found, "acme", "operator")
    run = await start(bot, "gift wrap it")
    preview = asked(run)["preview"]
    assert isinstance(preview, dict)
    assert (preview["lines"], preview["added"], preview["cut"]) == (504, 1, 1)
    assert str(preview["text"]).startswith(" sheet 0\n sheet 1\n")
    whole = await bot.get(f"/api/v1/runs/{run['run']}/artifacts/{preview['artifact']}")
    assert whole.status == 200
    assert whole.text.split("\n")[-1] == '+paper: "red \\u001b[31m"'
    other = await program(found, "globex", "operator")
    foreign = await other.get(f"/api/v1/runs/{run['run']}/artifacts/{preview['artifact']}")
    assert foreign.status == 404
    without = await start(bot, "refund order 17")
    assert asked(without)["preview"] is None
