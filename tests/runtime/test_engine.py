"""The engine: one driver per run, errors told to who waits for them, closing lets go."""

import asyncio
import gc
from contextlib import suppress
from dataclasses import replace
from typing import cast
from weakref import ref

import pytest
from typing_extensions import override

from remit import Remit
from remit.adapters.memory.store import MemoryStore
from remit.adapters.scripted import Reply, turn_of
from remit.errors import NotAllowed, NotFound, StoreGone
from remit.journal.events import (
    SubrunEnded,
)
from remit.journal.rows import Answer, Append
from remit.policy.redact import Redactor
from remit.runtime import engine as module
from remit.runtime.driver import Driver
from remit.runtime.engine import Engine
from remit.values.model import ModelRequest
from tests.runtime.engines import (
    KEY,
    OTHER,
    REDACTOR,
    SHIP,
    SHIPPED,
    Broken,
    Slow,
    agree,
    an_engine,
    begin,
    facts,
    rest,
    waiting,
    with_model,
)
from tests.runtime.kit import (
    RUN,
    TENANT,
)
from tests.runtime.stage import PATIENCE_S, an_agent, secret, until


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SHIPPED.clear()


# ---------------------------------------------------------------- starting


async def test_a_run_is_begun_once_it_is_durable() -> None:
    engine = an_engine("fine")
    engine.mine.add(KEY)
    begin(engine)
    assert await engine.services.store.run(*KEY) is None
    await engine.begun(*KEY)
    assert await engine.services.store.run(*KEY) is not None
    assert (await rest(engine)).status == "completed"
    assert engine.live == {}
    assert list(engine.mine) == []
    assert engine.final[KEY].output == '"fine"'
    await engine.begun(*KEY)  # still true


async def test_a_driver_that_has_left_is_freed_at_once() -> None:
    engine = an_engine("fine")
    begin(engine)
    left = ref(cast("Driver", engine.live[KEY].driver))
    gc.disable()  # else cycles might be looked for meanwhile
    try:
        await rest(engine)
        await until(lambda: left() is None)
    finally:
        gc.enable()


@pytest.mark.requirement("DUR-8")
async def test_of_two_runs_that_begin_in_one_session_one_is_told_about_the_other() -> None:
    engine = an_engine(SHIP)
    begin(engine)
    begin(engine, OTHER)
    told = await asyncio.gather(
        engine.begun(*KEY), engine.begun(TENANT, OTHER), return_exceptions=True
    )
    assert told[0] is None
    assert isinstance(told[1], NotAllowed)
    assert f"the session s1 has an active run, {RUN}" in str(told[1])
    await rest(engine)
    await engine.settled(TENANT, OTHER)  # told once
    assert await engine.services.store.run(TENANT, OTHER) is None


async def test_who_starts_a_run_is_told_that_the_journal_failed() -> None:
    store = Broken()
    store.fails = 1
    engine = an_engine("fine", store=store)
    begin(engine)
    with pytest.raises(StoreGone, match="unplugged"):
        await engine.begun(*KEY)
    begin(engine)  # and may try again
    await engine.begun(*KEY)
    assert (await rest(engine)).status == "completed"


# ---------------------------------------------------------------- errors


async def test_who_waits_is_told_once_what_broke_a_driver() -> None:
    store = Broken()
    engine = an_engine(SHIP, store=store)
    begin(engine)
    await engine.begun(*KEY)
    store.fails = 1
    with pytest.raises(StoreGone, match="unplugged"):
        await rest(engine)
    await engine.settled(*KEY)
    engine.wake(*KEY)
    assert (await rest(engine)).status == "waiting"


async def test_a_lease_that_cannot_be_given_up_loses_nothing() -> None:
    store = Broken()
    store.what, store.fails = "release", 1
    engine = an_engine(SHIP, store=store)
    begin(engine)
    with suppress(StoreGone):
        await rest(engine)
    assert store.fails == 0
    engine.wake(*KEY)  # the lease is still our own
    row = await rest(engine)
    assert (row.status, row.owner) == ("waiting", None)


async def test_a_fault_that_is_no_error_of_ours_is_told_too() -> None:
    class Odd(MemoryStore):
        @override
        async def append(self, append: Append) -> Answer:
            raise LookupError("odd")

    engine = an_engine("fine", store=Odd())
    begin(engine)
    with pytest.raises(LookupError, match="odd"):
        await engine.settled(*KEY)


async def test_a_fault_while_letting_go_hangs_nobody() -> None:
    class Odd(MemoryStore):
        @override
        async def release(self, tenant: str, run: str, *, epoch: int) -> None:
            raise LookupError("odd")

    engine = an_engine(SHIP, store=Odd())
    begin(engine)
    with pytest.raises(LookupError, match="odd"):
        await rest(engine)
    assert engine.live == {}


@pytest.mark.requirement("TEN-1")
async def test_an_unknown_run_is_said_to_who_waits_for_it_and_to_nobody_else() -> None:
    engine = an_engine()
    engine.wake("beta", RUN)
    await engine.settled(TENANT, RUN)
    with pytest.raises(NotFound, match=f"no run {RUN} of tenant beta"):
        await engine.settled("beta", RUN)


async def test_only_so_many_errors_and_states_are_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_CACHE", 2)
    engine = an_engine("fine")
    for number in range(4):
        engine.wake("beta", f"run_{number}")
        while engine.live:
            await asyncio.sleep(0)
    assert list(engine.errors) == [("beta", "run_2"), ("beta", "run_3")]
    for number in range(4):
        begin(engine, f"run_{number}")
        await rest(engine, f"run_{number}")
    assert list(engine.final) == [(TENANT, "run_2"), (TENANT, "run_3")]


# ---------------------------------------------------------------- sub-runs


SCOUTS = [an_agent(f"scout{number}") for number in range(6)]


@pytest.mark.requirement("ORC-4")
async def test_a_sub_agent_that_is_not_here_is_named_and_the_run_goes_on() -> None:
    boss = an_agent("boss", agents=[SCOUTS[0]])

    def say(request: ModelRequest) -> Reply:
        return str(request.messages[-1].parts[-1].model_dump()["text"])

    engine = an_engine({"ask_scout0": {"brief": "dig"}}, say, agent=boss)
    engine = Engine(replace(engine.services, agents={"boss": boss}), engine.reader)
    engine._redactors[TENANT] = REDACTOR
    begin(engine, agent=boss)
    assert (await rest(engine)).status == "completed"
    (ended,) = [e for e in await facts(engine) if isinstance(e, SubrunEnded)]
    assert (ended.status, ended.reason) == ("stopped", "cannot-start")
    assert "the agent 'scout0' is not registered here" in (engine.final[KEY].output or "")


@pytest.mark.requirement("BUD-7", "ORC-4")
async def test_sub_runs_at_once_never_overspend_the_cap_of_their_root() -> None:
    boss = an_agent("boss", agents=SCOUTS, remit=Remit(tool_calls=20, parallel_calls=8))
    every = [{f"ask_scout{number}": {"brief": "dig"}} for number in range(6)]

    def speak(request: ModelRequest) -> Reply:
        if "boss" not in request.system:
            return "found it"
        return every if turn_of(request.messages) == 0 else "enough"

    model = Slow(speak, speak)
    engine = with_model(an_engine(agent=boss), model)
    limit = 7_000_000  # the boss and three scouts at once
    accounts = ({"account": "run:.|total|nano", "limit": limit},)
    begin(engine, agent=boss, accounts=accounts)
    store = engine.services.store
    assert isinstance(store, MemoryStore)
    await until(lambda: len(store._runs) == 7)  # all scouts at once, and none has spent
    held = (await store.balances(TENANT, f"run:{RUN}|"))[0]
    assert held.posted + held.held <= limit
    assert held.held > 0
    model.gate.set()
    await rest(engine)
    ends = [e for e in await facts(engine) if isinstance(e, SubrunEnded)]
    reasons = {e.reason for e in ends}
    assert len(ends) == 6
    assert reasons == {"answered", "budget"}  # some got what was left, the others are named
    (root,) = await engine.services.store.balances(TENANT, f"run:{RUN}|")
    assert (root.held, root.limit) == (0, limit)
    assert 0 < root.posted <= limit


# ---------------------------------------------------------------- tenants and closing


@pytest.mark.requirement("TEN-1")
async def test_each_tenant_has_placeholders_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHE", 2)
    engine = an_engine()

    def hidden(redactor: Redactor) -> str:
        return redactor.clean(f"the key is {secret()}").text

    texts = {hidden(engine.redactor(tenant)) for tenant in (TENANT, "beta")}
    assert len(texts) == 2
    assert all(secret() not in text for text in texts)
    assert engine.redactor("beta") is engine.redactor("beta")
    for number in range(4):
        engine.redactor(f"t{number}")
    assert list(engine._redactors) == ["t2", "t3"]
    assert hidden(engine.redactor("beta")) in texts


@pytest.mark.requirement("DUR-1", "DUR-3")
async def test_closing_lets_go_and_another_process_goes_on() -> None:
    engine = await waiting("done")
    store = engine.services.store
    begin(engine, OTHER)
    await asyncio.wait_for(engine.close(), PATIENCE_S)
    assert engine.live == {}
    await agree(engine)
    engine.wake(*KEY)  # too late here
    assert engine.live == {}
    with pytest.raises(NotAllowed, match="this app is being closed"):
        await engine.begun(TENANT, OTHER)
    with pytest.raises(RuntimeError, match="shut down"):
        engine.services.threads.submit(print)
    assert isinstance(store, MemoryStore)
    other = an_engine(SHIP, "done", store=store, owner="other")
    other.wake(*KEY)
    assert (await rest(other)).status == "completed"
    assert SHIPPED == [7]
