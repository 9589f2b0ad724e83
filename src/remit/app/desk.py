"""The desk: what people do from outside a run. It writes letters and switches, never records."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from remit.app.following import tree_rows
from remit.app.run import (
    PendingApproval,
    PendingDelay,
    PendingDoubt,
    PendingQuestion,
    pending_approvals,
    pending_delays,
    pending_doubts,
    pending_questions,
)
from remit.app.speaking import Speaker, Speakers
from remit.app.switching import Switching, note, switchings
from remit.errors import NotAllowed, NotFound
from remit.journal.events import (
    ApprovalDenied,
    ApprovalGiven,
    CallRecalled,
    CancelRequested,
    Event,
    InputReceived,
    TargetSwitched,
    ToolResolved,
)
from remit.journal.rows import RunRow, Switch
from remit.machine.state import State
from remit.policy.approvers import same_person
from remit.policy.redact import Redactor
from remit.policy.revert import revert_of
from remit.ports import Clock, Dice, Store, Vault
from remit.runtime.cleaning import Cleaner, storable
from remit.runtime.letters import letter
from remit.runtime.reader import Reader
from remit.values.ids import ENTROPY_BYTES, make_id

# Rows of living runs looked through for what waits; more need a search by run.
LIVING = 1_000
_ENDED = ("completed", "stopped")
# Only what some run can match: a switch with a slip in its name would switch nothing.
_NAME = r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}"
_TARGET = re.compile(
    rf"all|tenant:{_NAME}|(tenant:{_NAME}/)?((agent|tool):{_NAME}|mode:(auto|bypass))", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Approvals, answers, cancels and switches, for the app, the command line and the server.

    `principal` is always an authenticated person: whoever calls this vouches for that.
    """

    store: Store
    reader: Reader
    clock: Clock
    dice: Dice
    redactor: Callable[[str], Redactor]
    vault: Vault
    wake: Callable[[str, str], None] = lambda _tenant, _run: None
    speakers: Speakers | None = None
    """Who is who; without them a principal is a person of that name, and has no role."""

    # ------------------------------------------------------------ what waits

    async def living(self, tenant: str | None) -> list[RunRow]:
        """Rows of runs that have not ended, newest first."""
        return await self.store.runs(tenant, status=("running", "waiting"), limit=LIVING)

    async def approvals(self, tenant: str | None = None) -> list[PendingApproval]:
        """Calls that wait for humans, oldest first; `tenant=None` is for operators."""
        states = await self._waiting(tenant)
        return [found for state in states for found in pending_approvals(state)]

    async def questions(self, tenant: str | None = None) -> list[PendingQuestion]:
        """Typed questions that wait for an answer."""
        states = await self._waiting(tenant)
        return [found for state in states for found in pending_questions(state)]

    async def doubts(self, tenant: str | None = None) -> list[PendingDoubt]:
        """Writes of which nobody knows whether they happened."""
        states = await self._waiting(tenant)
        return [found for state in states for found in pending_doubts(state)]

    async def delays(self, tenant: str | None = None) -> list[PendingDelay]:
        """Calls that were let through and have not left yet: they can be called back."""
        states = await self._waiting(tenant)
        return [found for state in states for found in pending_delays(state)]

    async def _waiting(self, tenant: str | None) -> list[State]:
        rows = await self.living(tenant)
        return [(await self.reader.past(row)).state for row in reversed(rows)]

    async def tree(self, tenant: str, root: str) -> list[State]:
        """The states of a root run and of all its sub-runs that exist. Raises `NotFound`."""
        rows = await tree_rows(self.store, tenant, root)
        if not rows:
            raise NotFound(f"there is no run {root} of tenant {tenant}")
        return [(await self.reader.past(row)).state for row in rows]

    # ------------------------------------------------------------ what people say

    async def approve(
        self,
        tenant: str,
        approval: str,
        *,
        principal: str,
        channel: str,
        digest: str | None = None,
        comment: str = "",
        arguments: str | None = None,
    ) -> PendingApproval:
        """Agree to the call as it stands, or to one with changed arguments.

        `digest` is that of the call the person saw; without it the present one is meant. Raises
        `NotFound` or `NotAllowed`. The run judges the letter once more when it reads it.
        """
        pending, user = await self._pending(tenant, approval)
        if digest is not None and digest != pending.digest:
            raise NotAllowed(f"{approval}: the call has changed since; look at it again")
        speaker = await self._speaker(tenant, pending.approvers, principal)
        if any(same_person(speaker.person, self.person_of(known)) for known in pending.given):
            raise NotAllowed(
                f"{approval}: {speaker.person} has agreed already; another person must"
            )
        clean = self._cleaner(tenant, pending.run)
        fact = ApprovalGiven(
            approval=approval,
            digest=pending.digest,
            principal=speaker.person,
            channel=channel,
            comment=clean.text(comment),
            roles=speaker.roles,
            on_behalf=speaker.on_behalf,
            also=self._also(speaker, (user, *pending.given)),
            arguments=None if arguments is None else clean.json(arguments),
        )
        await self._send(tenant, pending.run, fact, clean)
        return pending

    async def deny(
        self, tenant: str, approval: str, *, principal: str, channel: str, comment: str = ""
    ) -> PendingApproval:
        """Refuse the call; one no is enough. Raises `NotFound`."""
        pending, _ = await self._pending(tenant, approval)
        speaker = await self._speaker(tenant, pending.approvers, principal)
        clean = self._cleaner(tenant, pending.run)
        fact = ApprovalDenied(
            approval=approval,
            principal=speaker.person,
            channel=channel,
            comment=clean.text(comment),
            roles=speaker.roles,
            on_behalf=speaker.on_behalf,
        )
        await self._send(tenant, pending.run, fact, clean)
        return pending

    async def answer(
        self, tenant: str, question: str, *, principal: str, channel: str, value: str
    ) -> None:
        """Answer a question with JSON text; a value that does not fit is asked again."""
        run = question.partition(":")[0]
        state = (await self.reader.past_of(tenant, run)).state
        if question not in [pending.id for pending in pending_questions(state)]:
            raise NotFound(f"no question {question} waits for an answer")
        speaker = await self._speaker(tenant, (), principal)
        clean = self._cleaner(tenant, run)
        fact = InputReceived(
            question=question,
            principal=speaker.person,
            channel=channel,
            value=clean.json(value),
        )
        await self._send(tenant, run, fact, clean)

    async def resolve(
        self, tenant: str, run: str, call: str, *, happened: bool, principal: str, text: str = ""
    ) -> None:
        """Say of a write in doubt whether it happened; if not, it may go again."""
        state = (await self.reader.past_of(tenant, run)).state
        if call not in [pending.call for pending in pending_doubts(state)]:
            raise NotFound(f"{run}: the call {call} is not in doubt")
        clean = self._cleaner(tenant, run)
        said = clean.text(text)
        fact = ToolResolved(call=call, happened=happened, principal=principal, text=said)
        await self._send(tenant, run, fact, clean)

    async def cancel(self, tenant: str, run: str, *, principal: str, reason: str = "") -> None:
        """Ask that a run end; everything below it ends too. Raises `NotFound`, `NotAllowed`."""
        row = await self.store.run(tenant, run)
        if row is None:
            raise NotFound(f"there is no run {run} of tenant {tenant}")
        if row.status in _ENDED:
            raise NotAllowed(f"run {run} has ended already ({row.status})")
        clean = self._cleaner(tenant, run)
        fact = CancelRequested(principal=principal, reason=clean.text(reason))
        await self._send(tenant, run, fact, clean)

    async def recall(
        self, tenant: str, run: str, call: str = "", *, principal: str, reason: str = ""
    ) -> tuple[PendingDelay, ...]:
        """Call back a delayed call before it leaves; all that wait of the run without `call`.

        Raises `NotFound` for no such run, `NotAllowed` where nothing waits any more. The run judges
        once more when it reads the letter: the call may have left meanwhile.
        """
        state = (await self.reader.past_of(tenant, run)).state
        found = tuple(each for each in pending_delays(state) if call in ("", each.call))
        if not found:
            what = f"the call {call} does not wait" if call else "no call waits to leave"
            raise NotAllowed(
                f"{run}: {what}: it has left, or was called back; once the run has ended, "
                "undo takes back what it did"
            )
        clean = self._cleaner(tenant, run)
        for each in found:
            text = clean.text(reason)
            fact = CallRecalled(call=each.call, principal=self.person_of(principal), reason=text)
            await self._send(tenant, run, fact, clean)
        return found

    def person_of(self, principal: str) -> str:
        """The person that a principal is, as `remit.toml` says."""
        return principal if self.speakers is None else self.speakers.roster.person_of(principal)

    async def _speaker(self, tenant: str, approvers: Sequence[str], principal: str) -> Speaker:
        if self.speakers is None:
            return Speaker(person=principal)
        return await self.speakers.speaker(tenant, approvers, principal)

    def _also(self, speaker: Speaker, known: Sequence[str]) -> tuple[str, ...]:
        """Which of these names are other names of who speaks, or of whom they speak for."""
        behalf = () if speaker.on_behalf is None else (speaker.on_behalf.person,)
        people = {speaker.person, *behalf}
        found = (name for name in known if name not in people and self.person_of(name) in people)
        return tuple(dict.fromkeys(found))

    async def _pending(self, tenant: str, approval: str) -> tuple[PendingApproval, str]:
        """What waits, and the user of its run."""
        run = approval.partition(":")[0]
        state = (await self.reader.past_of(tenant, run)).state
        for pending in pending_approvals(state):
            if pending.id == approval:
                return pending, state.user
        raise NotFound(f"nothing waits for the approval {approval}: answered, expired or unknown")

    def _cleaner(self, tenant: str, run: str) -> Cleaner:
        """Cleans what a person says; the secrets in it go to the vault with the letter."""
        return Cleaner(self.redactor(tenant), self.vault, tenant, run)

    async def _send(self, tenant: str, run: str, fact: Event, clean: Cleaner) -> None:
        now_ms = self.clock.now_ms()
        key = make_id("ltr", now_ms, self.dice.entropy(ENTROPY_BYTES))
        await self.store.send(tenant, letter(run, key, fact, now_ms), clean.rows)
        self.wake(tenant, run)

    # ------------------------------------------------------------ switches

    async def switch_off(
        self, target: str, *, principal: str, reason: str, until_ms: int | None = None
    ) -> Switch:
        """Switch off `all`, `agent:x`, `tool:x`, `mode:x`, `tenant:t`, `tenant:t/agent:x` ….

        Runs stop where `all`, their agent or tenant is off; a mode that is off allows nothing more.
        It is off first and entered in the book of switches then: stopping waits for nothing.
        """
        check_target(target)
        return await self.enter(target, principal=principal, reason=reason, until_ms=until_ms)

    async def enter(
        self, target: str, *, principal: str, reason: str, until_ms: int | None
    ) -> Switch:
        """Put a switch in force that was checked: of something that is off, or of a revert."""
        text = self.redactor("").clean(storable(reason)).text
        switch = Switch(
            target=target,
            reason=text,
            principal=principal,
            since_ms=self.clock.now_ms(),
            until_ms=until_ms,
        )
        await self.store.switch(switch, target)
        await self._note(
            TargetSwitched(
                target=target, off=True, principal=principal, reason=text, until_ms=until_ms
            )
        )
        return switch

    async def switch_on(self, target: str, *, principal: str, reason: str = "") -> bool:
        """Switch it on again, or lift a revert; whether it was off. The book tells it first."""
        check_switched(target)
        if all(each.target != target for each in await self.store.switches()):
            return False
        text = self.redactor("").clean(storable(reason)).text
        await self._note(TargetSwitched(target=target, off=False, principal=principal, reason=text))
        await self.store.switch(None, target)
        return True

    async def switchings(self, tenant: str) -> list[Switching]:
        """Who switched what in a tenant and when, the newest first; in `*` what is everybody's."""
        return [] if self.speakers is None else await switchings(self.speakers.books, tenant)

    async def _note(self, fact: TargetSwitched) -> None:
        if self.speakers is not None:
            await note(self.speakers.books, fact)


def check_target(target: str) -> None:
    """Raise `NotAllowed` unless `target` names something that can be switched off."""
    if not _TARGET.fullmatch(target):
        raise NotAllowed(
            f"{target!r} cannot be switched: say all, agent:NAME, tool:NAME, tenant:NAME, "
            "mode:auto, mode:bypass, or tenant:NAME/ before one of the last four"
        )


def check_switched(target: str) -> None:
    """Raise `NotAllowed` unless `target` can stand among the switches: a revert can too."""
    if revert_of(target) is None:
        check_target(target)
