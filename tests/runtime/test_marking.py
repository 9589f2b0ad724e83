"""Where an answer came from stands at the outcome, in the conversation, and for the rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import pytest

from remit import Call, Remit, Rule, tool
from remit.cli.drawing import node_json
from remit.errors import OutcomeUnknown, ToolError
from remit.journal.events import CallJudged, ToolCompleted, ToolFailed, ToolUnknown
from remit.machine.schema_tool import Contract, schema_tool
from remit.machine.tools import AnyTool
from remit.projections.tree import decision_tree
from remit.runtime.marking import MAX_REFUSED, Marks
from remit.runtime.reader import Reader
from remit.values.message import ResultPart
from remit.values.model import ModelRequest
from tests.runtime.kit import a_cleaner
from tests.runtime.stage import an_agent, opened, secret, told

pytestmark = pytest.mark.requirement("PERM-9", "TOOL-8")
LABELS = ("server:crm", "untrusted")


@dataclass
class Crm:
    """A server of tools."""

    name: str = "crm"

    async def close(self) -> None:
        """Nothing is kept."""


async def carry(arguments: Mapping[str, object], call: Call) -> str:
    match arguments["what"]:
        case "no":
            raise ToolError("the server says no")
        case "lost":
            raise OutcomeUnknown("the server said nothing")
        case "leave":
            call.tell_refused("evil.example:443: it is not declared")
            call.tell_refused(f"{secret()}.example:443: it is not declared")
        case _:
            pass
    return "x" * 3_000


SCHEMA = '{"type":"object","properties":{"what":{"type":"string"}},"required":["what"]}'
ASK: AnyTool = schema_tool(
    Contract(name="crm_ask", description="Ask.", schema=SCHEMA, access="write"), carry, Crm()
)


@tool
def own(what: str) -> str:
    """Own."""
    return what


@tool(access="write")
async def send(what: str) -> str:
    """Send."""
    return f"sent {what}"


NO_LEAK = Rule(id="no-leak", effect="deny", tool="send", origins=("label:untrusted",))
REMIT = Remit(approvals={"crm/crm_ask": 0, "send": 0}, result_chars=1_000, rules=[NO_LEAK])
READER = an_agent(tools=[ASK, own, send], remit=REMIT)


def page(request: ModelRequest) -> dict[str, dict[str, object]]:
    part = request.messages[-1].parts[-1]
    assert isinstance(part, ResultPart)
    name = part.text.partition("artifact ")[2].partition(",")[0]
    return {"read_result": {"artifact": name, "offset": 900}}


async def test_each_outcome_says_where_it_came_from() -> None:
    script = (
        {"own": {"what": "a"}},
        {"send": {"what": "a"}},
        {"crm_ask": {"what": "yes"}},
        page,
        {"crm_ask": {"what": "no"}},
        {"send": {"what": "b"}},
        "done",
    )
    async with opened("memory:", [READER], *script) as app:
        run = await app.run(READER, "Go")
        done = await told(app, run.id, ToolCompleted)
        assert [fact.labels for fact in done] == [(), (), LABELS, LABELS]
        failed = await told(app, run.id, ToolFailed)
        assert [fact.labels for fact in failed] == [LABELS, ()]  # the last is our own refusal
        verdicts = [fact for fact in await told(app, run.id, CallJudged) if fact.tool == "send"]
        assert [fact.effect for fact in verdicts] == ["allow", "deny"]
        assert verdicts[1].rule == "no-leak"
        past = await Reader(app.store).past_of(run.tenant, run.id)
        parts = [part for message in past.state.messages for part in message.parts]
        results = [part for part in parts if isinstance(part, ResultPart)]
        labelled = [part.tool for part in results if part.origin.labels == LABELS]
        assert labelled == ["crm_ask", "read_result", "crm_ask"]


async def test_what_is_in_doubt_says_it_too() -> None:
    async with opened("memory:", [READER], {"crm_ask": {"what": "lost"}}) as app:
        run = await app.run(READER, "Go")
        assert run.status == "waiting"
        assert [fact.labels for fact in await told(app, run.id, ToolUnknown)] == [LABELS]


async def test_hosts_that_were_refused_are_journalled_and_shown() -> None:
    async with opened("memory:", [READER], {"crm_ask": {"what": "leave"}}, "done") as app:
        run = await app.run(READER, "Go")
        (done,) = await told(app, run.id, ToolCompleted)
        first, second = done.refused_hosts
        assert first == "evil.example:443: it is not declared"
        assert secret() not in second
        assert "[secret:" in second
        past = await Reader(app.store).past_of(run.tenant, run.id)
        pairs = [(each.header, body) for each, body in zip(past.records, past.bodies, strict=True)]
        nodes = list(decision_tree(pairs, run.id).walk())
        assert [node.labels for node in nodes if node.kind == "call"] == [LABELS]
        assert [(node.label, node.status, node.text) for node in nodes if node.kind == "note"] == [
            ("network", "refused", first),
            ("network", "refused", second),
        ]
        (shown,) = [node_json(node) for node in nodes if node.kind == "call"]
        assert shown["labels"] == list(LABELS)


def test_marks_are_bounded() -> None:
    marks = Marks()
    marks.label(f"label-{number}" for number in range(1_000))
    for number in range(1_000):
        marks.refuse(f"h{number}.example:443: no")
    found = marks.fields(a_cleaner())
    assert len(cast("tuple[str, ...]", found["refused_hosts"])) == MAX_REFUSED
    assert len(cast("tuple[str, ...]", found["labels"])) == 64
