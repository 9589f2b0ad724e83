"""What people do to a run that is driven by hand."""

from remit.journal.events import (
    ApprovalDenied,
    ApprovalGiven,
    CallRecalled,
    CancelRequested,
    Event,
    InputReceived,
    ToolResolved,
)
from remit.machine.inputs import Inspection, Kind
from remit.machine.state import CallState
from remit.values.clean import Clean


def clean(text: str) -> Clean:
    return Clean.vouch(text)


class People:
    """Mixed into the bench, which knows the run."""

    def give(
        self,
        fact: Event | None,
        kind: Kind = "outcome",
        inspections: dict[str, Inspection] | None = None,
    ) -> list[Event]:
        raise NotImplementedError

    def call(self, number: int = 1) -> CallState:
        raise NotImplementedError

    def inspect(self, call: str, tool: str, arguments: str, *, hooked: bool = True) -> Inspection:
        raise NotImplementedError

    def resolved(self, *, happened: bool, number: int = 1) -> list[Event]:
        return self.give(
            ToolResolved(call=self.call(number).call, happened=happened, principal="boss"),
            "letter",
        )

    def approve(
        self,
        principal: str = "boss",
        number: int = 1,
        *,
        digest: str | None = None,
        approval: str | None = None,
        arguments: str | None = None,
    ) -> list[Event]:
        call = self.call(number)
        fact = ApprovalGiven(
            approval=call.approval if approval is None else approval,
            digest=call.digest if digest is None else digest,
            principal=principal,
            channel="cli",
            arguments=None if arguments is None else clean(arguments),
        )
        text = call.arguments if arguments is None else arguments
        # Hooks have seen what nobody changed.
        found = self.inspect(call.call, call.tool, text, hooked=arguments is not None)
        return self.give(fact, "letter", {call.call: found})

    def deny(self, principal: str = "boss", number: int = 1, comment: str = "") -> list[Event]:
        fact = ApprovalDenied(
            approval=self.call(number).approval,
            principal=principal,
            channel="cli",
            comment=clean(comment),
        )
        return self.give(fact, "letter")

    def says(self, value: str, number: int = 1, question: str | None = None) -> list[Event]:
        """A human answers."""
        known = self.call(number).question if question is None else question
        return self.give(
            InputReceived(question=known, principal="ann", channel="cli", value=clean(value)),
            "letter",
        )

    def recall(self, principal: str = "ann", number: int = 1, reason: str = "") -> list[Event]:
        fact = CallRecalled(call=self.call(number).call, principal=principal, reason=clean(reason))
        return self.give(fact, "letter")

    def cancel(self, reason: str = "") -> list[Event]:
        return self.give(CancelRequested(principal="ann", reason=clean(reason)), "letter")
