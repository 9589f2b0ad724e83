"""What the server allows: sizes, times and numbers, each with its reason, read once and frozen."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from remit.machine.agent import Agent
from remit.values.duration import milliseconds, spoken

MIB = 1024 * 1024
MARGIN_S = 2.0
"""A wait ends so long before the request's own timeout: then its answer is told whole."""
_GRACE_S = 5.0  # a run that its deadline stops tells its end within this time


class ServerSettings(BaseModel):
    """Bounds of one server; the defaults fit a team on one machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hosts: tuple[str, ...] = ()
    """Names in `Host` that are served, against DNS rebinding; empty: any."""
    https: bool = False
    """People reach it over https though it speaks http itself: cookies are `Secure`."""
    timeout_s: float = Field(default=60.0, gt=0)
    """How long one request is carried; proxies in front give up after a minute as a rule."""
    drain_s: float = Field(default=20.0, ge=0)
    """How long runs may go on after SIGTERM; platforms kill after thirty seconds."""
    max_body_bytes: int = Field(default=MIB, ge=1024)
    """Of a request; a million characters are more than any person or context takes."""
    max_upload_bytes: int = Field(default=32 * MIB, ge=1024)
    """Of a request that may bring images and documents."""
    requests: int = Field(default=32, ge=1)
    """Requests of one principal at one time."""
    streams: int = Field(default=1_000, ge=1)
    """Live streams of one principal at one time."""
    idle_s: int = Field(default=8 * 3600, ge=60)
    """After a working day without a click a sign-in is over."""
    sign_in_s: int = Field(default=7 * 86_400, ge=60)
    """And after a week in any case."""
    person: str = "local"
    """Who started the server: who opens its one-time link is signed in as this person."""
    link_s: int = Field(default=900, ge=1)
    """How long the one-time link at the start can be used."""
    ready_s: float = Field(default=10.0, ge=0)
    """How old an answer of `/readyz` may be: whoever asks it often makes no load."""


def outlasting(agents: Iterable[Agent[object]], settings: ServerSettings) -> str:
    """What to tell who starts a server that carries no request as long as its runs may last.

    Empty where every run's deadline lies inside the server's own timeout.
    """
    needed = {
        each.name: milliseconds(each.remit.timeout) / 1000 + _GRACE_S + MARGIN_S
        for each in agents
        if not each.model.startswith("remit:")  # those that undo, for which nobody waits
    }
    longer = sorted(name for name, seconds in needed.items() if seconds > settings.timeout_s)
    if not longer:
        return ""
    most_s = max(needed.values())
    return (
        f"a request is carried for {spoken(round(settings.timeout_s * 1000))}, and runs of "
        f"{', '.join(longer)} may last longer: none is cut, but whoever waits for one gets it as "
        f"it stands by then, and asks again; --timeout {most_s:.0f}s carries them to their end"
    )
