"""What a tool declares to be shown, and how it is bound."""

from dataclasses import replace

import pytest
from typing_extensions import override

from remit import HookedCall, Preview, Remit, tool
from remit.errors import SpecError
from remit.journal.events import ApprovalRequested, CallJudged, ToolFailed
from remit.machine.inputs import Inspection
from remit.machine.previewing import NO_PREVIEW, bound_digest, preview_arguments
from remit.policy.hours import Hours
from remit.policy.permission import Rule
from remit.values.clean import Clean
from remit.values.preview_lines import drawn, kept
from tests.machine.bench import Bench, make_agent, types


def show_both(wall: str, call: HookedCall) -> str:
    return f"{wall} {call.user}"


@tool(access="write", preview=show_both)
def paint_wall(wall: str, colour: str) -> str:
    """Paint a wall."""
    return f"{wall} {colour}"


def test_it_is_part_of_the_contract() -> None:
    bare = tool(access="write")(paint_wall.function)
    assert (paint_wall.spec.previews, bare.spec.previews) == (True, False)
    assert paint_wall.spec.contract != bare.spec.contract
    assert "previews" not in bare.spec.model_dump_json()


def test_it_gets_what_it_names() -> None:
    values = {"wall": "north", "colour": "red"}
    assert preview_arguments(show_both, values, "the call") == {"wall": "north", "call": "the call"}
    assert preview_arguments(lambda: "", values, "the call") == {}


def test_what_no_call_has_is_refused() -> None:
    with pytest.raises(SpecError, match=r"'paint_wall': its preview wants tree; it may have"):
        tool(access="write", preview=lambda tree: f"{tree}")(paint_wall.function)


@pytest.mark.requirement("PERM-7")
def test_the_digest_covers_what_is_shown() -> None:
    assert len(bound_digest("a", "x")) == 32
    assert len({bound_digest(*pair) for pair in (("a", "x"), ("a", "y"), ("b", "x"))}) == 3


# ---------------------------------------------------------------- how it is asked about


class Seeing(Bench):
    """A run whose tool tells what its calls would do; a test says what that is."""

    would_do = "one"

    @override
    def inspect(self, call: str, tool: str, arguments: str, *, hooked: bool = True) -> Inspection:
        found = super().inspect(call, tool, arguments, hooked=hooked)
        preview, _ = kept(drawn(Preview.text(f"{self.would_do} {arguments}"), Clean.vouch))
        digest = bound_digest(found.digest, preview.text)
        return replace(found, digest=digest, preview=preview)


@tool(access="write", delay="5m", preview=lambda text: f"posts {text}")
def post_note(text: str) -> str:
    """Post a note."""
    return text


def begun(remit: Remit) -> Seeing:
    bench = Seeing(make_agent(post_note, remit=remit))
    bench.start()
    bench.answer("", ("post_note", '{"text":"x"}'))
    return bench


@pytest.mark.requirement("PERM-7", "APR-4")
def test_another_view_is_asked_about_however_often_it_changes() -> None:
    bench = begun(Remit(approvals={post_note: 1}))
    for name in ("two", "three"):
        bench.would_do = name
        assert types(bench.approve()) == ["ApprovalGiven", "ApprovalRequested"]
        shown = bench.last(ApprovalRequested)
        assert shown.preview is not None
        assert shown.preview.text.startswith(f" {name}")
        assert bench.call().preview == shown.preview
    assert types(bench.approve())[:2] == ["ApprovalGiven", "ToolDelayed"]


@pytest.mark.requirement("APR-4")
@pytest.mark.parametrize("same", [True, False])
def test_a_changed_call_is_asked_about_where_it_would_do_something_else(*, same: bool) -> None:
    bench = begun(Remit(approvals={post_note: 1}))
    arguments = '{"text":"x"}' if same else '{"text":"y"}'
    events = types(bench.approve(arguments=arguments))
    assert events[:2] == ["ApprovalGiven", "ToolDelayed" if same else "ApprovalRequested"]


@pytest.mark.requirement("PERM-7", "TOOL-14")
def test_what_was_let_through_unseen_and_asks_later_is_shown_before_it_goes() -> None:
    rule = Rule(
        id="late",
        effect="ask",
        tool="post_note",
        hours=(Hours(start="00:20", end="00:30"),),
        reason="it is late",
    )
    bench = begun(Remit(approvals={post_note: 0}, rules=(rule,)))
    assert types(bench.wake(5 * 60_000)) == ["ToolQueued", "ApprovalRequested"]
    assert bench.last(ApprovalRequested).preview is None
    assert "what it would do is shown" in bench.last(ApprovalRequested).reason
    assert types(bench.approve()) == ["ApprovalGiven", "ApprovalRequested"]
    assert bench.call().preview is not None
    assert "ToolRequested" in types(bench.approve())


@pytest.mark.requirement("PERM-8")
def test_what_cannot_be_shown_is_refused_only_where_it_asks() -> None:
    for needed, ends in ((1, "ToolFailed"), (0, "ToolDelayed")):
        bench = Bench(make_agent(post_note, remit=Remit(approvals={post_note: needed})))
        bench.hook = lambda _bench, _tool, found: replace(found, unseen="it is dark")
        bench.start()
        events = bench.answer("", ("post_note", '{"text":"x"}'))
        assert ends in types(events)
    asked = Bench(make_agent(post_note, remit=Remit(approvals={post_note: 1})))
    asked.hook = lambda _bench, _tool, found: replace(found, unseen="it is dark")
    asked.start()
    asked.answer("", ("post_note", '{"text":"x"}'))
    assert asked.last(CallJudged).rule == NO_PREVIEW
    assert asked.last(ToolFailed).text == "refused: it is dark (builtin.preview)"
