"""The base of every fact, and the money lines that facts carry."""

from pydantic import BaseModel, ConfigDict, Field


class Fact(BaseModel):
    """Frozen; an unknown field is an error, not noise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountLimit(Fact):
    """A limited account that the calls of a run draw on; see `remit.values.account`."""

    account: str
    limit: int
    plan: str = ""
    """The plan that sets this limit, where one does."""


class Hold(Fact):
    """The worst case of one call, reserved on one account under its limit."""

    account: str
    amount: int = Field(ge=0)
    limit: int


class Post(Fact):
    """Real use, entered on one account; it releases the call's hold there."""

    account: str
    amount: int
