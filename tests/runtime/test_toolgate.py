"""The gate: nothing starts late, nothing runs twice, secrets only where they are meant."""

import asyncio

import pytest

from remit.journal.events import (
    Event,
    InputRequested,
    ToolCompleted,
    ToolFailed,
    ToolUnknown,
)
from tests.runtime.gated import AGENT, Bench, Stage, World
from tests.runtime.kit import NOW, RUN, TENANT, VAULT
from tests.runtime.stage import PATIENCE_S, an_agent, secret


@pytest.fixture(autouse=True)
def world() -> World:
    Stage.world = World()
    return Stage.world


# ---------------------------------------------------------------- time


@pytest.mark.requirement("DUR-6", "STOP-1")
async def test_nothing_starts_after_its_time(world: World) -> None:
    bench = Bench()
    bench.clock.at_ms = NOW + 60_000  # a process that slept
    fact = await bench.call("put_page", '{"name": "a"}')
    assert isinstance(fact, ToolFailed)
    assert (fact.kind, fact.text) == ("timeout", "it was not started: its time was over")
    assert world.done == []


@pytest.mark.requirement("DUR-6")
async def test_a_late_start_leaves_an_earlier_attempt_in_doubt() -> None:
    bench = Bench()
    bench.clock.at_ms = NOW + 60_000
    assert isinstance(await bench.call("put_page", '{"name": "a"}', unsure=True), ToolUnknown)


@pytest.mark.requirement("STOP-1", "DUR-6")
@pytest.mark.parametrize(
    ("name", "how", "kind"),
    [
        ("read_page", "hang", ToolFailed),
        ("put_page", "hang", ToolUnknown),
        ("read_page", "slow", ToolFailed),
        ("put_page", "slow", ToolUnknown),
    ],
)
async def test_of_a_write_that_was_cut_nobody_knows(
    name: str, how: str, kind: type[ToolFailed] | type[ToolUnknown]
) -> None:
    fact = await Bench().call(name, f'{{"name": "{how}"}}', until_ms=NOW + 30)
    assert isinstance(fact, kind)
    said = fact.text if isinstance(fact, ToolFailed) else fact.reason
    wanted = "it was cut after 0.03 s" if how == "hang" else "TimeoutError: the server is slow"
    assert said == wanted


@pytest.mark.requirement("TOOL-7")
@pytest.mark.parametrize(("name", "kind"), [("read_page", ToolFailed), ("put_page", ToolUnknown)])
async def test_a_cancelled_call_says_what_is_known(name: str, kind: type[Event]) -> None:
    bench = Bench()
    state, call, event = bench.ready(name, '{"name": "hang"}')
    task = asyncio.create_task(bench.gate().call(state, call, event))
    await asyncio.sleep(0)
    task.cancel()
    assert isinstance((await task).input.fact, kind)


# ---------------------------------------------------------------- threads


async def cut(bench: Bench, name: str) -> None:
    """A synchronous write that is cut while its thread goes on."""
    state, call, event = bench.ready("put_slowly", f'{{"name": "{name}"}}')
    task = asyncio.create_task(bench.gate().call(state, call, event))
    await asyncio.to_thread(Stage.world.entered.wait, PATIENCE_S)
    task.cancel()
    assert isinstance((await task).input.fact, ToolUnknown)


@pytest.mark.requirement("DUR-6")
async def test_what_a_cut_thread_did_is_the_outcome_of_the_next_attempt(world: World) -> None:
    bench = Bench()
    await cut(bench, "a")
    world.gate.set()
    fact = await bench.call("put_slowly", '{"name": "a"}')
    assert isinstance(fact, ToolCompleted)
    assert fact.text == "put a slowly"
    assert world.done == ["a"]  # once


@pytest.mark.requirement("DUR-6")
async def test_a_cut_thread_that_failed_is_tried_again(world: World) -> None:
    bench = Bench()
    await cut(bench, "fails")
    world.gate.set()
    assert isinstance(await bench.call("put_slowly", '{"name": "fails"}'), ToolFailed)
    assert world.done == ["fails", "fails"]


@pytest.mark.requirement("DUR-6")
async def test_no_probe_says_absent_while_a_thread_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remit.runtime.toolgate._PROBE_S", 0.02)
    bench = Bench()
    await cut(bench, "a")
    assert (await bench.probe('{"name": "a"}')).verdict == "unknown"
    world.gate.set()
    fact = await bench.probe('{"name": "a"}')
    assert (fact.verdict, fact.text) == ("happened", "put a slowly")


async def test_a_thread_learns_that_nobody_waits(world: World) -> None:
    bench = Bench()
    await cut(bench, "a")
    assert world.calls[0].is_cancelled()
    world.gate.set()


# ---------------------------------------------------------------- probes


@pytest.mark.requirement("DUR-6")
async def test_a_probe_tells_whether_it_happened(world: World) -> None:
    bench = Bench()
    assert (await bench.probe('{"name": "a"}')).verdict == "absent"
    world.done.append("a")
    fact = await bench.probe('{"name": "a"}')
    assert (fact.verdict, fact.text) == ("happened", "put before")


async def test_a_probe_that_fails_says_nothing_certain() -> None:
    fact = await Bench().probe('{"name": "unsure"}')
    assert fact.verdict == "unknown"
    assert "the system does not answer" in fact.text


async def test_a_tool_without_a_probe_says_nothing_certain() -> None:
    bench = Bench(an_agent())
    assert (await bench.probe('{"name": "a"}')).text == "put_slowly has no probe"


# ---------------------------------------------------------------- what it may do


@pytest.mark.requirement("DUR-7")
async def test_a_tool_may_not_end_the_process() -> None:
    fact = await Bench().call("read_page", '{"name": "leave"}')
    assert isinstance(fact, ToolFailed)
    assert fact.text == "SystemExit: 3"


@pytest.mark.requirement("DUR-6", "DUR-7")
async def test_an_error_says_nothing_of_an_earlier_attempt() -> None:
    assert isinstance(await Bench().call("put_page", '{"name": "bad"}'), ToolFailed)
    fact = await Bench().call("put_page", '{"name": "bad"}', unsure=True)
    assert isinstance(fact, ToolUnknown)
    assert fact.reason == "ValueError: bad name"


async def test_a_tool_that_is_gone_is_said() -> None:
    fact = await Bench(an_agent()).call("read_page", '{"name": "a"}')
    assert isinstance(fact, ToolFailed)
    assert fact.text == "read_page is not there any more"


@pytest.mark.requirement("APR-4")
async def test_a_changed_dependency_is_refused_at_the_last_moment(world: World) -> None:
    bench = Bench()
    arguments = '{"name": "a"}'
    inspected = await AGENT.inspect("c1-1", "commit_page", arguments)
    fact = await bench.call("commit_page", arguments, digest=inspected.digest)
    assert isinstance(fact, ToolCompleted)
    assert world.done == ["a"]
    world.tree = "tree-2"
    fact = await bench.call("commit_page", arguments, digest=inspected.digest)
    assert isinstance(fact, ToolFailed)
    assert fact.kind == "denied"
    assert world.done == ["a"]


@pytest.mark.requirement("SEC-1", "TOOL-9")
async def test_only_the_allowed_kinds_of_secrets_are_revealed(world: World) -> None:
    bench, token, other = Bench(), secret(), secret("other")
    allowed = VAULT.placeholder(TENANT, "github-token", token)
    denied = VAULT.placeholder(TENANT, "aws-key", other)
    for name, value in ((allowed, token), (denied, other)):
        bench.store._vault[TENANT, name] = VAULT.seal(TENANT, name, value)
    await bench.call("use_token", f'{{"token": "{allowed}"}}')
    await bench.call("use_token", f'{{"token": "{denied}"}}')
    assert world.done == [token, denied]


@pytest.mark.requirement("TEN-1")
async def test_a_secret_of_another_tenant_is_not_there(world: World) -> None:
    bench = Bench()
    foreign = VAULT.placeholder("beta", "github-token", secret())
    bench.store._vault["beta", foreign] = VAULT.seal("beta", foreign, secret())
    fact = await bench.call("use_token", f'{{"token": "{foreign}"}}')
    assert isinstance(fact, ToolFailed)
    assert "not in the vault" in fact.text
    assert world.done == []


async def test_what_a_tool_is_told_of_its_call(world: World) -> None:
    answers = (("size", '"big"'),)
    await Bench().call("read_page", '{"name": "a"}', given=("bob",), answers=answers)
    (call,) = world.calls
    assert (call.tenant, call.user, call.session, call.run) == (TENANT, "ann", "s1", RUN)
    assert (call.call, call.attempt, call.fence) == ("c1-1", 1, 7)
    assert (call.idempotency_key, call.until_ms) == (f"{RUN}:c1-1", NOW + 60_000)
    assert (call.approved_by, call.answers) == (("bob",), {"size": '"big"'})
    assert call.is_cancelled()  # it is over


@pytest.mark.requirement("SEC-1")
async def test_a_question_is_cleaned_and_its_secrets_are_kept() -> None:
    bench, key = Bench(), secret()
    state, call, event = bench.ready("ask_first", f'{{"name": "{key}"}}')
    outcome = await bench.gate().call(state, call, event)
    fact = outcome.input.fact
    assert isinstance(fact, InputRequested)
    assert key not in fact.text
    assert [row.placeholder in fact.text for row in outcome.vault] == [True]
