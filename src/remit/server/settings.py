"""What the server allows: sizes, times and numbers, each with its reason, read once and frozen."""

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


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
