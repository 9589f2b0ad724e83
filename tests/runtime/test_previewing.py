"""Asking tools what calls would do; the whole is kept only where somebody was asked."""

from remit import Preview, Remit, tool
from remit.journal.events import ApprovalRequested
from remit.machine.inputs import Input
from remit.runtime.previewing import whole_previews
from remit.values.clean import Clean
from tests.runtime.kit import an_inspector, state_of
from tests.runtime.stage import an_agent, secret


async def in_words(name: str) -> str:
    return f"sends {name}\n" + "long\n" * 1_000


@tool(access="write", preview=in_words)
def send_parcel(name: str) -> str:
    """Send a parcel."""
    return name


AGENT = an_agent(tools=[send_parcel], remit=Remit(approvals={send_parcel: 1}))


async def test_a_call_is_inspected_with_what_it_would_do() -> None:
    inspector = an_inspector(AGENT)
    key = secret()
    found = await inspector.ask_tool(state_of(AGENT), "c1-1", "send_parcel", f'{{"name": "{key}"}}')
    assert found.preview is not None
    assert found.preview.shown[0].startswith(" sends [secret:github-token:")
    assert found.whole is not None
    assert key.encode() not in found.whole.content
    other = await inspector.ask_tool(state_of(AGENT), "c1-1", "send_parcel", '{"name": "x"}')
    assert other.digest != found.digest


async def test_the_whole_is_kept_of_what_is_asked_about() -> None:
    found = await an_inspector(AGENT).ask_tool(
        state_of(AGENT), "c1-1", "send_parcel", '{"name": "x"}'
    )
    given = Input(kind="wake", inspections={"c1-1": found})
    asked = ApprovalRequested(
        approval="r:c1-1",
        call="c1-1",
        tool="send_parcel",
        digest=found.digest,
        needed=1,
        rule="r",
        reason=Clean("x"),
        expires_ms=1,
        preview=found.preview,
    )
    assert whole_previews([asked], [given]) == (found.whole,)
    assert whole_previews([], [given]) == ()
    assert whole_previews([asked.model_copy(update={"preview": None})], [given]) == ()


async def test_a_tool_without_a_preview_shows_none() -> None:
    bare = tool(access="write")(send_parcel.function)
    agent = an_agent(tools=[bare], remit=Remit(approvals={bare: 1}))
    found = await an_inspector(agent).ask_tool(
        state_of(agent), "c1-1", "send_parcel", '{"name": "x"}'
    )
    assert (found.preview, found.whole, found.unseen) == (None, None, "")
    assert Preview.text("x").note == "x"
