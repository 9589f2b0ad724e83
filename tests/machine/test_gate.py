"""No order of calls, edits, words of people and clocks lets an unapproved high-risk effect through.

The oracle reads the journal alone: it knows nothing of how the runtime counts approvals.
"""

from dataclasses import dataclass, field
from itertools import combinations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from remit import tool
from remit.journal.events import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalGiven,
    ApprovalRequested,
    CancelRequested,
    ModelCompleted,
    RunEnded,
    RunStopping,
    ToolRequested,
)
from remit.journal.facts_of_humans import OnBehalf
from remit.machine.agent import Remit
from remit.values.clean import Clean
from remit.values.message import CallPart
from tests.machine.bench import Bench, make_agent

HUMANS = ("ann", "bob", "carl", "zoe", "eve")  # whose run it is: ann; without the role: eve
ROLES = {"bob": ("finance",), "carl": ("finance",), "ann": ("finance",)}
TEXTS = ('{"amount":5}', '{"amount":5.0}', '{"amount":6}', '{"amount":"x"}', "{}", "{")
HOUR_MS = 3_600_000


@tool(access="write", risk="high")
async def wire_money(amount: int) -> str:
    """Wire money."""
    return str(amount)


@dataclass(slots=True)
class Told:
    """What the journal says of the approval of one call."""

    arguments: str
    approval: str = ""
    needed: int = 0
    expires_ms: int = 0
    closed: bool = False
    given: list[ApprovalGiven] = field(default_factory=list)


class Gate(RuleBasedStateMachine):
    """One run of an agent that wires money, and everybody who has something to say about it."""

    @initialize(needed=st.sampled_from([0, 1, 2]))
    def begin(self, needed: int) -> None:
        remit = Remit(
            approvals={wire_money: needed},
            approvers=["role:finance", "zoe"],
            self_approval=True,
            approval_timeout="1h",
            tool_calls=9,
            timeout="2d",
        )
        # Risk is high: it is never less than one human, whatever the remit says.
        self.needed = max(needed, 1)
        self.bench = Bench(make_agent(wire_money, remit=remit))
        self.bench.environment = "production"
        self.bench.start()
        self.old: list[tuple[str, str]] = []
        self.epoch = 1

    @property
    def asking(self) -> list[int]:
        return [n for n, call in enumerate(self.bench.state.calls, 1) if call.status == "asking"]

    @precondition(lambda self: self.bench.state.model is not None)
    @rule(texts=st.lists(st.sampled_from(TEXTS), max_size=3))
    def model_proposes(self, texts: list[str]) -> None:
        self.bench.answer("", *(("wire_money", text) for text in texts))

    def _says(
        self,
        number: int,
        person: str,
        approval: str,
        digest: str,
        *,
        behalf: OnBehalf | None = None,
        arguments: str | None = None,
    ) -> None:
        call = self.bench.call(number)
        self.old.append((approval, digest))
        fact = ApprovalGiven(
            approval=approval,
            digest=digest,
            principal=person,
            channel="cli",
            roles=ROLES.get(person, ()),
            on_behalf=behalf,
            arguments=None if arguments is None else Clean.vouch(arguments),
        )
        text = call.arguments if arguments is None else arguments
        seen = self.bench.inspect(call.call, call.tool, text, hooked=arguments is None)
        self.bench.give(fact, "letter", {call.call: seen})

    @precondition(lambda self: self.bench.state.calls)
    @rule(data=st.data(), person=st.sampled_from(HUMANS), late_ms=st.sampled_from([0, 0, HOUR_MS]))
    def somebody_agrees(self, data: st.DataObject, person: str, late_ms: int) -> None:
        """At any time, also when nothing is asked any more."""
        number = data.draw(st.integers(1, len(self.bench.state.calls)))
        call = self.bench.call(number)
        self.bench.pass_ms(late_ms)
        self._says(number, person, call.approval, call.digest)

    @precondition(lambda self: self.asking)
    @rule(data=st.data(), person=st.sampled_from(["bob", "carl", "zoe"]))
    def one_human_agrees_twice(self, data: st.DataObject, person: str) -> None:
        number = data.draw(st.sampled_from(self.asking))
        call = self.bench.call(number)
        for _ in range(2):
            self._says(number, person, call.approval, call.digest)

    @precondition(lambda self: self.asking)
    @rule(
        data=st.data(),
        person=st.sampled_from(HUMANS),
        of=st.sampled_from(HUMANS),
        hours=st.sampled_from([-1, 0, 1, 24]),
    )
    def somebody_agrees_for_another(
        self, data: st.DataObject, person: str, of: str, hours: int
    ) -> None:
        number = data.draw(st.sampled_from(self.asking))
        call = self.bench.call(number)
        until_ms = self.bench.world.now_ms + hours * HOUR_MS
        behalf = OnBehalf(person=of, roles=ROLES.get(of, ()), until_ms=until_ms)
        self._says(number, person, call.approval, call.digest, behalf=behalf)

    @precondition(lambda self: self.asking)
    @rule(data=st.data(), person=st.sampled_from(HUMANS), text=st.sampled_from(TEXTS))
    def somebody_changes_the_call(self, data: st.DataObject, person: str, text: str) -> None:
        number = data.draw(st.sampled_from(self.asking))
        call = self.bench.call(number)
        self._says(number, person, call.approval, call.digest, arguments=text)

    @precondition(lambda self: self.asking)
    @rule(
        data=st.data(),
        person=st.sampled_from(HUMANS),
        digest=st.sampled_from(["", "sha256:0", "other"]),
    )
    def a_word_about_another_form(self, data: st.DataObject, person: str, digest: str) -> None:
        number = data.draw(st.sampled_from(self.asking))
        call = self.bench.call(number)
        others = [each.digest for each in self.bench.state.calls if each.digest != call.digest]
        chosen = data.draw(st.sampled_from([*others, digest]))
        self._says(number, person, call.approval, chosen)

    @precondition(lambda self: self.old and self.bench.state.calls)
    @rule(data=st.data(), person=st.sampled_from(HUMANS))
    def an_old_word_comes_again(self, data: st.DataObject, person: str) -> None:
        approval, digest = data.draw(st.sampled_from(self.old))
        number = data.draw(st.integers(1, len(self.bench.state.calls)))
        self._says(number, person, approval, digest)

    @precondition(lambda self: self.asking)
    @rule(data=st.data(), person=st.sampled_from(HUMANS))
    def somebody_refuses(self, data: st.DataObject, person: str) -> None:
        self.bench.deny(person, data.draw(st.sampled_from(self.asking)))

    @rule(ms=st.sampled_from([1_000, HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS]))
    def time_passes(self, ms: int) -> None:
        self.bench.wake(ms)

    @rule()
    def the_process_dies(self) -> None:
        self.bench.state = self.bench.replayed()
        self.epoch += 1
        self.bench.recover(self.epoch)

    @precondition(lambda self: any(c.status == "released" for c in self.bench.state.calls))
    @rule(data=st.data())
    def a_call_ends(self, data: st.DataObject) -> None:
        calls = enumerate(self.bench.state.calls, 1)
        self.bench.done(data.draw(st.sampled_from([n for n, c in calls if c.status == "released"])))

    @precondition(lambda self: len(self.bench.inputs) % 7 == 0)
    @rule()
    def somebody_cancels(self) -> None:
        self.bench.give(CancelRequested(principal="ann", reason=Clean.vouch("stop")), "letter")

    @invariant()
    def nothing_is_released_that_was_not_approved(self) -> None:
        told: dict[str, Told] = {}
        by_approval: dict[str, Told] = {}
        stopped = False
        for now_ms, event in self._journal():
            match event:
                case ModelCompleted():
                    told |= {
                        part.call: Told(str(part.arguments))
                        for part in event.parts
                        if isinstance(part, CallPart)
                    }
                case ApprovalRequested():
                    mine = told[event.call]
                    mine.approval, mine.needed = event.approval, event.needed
                    mine.expires_ms, mine.closed, mine.given = event.expires_ms, False, []
                    by_approval[event.approval] = mine
                case ApprovalGiven():
                    mine = by_approval[event.approval]
                    assert not mine.closed
                    assert now_ms < mine.expires_ms
                    if event.arguments is not None:
                        mine.arguments, mine.given = str(event.arguments), []
                    mine.given.append(event)
                case ApprovalDenied() | ApprovalExpired():
                    by_approval[event.approval].closed = True
                case RunStopping() | RunEnded():
                    stopped = True
                case ToolRequested():
                    assert not stopped
                    self._was_approved(event, told[event.call])
                case _:
                    pass

    def _journal(self) -> list[tuple[int, object]]:
        return [
            (cause.now_ms, event)
            for body in self.bench.bodies
            for cause in body.causes
            for event in body.events
        ]

    def _was_approved(self, event: ToolRequested, mine: Told) -> None:
        assert mine.approval
        assert not mine.closed
        assert mine.needed >= self.needed
        # Each word is about exactly the arguments that leave.
        leaving = self.bench.inspect(event.call, "wire_money", mine.arguments)
        assert leaving.error is None
        assert {each.digest for each in mine.given} == {leaving.digest}
        humans = [_humans(each) for each in mine.given]
        assert any(
            all(not a & b for a, b in combinations(chosen, 2))
            for chosen in combinations(humans, self.needed)
        )
        for each in mine.given:
            named = {each.principal, *([each.on_behalf.person] if each.on_behalf else [])}
            assert named & {"zoe", *ROLES}
            # Whose run it is agrees only where one human is enough and the remit lets them.
            assert "ann" not in named or self.needed == 1


def _humans(given: ApprovalGiven) -> frozenset[str]:
    behalf = given.on_behalf
    return frozenset({given.principal, *([] if behalf is None else [behalf.person])})


TestGate = pytest.mark.requirement("PERM-7", "APR-3", "APR-4", "TOOL-13")(Gate.TestCase)
TestGate.settings = settings(max_examples=120, stateful_step_count=25, deadline=None)
