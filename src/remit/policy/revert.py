"""Reverts: an agent uses an earlier prompt or another model, by a switch that names which."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from remit.journal.rows import Switch

What = Literal["prompt", "model"]

MAX_TO = 256  # characters of what is reverted to: a digest, or the longest name of a model
_NAME = r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}"
# No name holds a slash or an equals sign, so a target has one reading.
_TARGET = re.compile(
    rf"(?:tenant:(?P<tenant>{_NAME})/)?agent:(?P<agent>{_NAME})/"
    rf"(?P<what>prompt|model)=(?P<to>[!-~]{{1,{MAX_TO}}})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """What an agent uses in place of what is deployed."""

    agent: str
    what: What
    to: str
    """The digest of the recorded declaration with the prompt, or the name of the model."""
    tenant: str = ""
    """Whose runs it is about; empty: everybody's."""

    @property
    def target(self) -> str:
        """The target of its switch, as `tenant:acme/agent:support/model=openai:gpt-5-2025-08-07`.

        What it reverts to is a part of the name: a process that knows no reverts passes over it.
        """
        return f"{self.place}={self.to}"

    @property
    def place(self) -> str:
        """What can be reverted in one way at a time: the target without what it is reverted to."""
        inside = f"tenant:{self.tenant}/" if self.tenant else ""
        return f"{inside}agent:{self.agent}/{self.what}"


def revert_of(target: str) -> Revert | None:
    """The revert that a target names; None for any other target."""
    found = _TARGET.fullmatch(target)
    if found is None:
        return None
    what: What = "prompt" if found["what"] == "prompt" else "model"
    return Revert(agent=found["agent"], what=what, to=found["to"], tenant=found["tenant"] or "")


@dataclass(frozen=True, slots=True)
class InForce:
    """A revert that counts, and who decided it when and why."""

    revert: Revert
    switch: Switch


def in_force(switches: Iterable[Switch], tenant: str, now_ms: int) -> tuple[InForce, ...]:
    """The reverts that count for a tenant now, one of each agent and kind, by agent.

    One of the tenant's own goes before everybody's. Where two operators decided at the same
    moment, the later decision counts.
    """
    found: dict[tuple[str, What], InForce] = {}
    for switch in switches:
        revert = revert_of(switch.target)
        over = switch.until_ms is not None and switch.until_ms <= now_ms
        if revert is None or over or revert.tenant not in ("", tenant):
            continue
        key = (revert.agent, revert.what)
        known = found.get(key)
        if known is None or _weight(revert, switch) > _weight(known.revert, known.switch):
            found[key] = InForce(revert, switch)
    return tuple(found[key] for key in sorted(found))


def _weight(revert: Revert, switch: Switch) -> tuple[bool, int, str]:
    """The target last: of two of one instant every process takes the same."""
    return (revert.tenant != "", switch.since_ms, switch.target)
