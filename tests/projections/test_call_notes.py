"""A call's notes tell of hooks and of what stood in, each with its reason."""

from remit.journal.events import HookAnswered, ResultHooked, RunStarted, ToolDegraded
from remit.journal.record import Body, Header
from remit.projections.branch import Branch
from remit.projections.call_notes import degraded, hooked, result_hooked
from remit.values.clean import Clean


def a_branch() -> Branch:
    header = Header(tenant="acme", run="run_1", version=1, epoch=1, time_ms=5, engine="2")
    started = RunStarted(
        agent="a", spec="s", user="ann", session="s1", input=(), root="run_1", deadline_ms=9
    )
    return Branch("run_1", {"run_1": [(header, Body(causes=(), events=(started,)))]})


def test_what_hooks_said_and_what_stood_in_are_notes_of_the_call() -> None:
    branch = a_branch()
    no = Clean("not outside")
    hooked(branch, HookAnswered(call="c1-1", hook="guard", word="refused", reason=no))
    made = Clean('{"to":"x"}')
    hooked(branch, HookAnswered(call="c1-1", hook="sign", word="changed", arguments=made))
    node = branch.call("c1-1")
    result_hooked(branch, node, [ResultHooked(hook="trim", word="withheld")])
    down = ToolDegraded(call="c1-1", tool="a1", to="b1", reason=Clean("no route"), since_ms=1)
    degraded(branch, down)
    assert node.status == "degraded"
    degraded(branch, down.model_copy(update={"to": ""}))
    assert [(each.label, each.text) for each in node.children] == [
        ("hook.guard", "not outside"),
        ("hook.sign", '{"to":"x"}'),
        ("hook.trim", "result withheld"),
        ("degraded", "a1 does not work (no route): b1 is tried"),
        ("degraded", "a1 does not work (no route): its last good answer is tried"),
    ]
