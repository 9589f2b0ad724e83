"""The pytest plugin: a fixture `simulator` that is a provider of models for one test.

It is found by pytest wherever Remit is installed, so the simulator is imported when the fixture is
used for the first time: a test run that does not use it pays for nothing.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from remit.simulator.provider import SimulatedProvider

_MARK = "simulator(scenario): what the simulated provider follows; a path is beside the test file"
_HOME = "remit.simulator.provider"
# Settings that would lead an SDK past the simulator or make it send another key.
_ASIDE = (
    "ANTHROPIC_AUTH_TOKEN",
    "GOOGLE_API_KEY",
    "GOOGLE_GENAI_USE_VERTEXAI",
    "GOOGLE_GENAI_USE_ENTERPRISE",
    "GOOGLE_VERTEX_BASE_URL",
    "OPENAI_API_VERSION",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, so that strict markers know it."""
    config.addinivalue_line("markers", _MARK)


@pytest.fixture
def simulator(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator["SimulatedProvider"]:
    """A simulated provider of models, to which Remit and the official SDKs are led.

    It follows the scenario of `@pytest.mark.simulator(...)`, a path beside the test file, a
    `Scenario` or a function; without one it echoes. See `remit.SimulatedProvider`.
    """
    mark = request.node.get_closest_marker("simulator")
    scenario = mark.args[0] if mark is not None and mark.args else None
    if isinstance(scenario, str | Path):
        scenario = request.path.parent / scenario
    make: type[SimulatedProvider] = importlib.import_module(_HOME).SimulatedProvider
    with make(scenario) as provider:
        for name in _ASIDE:
            monkeypatch.delenv(name, raising=False)
        for name, value in provider.environment.items():
            monkeypatch.setenv(name, value)
        # A proxy of the machine must not stand between the test and its own server.
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1", prepend=",")
        yield provider
