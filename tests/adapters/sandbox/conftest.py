"""Every sandbox that works on this machine, as a fixture."""

from collections.abc import Callable

import pytest

from remit.adapters.sandbox.bubblewrap import Bubblewrap
from remit.adapters.sandbox.find import probe
from remit.adapters.sandbox.landlock import Landlock
from remit.errors import SandboxUnavailable
from remit.ports import Sandbox

Maker = Callable[[], Bubblewrap | Landlock]

MAKERS: dict[str, Maker] = {
    "bubblewrap": Bubblewrap,
    "netns": lambda: Landlock("landlock+netns"),
    "seccomp": lambda: Landlock("landlock+seccomp"),
    # As inside a container that listens itself, and as on Linux 5.13.
    "seccomp_no_gate": lambda: Landlock("landlock+seccomp", gate=False),
    "seccomp_first_abi": lambda: Landlock("landlock+seccomp", abi=1),
}
_WORKING: dict[str, Sandbox | str] = {}


def working(name: str) -> Sandbox:
    """The sandbox of that name, tried once; skips the test where it does not work."""
    if name not in _WORKING:
        try:
            sandbox = MAKERS[name]()
            probe(sandbox)
        except SandboxUnavailable as error:
            _WORKING[name] = str(error)
        else:
            _WORKING[name] = sandbox
    found = _WORKING[name]
    if isinstance(found, str):
        pytest.skip(f"{name}: {found}")
    return found


@pytest.fixture(params=list(MAKERS))
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    name: str = request.param
    return working(name)


@pytest.fixture(params=["bubblewrap", "netns", "seccomp"])
def usual_sandbox(request: pytest.FixtureRequest) -> Sandbox:
    """Only those that `find_sandbox` gives."""
    name: str = request.param
    return working(name)
