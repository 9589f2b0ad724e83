"""The mode of a run: what happens to actions of which no rule speaks."""

from collections.abc import Mapping
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, field_validator

Mode = Literal["plan", "default", "auto", "bypass"]
"""plan: reads only; default: an action that no rule covers is refused; auto: low-risk actions that
no rule covers happen unasked, high-risk ones ask; bypass: all but deny rules is allowed, and only
outside production. A mode gives no more than the phase of the agent (`remit.policy.phase`) lets."""

MODES: tuple[Mode, ...] = get_args(Mode)
"""In rising order of trust."""


def least_mode(first: Mode, second: Mode) -> Mode:
    """The mode of less trust."""
    return min(first, second, key=MODES.index)


class Modes(BaseModel):
    """Modes of tenants and users, where they differ from what the agent declares.

    The nearest wins: the user's (`acme/ann` before `ann`), the tenant's, the agent's, the default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    default: Mode = "default"
    tenants: Mapping[str, Mode] = {}
    users: Mapping[str, Mode] = {}
    """By `tenant/user`, or by `user` for that user of every tenant."""

    @field_validator("users")
    @classmethod
    def _named(cls, users: Mapping[str, Mode]) -> Mapping[str, Mode]:
        for name in users:
            if name.count("/") > 1 or "" in name.split("/"):
                raise ValueError(f"{name!r} names no user: write it as 'user' or 'tenant/user'")
        return users

    def of(self, tenant: str, user: str, declared: Mode | None) -> Mode:
        """The mode of a run of this user; `declared` is its agent's."""
        for found in (
            self.users.get(f"{tenant}/{user}"),
            self.users.get(user),
            self.tenants.get(tenant),
            declared,
        ):
            if found is not None:
                return found
        return self.default

    @property
    def may_bypass(self) -> bool:
        """Some run may have the mode bypass."""
        return "bypass" in (self.default, *self.tenants.values(), *self.users.values())
