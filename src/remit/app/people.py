"""What a program passes on of people's words: approvals, answers, cancels."""

from pydantic_core import to_json

from remit.app.desk import Desk

LOCAL_TENANT = "local"
LOCAL_USER = "local"


class PeopleSay:
    """Mixed into `App`: `principal` is always the person that the program has authenticated."""

    @property
    def desk(self) -> Desk:
        """Where the words are handed in."""
        raise NotImplementedError

    async def approve(
        self, approval: str, *, principal: str, tenant: str = LOCAL_TENANT, comment: str = ""
    ) -> None:
        """Agree to a call; `principal` is the person this program has authenticated."""
        await self.desk.approve(
            tenant, approval, principal=principal, channel="app", comment=comment
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

    async def cancel(
        self, run: str, *, principal: str = LOCAL_USER, tenant: str = LOCAL_TENANT, reason: str = ""
    ) -> None:
        """Ask that a run end, with everything below it."""
        await self.desk.cancel(tenant, run, principal=principal, reason=reason)
