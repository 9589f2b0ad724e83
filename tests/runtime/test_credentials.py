"""Credentials: fetched once for all who wait, kept until shortly before their end, scoped."""

import asyncio
from dataclasses import replace

import pytest

from remit.errors import ConfigError, NoCredential, NotAllowed, OutcomeUnknown
from remit.journal.events import ToolCompleted, ToolFailed, ToolUnknown
from remit.machine.agent import Remit
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.runtime import credentials
from remit.runtime.credentials import CredentialDesk, Declared
from remit.runtime.toolgate import ToolGate
from remit.values.credential import Credential, Wanted
from tests.runtime.kit import NOW, TENANT, VAULT, HandClock, a_cleaner, released, services_on
from tests.runtime.stage import an_agent

HOUR_MS = 3_600_000


class Server:
    """Gives a new token each time."""

    def __init__(self, clock: HandClock, lives_ms: int | None = HOUR_MS) -> None:
        self.clock = clock
        self.lives_ms = lives_ms
        self.asked: list[Wanted] = []
        self.failing = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, wanted: Wanted) -> Credential:
        self.asked.append(wanted)
        await self.gate.wait()
        if self.failing:
            raise NoCredential("it is down")
        end = None if self.lives_ms is None else self.clock.now_ms() + self.lives_ms
        return Credential(f"token-number-{len(self.asked)}", name=wanted.name, expires_ms=end)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def server(clock: HandClock) -> Server:
    return Server(clock)


@pytest.fixture
def desk(server: Server, clock: HandClock) -> CredentialDesk:
    return CredentialDesk({"crm": Declared(source=server)}, clock)


WANTED = Wanted(name="crm", tenant="acme", tool="crm_refund", user="ann")


@pytest.mark.requirement("TOOL-9")
async def test_one_is_kept_until_shortly_before_its_end(
    desk: CredentialDesk, server: Server, clock: HandClock
) -> None:
    first = await desk.get(WANTED)
    clock.at_ms = NOW + HOUR_MS - 60_001
    assert await desk.get(WANTED) is first
    clock.at_ms += 1
    assert await desk.get(WANTED) is not first
    server.lives_ms = 10_000  # of short ones a fifth is left
    clock.at_ms += HOUR_MS
    short = await desk.get(WANTED)
    clock.at_ms += 7_999
    assert await desk.get(WANTED) is short
    clock.at_ms += 1
    assert await desk.get(WANTED) is not short


@pytest.mark.requirement("TOOL-9")
async def test_no_two_tenants_users_or_tools_share_one(
    desk: CredentialDesk, server: Server
) -> None:
    others = [{"tenant": "globex"}, {"user": "bob"}, {"tool": "crm_read"}, {}]
    found = [await desk.get(replace(WANTED, **changes)) for changes in others]
    assert len({each.reveal() for each in found}) == len(server.asked) == 4


async def test_all_who_wait_are_served_by_one_question(
    desk: CredentialDesk, server: Server
) -> None:
    server.gate.clear()
    tasks = [asyncio.create_task(desk.get(WANTED)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks[0].cancel()  # one that is cut does not take it from the others
    server.gate.set()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {each.reveal() for each in found[1:] if isinstance(each, Credential)} == {
        "token-number-1"
    }
    assert len(server.asked) == 1


async def test_a_failure_is_told_to_all_and_not_kept(desk: CredentialDesk, server: Server) -> None:
    server.failing = True
    found = await asyncio.gather(desk.get(WANTED), desk.get(WANTED), return_exceptions=True)
    assert [str(each) for each in found] == ["it is down"] * 2
    server.failing = False
    assert (await desk.get(WANTED)).reveal() == "token-number-2"


async def test_what_does_not_end_is_read_each_time(clock: HandClock) -> None:
    server = Server(clock, None)
    desk = CredentialDesk({"crm": Declared(source=server)}, clock)
    assert (await desk.get(WANTED)).reveal() != (await desk.get(WANTED)).reveal()


@pytest.mark.requirement("TOOL-9")
@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"name": "erp"}, ConfigError, r"no credential 'erp' .* there are: crm"),
        ({"tool": "sh"}, NotAllowed, r"the tool 'sh' may not have the credential 'crm'"),
        ({"tenant": "globex"}, NotAllowed, r"the tenant 'globex' may not have"),
    ],
)
async def test_it_is_for_those_it_was_declared_for(
    server: Server,
    clock: HandClock,
    changes: dict[str, str],
    error: type[Exception],
    says: str,
) -> None:
    declared = Declared(source=server, tools=("crm_*",), tenants=("acme",))
    desk = CredentialDesk({"crm": declared}, clock)
    with pytest.raises(error, match=says):
        await desk.get(replace(WANTED, **changes))
    assert server.asked == []


async def test_a_server_that_hangs_is_given_up(
    desk: CredentialDesk, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "FETCH_S", 0.01)
    server.gate.clear()
    with pytest.raises(NoCredential, match="could not be had within"):
        await desk.get(WANTED)
    monkeypatch.undo()
    task = asyncio.create_task(desk.get(WANTED))
    await asyncio.sleep(0)
    await desk.close()
    with pytest.raises(asyncio.CancelledError):
        await task


# ---------------------------------------------------------------- through the gate


@tool(access="read", credential="crm")
async def read_crm(call: Call, how: str) -> object:
    """Read."""
    assert call.credential is not None
    token = call.credential.reveal()
    if how == "raise":
        raise ValueError(f"bad token {token}")
    return {"object": call.credential, "call": call, "leak": {token: call.credential.header()}}


@pytest.mark.requirement("TOOL-9")
@pytest.mark.parametrize("how", ["show", "raise"])
async def test_no_outcome_holds_it(
    desk: CredentialDesk, server: Server, clock: HandClock, how: str
) -> None:
    agent = an_agent(tools=[read_crm])
    services = replace(services_on(clock=clock), credentials=desk)
    gate = ToolGate(services=services, agent=agent, cleaner=a_cleaner, fence=7)
    outcome = await gate.call(*released(agent, "read_crm", f'{{"how": "{how}"}}'))
    fact = outcome.input.fact
    assert isinstance(fact, ToolFailed if how == "raise" else ToolCompleted)
    assert "[credential crm]" in fact.text
    assert "token-number" not in fact.model_dump_json()
    kept = [VAULT.open(TENANT, row.placeholder, row.sealed) for row in outcome.vault]
    assert not any("token-number" in each for each in kept)  # nobody gets it back from there
    assert server.asked == [Wanted(name="crm", tenant=TENANT, tool="read_crm", user="ann")]


async def test_without_one_the_tool_is_not_called(server: Server, clock: HandClock) -> None:
    agent = an_agent(tools=[read_crm])
    for services, says in (
        (services_on(), "needs the credential 'crm'"),
        (replace(services_on(), credentials=CredentialDesk({}, clock)), "there is no credential"),
    ):
        gate = ToolGate(services=services, agent=agent, cleaner=a_cleaner, fence=7)
        fact = (await gate.call(*released(agent, "read_crm", '{"how": "show"}'))).input.fact
        assert isinstance(fact, ToolFailed)
        assert says in fact.text


@tool(access="write")
async def put_lost(how: str) -> str:
    """Write."""
    raise OutcomeUnknown(f"the answer was lost: {how}")


@tool(access="read")
async def read_lost(how: str) -> str:
    """Read."""
    raise OutcomeUnknown(f"the answer was lost: {how}")


@pytest.mark.requirement("DUR-6")
async def test_of_a_write_whose_answer_was_lost_nobody_knows() -> None:
    agent = an_agent(tools=[put_lost, read_lost], remit=Remit(approvals={"put_lost": 0}))
    gate = ToolGate(services=services_on(), agent=agent, cleaner=a_cleaner, fence=7)
    fact = (await gate.call(*released(agent, "put_lost", '{"how": "a"}'))).input.fact
    assert isinstance(fact, ToolUnknown)
    fact = (await gate.call(*released(agent, "read_lost", '{"how": "a"}'))).input.fact
    assert isinstance(fact, ToolFailed)
    assert fact.fault
