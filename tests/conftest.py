"""Settings that every test shares: property testing without a clock, git and HOME of its own."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No deadline: a busy machine is not a failing one. The same examples each time, so that the same
# code gets the same verdict; REMIT_HYPOTHESIS=deep looks at others, and digs longer than a normal
# run may. A failing example is printed as a line that can be pasted back (`print_blob`).
settings.register_profile(
    "remit",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep", parent=settings.get_profile("remit"), derandomize=False, max_examples=5_000
)
settings.load_profile(os.environ.get("REMIT_HYPOTHESIS", "remit"))

FOREIGN = ("REMIT_", "ANTHROPIC_", "OPENAI_", "GEMINI_", "GOOGLE_")
"""Settings and keys of the machine: only live tests (REMIT_LIVE=1) may see them."""


@pytest.fixture(autouse=True, scope="session")
def _machine_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the suite a HOME and a git identity, so that no test reads those of the machine."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts what goes on in its background so, and every process started here would
        # inherit it: none could be interrupted.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    home: Path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.invalid")
        if not os.environ.get("REMIT_LIVE"):
            for name in [each for each in os.environ if each.startswith(FOREIGN)]:
                patch.delenv(name)
        yield


@pytest.fixture(autouse=True)
def _process_stays_as_it_is() -> Iterator[None]:
    """Commands tested here set variables and paths; the tests after them must not see those."""
    own = "PYTEST_CURRENT_TEST"  # pytest's, which changes it as it goes
    before = {name: value for name, value in os.environ.items() if name != own}
    paths = list(sys.path)
    yield
    sys.path[:] = paths
    after = {name: value for name, value in os.environ.items() if name != own}
    for name in after.keys() - before.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in before.items() if after.get(name) != value})
