"""The shape of what a run used: its declaration, prompt, models, tools, and reverts in force."""

from datetime import datetime
from typing import Literal

from remit.machine.state import State
from remit.server.api.shapes import Shape, instant


class RevertedView(Shape):
    """A revert that was in force when the run started."""

    agent: str
    what: Literal["prompt", "model"]
    to: str
    principal: str
    since: datetime


class VersionsView(Shape):
    """What the run used, as it stood when it started."""

    declaration: str
    """Its digest; the content lies in the journal."""
    prompt: str
    """Name and version, as declared."""
    prompt_digest: str
    """Of the text."""
    models: tuple[str, ...]
    tools: dict[str, str]
    """The declared version of each."""
    reverts: tuple[RevertedView, ...]


def versions_of(state: State) -> VersionsView:
    """What a run used."""
    spec = state.spec
    return VersionsView(
        declaration=state.spec_digest,
        prompt=spec.prompt,
        prompt_digest=spec.prompt_digest,
        models=tuple(each.model for each in spec.candidates),
        tools={each.name: each.version for each in spec.tools},
        reverts=tuple(
            RevertedView(
                agent=each.agent,
                what=each.what,
                to=each.to,
                principal=each.principal,
                since=instant(each.since_ms),
            )
            for each in state.reverts
        ),
    )
