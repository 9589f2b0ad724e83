"""What a server allows, and whether the runs it starts end inside that."""

import pytest

from remit import Agent, Remit
from remit.server.settings import ServerSettings, outlasting

pytestmark = pytest.mark.requirement("OPS-5")


def an_agent(name: str, timeout: str) -> Agent[object]:
    return Agent(name, model="scripted:x", instructions="Go.", remit=Remit(timeout=timeout))


def test_runs_whose_deadline_lies_inside_the_servers_timeout_are_no_matter() -> None:
    quick, slow = an_agent("quick", "50s"), an_agent("slow", "10m")
    undoing = Agent("slow.undo", model="remit:undo", instructions="Go.")
    assert outlasting([quick, undoing], ServerSettings()) == ""
    told = outlasting([slow, quick], ServerSettings())
    assert "runs of slow may last longer" in told
    assert "--timeout 607s" in told
    assert outlasting([slow, quick], ServerSettings(timeout_s=607)) == ""
