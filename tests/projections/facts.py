"""Records made by hand for projections: one event each, a second apart."""

from remit.journal.events import (
    CallJudged,
    Event,
    ModelCompleted,
    ModelRequested,
    RunStarted,
)
from remit.journal.fact import Post
from remit.journal.record import Body, Cause, Header
from remit.machine.decide import ENGINE
from remit.policy.permission import Effect
from remit.projections.timeline import Pair
from remit.values.clean import Clean
from remit.values.message import CallPart, Origin, Part, TextPart
from remit.values.usage import Usage

START_MS = 1_000_000
SAID = Origin(kind="model", name="sim:m")
RUN = "run_1"


def clean(text: str) -> Clean:
    return Clean.vouch(text)


def records(
    *events: Event, run: str = RUN, tenant: str = "acme", start_ms: int = START_MS
) -> list[Pair]:
    """One record per event."""
    found = []
    for version, event in enumerate(events, start=1):
        at_ms = start_ms + (version - 1) * 1000
        header = Header(
            tenant=tenant, run=run, version=version, epoch=1, time_ms=at_ms, engine=ENGINE
        )
        cause = Cause(kind="outcome", count=1, now_ms=at_ms)
        found.append((header, Body(causes=(cause,), events=(event,))))
    return found


def started(
    agent: str = "clerk", *, session: str = "s1", text: str = "Go.", continues: str | None = None
) -> RunStarted:
    return RunStarted(
        agent=agent,
        spec="d1",
        user="ann",
        session=session,
        input=(TextPart(text=clean(text), origin=Origin(kind="user", name="ann")),),
        continues=continues,
        root=RUN,
        deadline_ms=9_000_000,
    )


def asked(call: str = "c1", attempt: int = 1) -> ModelRequested:
    return ModelRequested(
        call=call,
        attempt=attempt,
        model="sim:m",
        messages=1,
        digest="d",
        max_output_tokens=100,
        input_bound=100,
    )


def answered(
    text: str = "",
    *calls: tuple[str, str],
    call: str = "c1",
    cost: int = 30,
    account: str = "run:.|total|nano",
    over_hold: bool = False,
) -> ModelCompleted:
    said: tuple[Part, ...] = (TextPart(text=clean(text), origin=SAID),) if text else ()
    parts = said + tuple(
        CallPart(call=f"{call}-{number}", tool=tool, arguments=clean(arguments), origin=SAID)
        for number, (tool, arguments) in enumerate(calls, start=1)
    )
    return ModelCompleted(
        call=call,
        parts=parts,
        stop="tools" if calls else "end",
        usage=Usage(input=20, output=10),
        model="m",
        cost=cost,
        posts=(Post(account=account, amount=cost),),
        over_hold=over_hold,
    )


def judged(
    call: str = "c1-1", effect: Effect = "allow", tool: str = "look_up", rule: str = "builtin.read"
) -> CallJudged:
    return CallJudged(
        call=call,
        tool=tool,
        digest="d-" + call,
        effect=effect,
        rule=rule,
        reason=clean("because"),
        needed=1 if effect == "ask" else 0,
        principal="ann",
        access="read",
        risk="low",
    )
