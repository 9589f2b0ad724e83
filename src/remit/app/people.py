"""What a program passes on of people's words: approvals, answers, cancels."""

from functools import partial

from pydantic_core import to_json

from remit.app.answering import Answers
from remit.app.channels import Channels
from remit.app.desk import Desk
from remit.app.reverting import Reverts, check_model
from remit.app.run import PendingDelay
from remit.app.served import Served
from remit.app.slack_answers import SlackAnswers

LOCAL_TENANT = "local"
LOCAL_USER = "local"


class PeopleSay(Served):
    """Mixed into `App`: `principal` is always the person that the program has authenticated."""

    @property
    def desk(self) -> Desk:
        """What people do from outside runs: approvals, answers, cancels, switches."""
        return self._open.desk

    @property
    def reverts(self) -> Reverts:
        """Reverts prompts and models of agents while they run, and lifts that."""
        services = self._open.engine.services
        return Reverts(desk=self.desk, agents=services.agents, check=partial(check_model, services))

    @property
    def channels(self) -> Channels:
        """Who is told what waits for them, and takes what they say."""
        return self._open.channels

    @property
    def answers(self) -> Answers:
        """Takes what people say by links: for `AnswerRoute`."""
        return self.channels.answers

    @property
    def slack_answers(self) -> SlackAnswers:
        """Takes what people say by buttons of Slack: for `AnswerRoute`."""
        channels = self.channels
        return SlackAnswers(
            answers=channels.answers, secrets=channels.signing_secrets, reply=channels.reply
        )

    async def approve(
        self,
        approval: str,
        *,
        principal: str,
        tenant: str = LOCAL_TENANT,
        comment: str = "",
        digest: str | None = None,
    ) -> None:
        """Agree to a call; `principal` is the person this program has authenticated.

        `digest` is that of the call as they saw it; without it, the call as it stands is meant.
        Raises `NotFound`, and `NotAllowed` where it has changed since.
        """
        await self.desk.approve(
            tenant, approval, principal=principal, channel="app", comment=comment, digest=digest
        )

    async def deny(
        self, approval: str, *, principal: str, tenant: str = LOCAL_TENANT, comment: str = ""
    ) -> None:
        """Refuse a call."""
        await self.desk.deny(tenant, approval, principal=principal, channel="app", comment=comment)

    async def answer(
        self, question: str, value: object, *, principal: str, tenant: str = LOCAL_TENANT
    ) -> None:
        """Answer a tool's question; a value that does not fit its type is asked again."""
        text = to_json(value).decode()
        await self.desk.answer(tenant, question, principal=principal, channel="app", value=text)

    async def recall(
        self,
        run: str,
        call: str = "",
        *,
        principal: str = LOCAL_USER,
        tenant: str = LOCAL_TENANT,
        reason: str = "",
    ) -> tuple[PendingDelay, ...]:
        """Call back a delayed call before it leaves, or all of a run's that wait; which they were.

        The model is told. Raises `NotFound` for no such run, and `NotAllowed` where it has left
        already: then `undo` is what takes it back.
        """
        return await self.desk.recall(tenant, run, call, principal=principal, reason=reason)

    async def cancel(
        self, run: str, *, principal: str = LOCAL_USER, tenant: str = LOCAL_TENANT, reason: str = ""
    ) -> None:
        """Ask that a run end, with everything below it."""
        await self.desk.cancel(tenant, run, principal=principal, reason=reason)
