"""The agents and tools of the simulation; every tool tells the world what it does to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from remit.machine.agent import Agent, Remit
from remit.machine.call import Call
from remit.machine.declaring import tool
from remit.machine.hooks import (
    AfterAnswer,
    BeforeAnswer,
    HookedCall,
    HookedResult,
    after_tool,
    before_tool,
)
from remit.machine.spec import AgentSpec, InputCount
from remit.machine.tools import AnyTool, probe
from remit.policy.permission import Rule
from remit.policy.rate import Rate
from tests.simulation.world import world_of

MODEL = "sim:mind"


@tool(access="read", timeout="8s", on_failure="abort-peers")
def peek(call: Call, place: str) -> str:
    """Look at a place from a thread."""
    return world_of().in_thread(call, "peek", effect=False)


@tool(access="read", timeout="8s", price_usd="0.002", fallback=peek)
async def look(call: Call, place: str) -> str:
    """Look at a place; each look costs."""
    return await world_of().carry_out(call, "look", {"place": place}, effect=False)


@tool(
    access="write",
    timeout="6s",
    on_crash="repeat",
    resources="note:{name}",
    price_usd="0.004",
)
async def note(call: Call, name: str) -> str:
    """Write a note; the same note twice is one note."""
    return await world_of().carry_out(call, "note", {"name": name})


@tool(access="write", timeout="4s", resources="mail:{to}", price_usd="0.03", delay="12s")
def mail_slowly(call: Call, to: str) -> str:
    """Send a mail from a thread."""
    return world_of().in_thread(call, "mail_slowly")


@tool(
    access="write",
    timeout="10s",
    resources="mail:{to}",
    price_usd="0.02",
    fallback=mail_slowly,
)
async def mail(call: Call, to: str) -> str:
    """Send a mail."""
    return await world_of().carry_out(call, "mail", {"to": to})


async def was_paid(call: Call) -> str | None:
    """Ask the bank."""
    return await world_of().probe(call)


@tool(
    access="write",
    timeout="6s",
    on_crash=probe(was_paid),
    price_usd="0.05",
    reports_price=True,
)
async def pay(call: Call, amount: int) -> str:
    """Pay a bill; the bank says what it takes for it."""
    return await world_of().carry_out(call, "pay", {"amount": amount}, bills=True)


@tool(
    access="write",
    timeout="4s",
    on_crash=probe(was_paid),
    resources="bank",
    price_usd="0.30",
    reports_price=True,
)
def pay_slowly(call: Call, amount: int) -> str:
    """Pay a bill from a thread."""
    return world_of().in_thread(call, "pay_slowly", bills=True)


@tool(
    access="write",
    risk="high",
    timeout="6s",
    resources="bank",
    delay="5s",
    depends=lambda amount: world_of().tree,
)
async def wire(call: Call, amount: int) -> str:
    """Wire money; depends on the state of the tree."""
    return await world_of().carry_out(call, "wire", {"amount": amount})


@tool(access="write", timeout="6s", on_failure="abort-peers")
async def wipe(call: Call, place: str) -> str:
    """Wipe a place; a rule forbids it."""
    return await world_of().carry_out(call, "wipe", {"place": place})


@tool(access="write", timeout="6s", resources="form", price_usd="0.01")
async def file_form(call: Call, name: str) -> str:
    """File a form; asks a human how many copies."""
    copies = call.ask("copies", "How many copies?", int)
    return await world_of().carry_out(call, "file_form", {"name": name}, said=copies)


@before_tool("mail", "note", "file_form")
async def guard(call: HookedCall) -> BeforeAnswer:
    """Look at a call; hang or break down sometimes."""
    await world_of().look_on()
    match call.tool, dict(call.arguments):
        case "mail", {"to": "d"}:
            return call.refuse("nobody writes to d")
        case "note", {"name": "d"}:
            return call.change(name="c")
        case "file_form", {"name": "d"}:
            return call.hold("somebody should look at d")
        case _:
            return call.go_on()


@after_tool("look")
async def blur(result: HookedResult) -> AfterAnswer:
    """Look at what was seen; hang or break down sometimes."""
    await world_of().look_on()
    return result.change(result.text.replace("tok", "Tok")) if result.is_error else result.keep()


HOOKS = (guard, blur)
FEW = (look, note, mail)
TOOLS = (look, peek, note, mail, mail_slowly, pay, pay_slowly, wire, wipe, file_form)
ACCESS = {tool.name: tool.spec.access for tool in TOOLS}
PRICE = {tool.name: tool.spec.price_nano for tool in TOOLS}
REPORTS = {tool.name: tool.spec.reports_price for tool in TOOLS}
POLICY = {tool.name: tool.spec.on_crash for tool in TOOLS}
_NEVER = Rule(id="never-wipe", effect="deny", tool="wipe", reason="nobody wipes")
_FREE: dict[AnyTool | str, int] = {
    "note": 0,
    "mail": 0,
    "mail_slowly": 0,
    "pay_slowly": 0,
    "file_form": 0,
    "wipe": 0,
}
_ASKED: dict[AnyTool | str, int] = {**_FREE, "pay": 1, "wire": 2}


@dataclass(frozen=True)
class Authority:
    """What the simulation, not Remit, knows about who must agree; None means never."""

    shadow: bool = False
    supervised: bool = False
    approvers: tuple[str, ...] = ()

    def needed(self, name: str, arguments: Mapping[str, object]) -> int | None:
        """Humans who must have agreed before the tool may do anything."""
        if (name, arguments.get("to")) == ("mail", "d") or (
            (name, arguments.get("name")) == ("note", "d")
        ):
            return None
        if ACCESS[name] == "read":
            return 0
        if self.shadow or name == "wipe":
            return None
        held = (name, arguments.get("name")) == ("file_form", "d")
        return max(_ASKED[name], 1 if self.supervised or held else 0)


def _agent(
    name: str,
    remit: Remit,
    *,
    agents: Iterable[Agent[object]] = (),
    few: bool = False,
    output_type: type = str,
    input_count: InputCount = "bound",
) -> Agent[object]:
    return Agent(
        name,
        model=MODEL,
        instructions=f"You are {name}.",
        tools=FEW if few else TOOLS,
        agents=agents,
        remit=remit,
        output_type=output_type,
        input_count=input_count,
        max_output_tokens=600,
    )


_FEW: dict[AnyTool | str, int] = {"note": 0, "mail": 0, "mail_slowly": 0}
mole = _agent(
    "mole",
    Remit(approvals=_FEW, turns=4, timeout="40s", approval_timeout="90s", hooks=HOOKS),
    few=True,
)
digger = _agent(
    "digger",
    Remit(
        approvals=_FEW,
        turns=5,
        timeout="60s",
        cost_usd="0.50",
        approval_timeout="90s",
        hooks=HOOKS,
    ),
    agents=(mole,),
    few=True,
)
_REMIT = Remit(
    approvals=_ASKED,
    rules=(_NEVER,),
    approval_timeout="90s",
    hooks=HOOKS,
)
_RATED = replace(
    _REMIT,
    rates={
        "note": ("1/second", Rate(rate="1/minute", per=("tool",))),
        "pe*": Rate(rate="1/minute", per=()),
        "*": Rate(rate="1/second", per=("tenant",)),
        "mail": Rate(rate="2/minute", when="refuse"),
        "wire": Rate(rate="1/second", per=("tool", "tenant")),
    },
)
clerk = _agent("clerk", replace(_RATED, cost_usd="0.25", turns=8, timeout="5m"))
poor = _agent(
    "poor",
    replace(_REMIT, cost_usd="0.08", tokens=40_000, timeout="5m"),
    input_count="when-short",
)
saver = _agent(
    "saver",
    replace(_REMIT, session_cost_usd="0.25", session_tokens=80_000, turns=8),
    input_count="always",
)
hasty = _agent("hasty", replace(_REMIT, timeout="12s", parallel_calls=2))
boss = _agent(
    "boss",
    replace(_RATED, cost_usd="0.90", timeout="4m", turns=6),
    agents=(digger, mole),
)
judge = _agent(
    "judge",
    replace(
        _RATED,
        approvers=("ann", "bob"),
        success=lambda answer: bool(int(str(answer)) % 2),
        turns=8,
    ),
    output_type=int,
)
draft = _agent("draft", replace(_RATED, phase="supervised", turns=6))
ghost = _agent("ghost", replace(_REMIT, phase="shadow", turns=6))

ROOTS = (clerk, poor, saver, hasty, boss, judge, draft, ghost)
ALL = {agent.name: agent for agent in (*ROOTS, digger, mole)}
SPECS: dict[str, AgentSpec] = {agent.name: agent.spec(str) for agent in ROOTS}
AUTHORITY = {
    "judge": Authority(approvers=("ann", "bob")),
    "draft": Authority(supervised=True),
    "ghost": Authority(shadow=True),
}
_PLAIN = Authority()


def authority_of(agent: str) -> Authority:
    """Who must agree to the calls of an agent."""
    return AUTHORITY.get(agent, _PLAIN)
