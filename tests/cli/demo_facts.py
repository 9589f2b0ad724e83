"""Proofs of made-up runs, for tests of what the demo says about them."""

from dataclasses import replace

from remit.app.verification import Verification
from remit.cli.demo_proof import Proof, proposed_calls
from remit.journal.events import Event, ModelCompleted, RunStarted
from remit.journal.record import Body, Cause, Header
from remit.machine.spec import AgentSpec
from remit.machine.state import State, begin
from remit.projections.timeline import Pair
from remit.values.clean import Clean
from remit.values.command import Finished
from remit.values.message import CallPart, Origin
from remit.values.usage import Usage

SOUND = Verification(
    tenant="local",
    runs=1,
    books=0,
    records=9,
    erased=0,
    heads=0,
    size=9,
    root=bytes(32),
    head=None,
    proofs=(),
    damages=(),
)
PASSED = Finished(
    exit_code=0,
    stdout=b"",
    stderr=b"Ran 3 tests\n\nOK\n",
    truncated=False,
    ended="exited",
    confinement="bubblewrap",
)


def text(words: str) -> Clean:
    return Clean.vouch(words)


def started(agent: str) -> RunStarted:
    return RunStarted(
        agent=agent, spec="", user="ann", session="s", input=(), root="run_a", deadline_ms=0
    )


def proposed(*tools: str) -> ModelCompleted:
    """The model wants these tools, as calls c1-1, c1-2 and so on."""
    calls = tuple(
        CallPart(
            call=f"c1-{number}",
            tool=tool,
            arguments=text("{}"),
            origin=Origin(kind="model", name="m"),
        )
        for number, tool in enumerate(tools, 1)
    )
    return ModelCompleted(call="c1", parts=calls, stop="tools", usage=Usage(), model="m")


def pairs_of(*events: tuple[str, Event]) -> list[Pair]:
    """One record per event, in this order."""
    return [
        (
            Header(tenant="local", run=run, version=number, epoch=1, time_ms=number, engine="1"),
            Body(causes=(Cause(kind="wake", count=1, now_ms=number),), events=(event,)),
        )
        for number, (run, event) in enumerate(events, 1)
    ]


def state(status: str = "completed") -> State:
    spec = AgentSpec(name="lomu", model="scripted:x", instructions="")
    return replace(begin("local", "run_a", spec), phase="ended", status=status, output='"done"')


def proof(*events: tuple[str, Event], commits: tuple[str, ...] = ()) -> Proof:
    pairs = pairs_of(*events)
    return Proof(
        state=state(),
        pairs=pairs,
        calls=proposed_calls(pairs),
        commits=commits,
        tests=PASSED,
        verification=SOUND,
    )
