"""Root's last step inside bubblewrap: what it is told, and that it stands alone."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.adapters.sandbox import stage

pytestmark = pytest.mark.requirement("TOOL-17")

_WORD = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=9)


@given(
    number=st.integers(0, 2**32 - 1),
    asking=st.binary(max_size=40),
    plain=st.binary(max_size=40),
    env=st.dictionaries(_WORD, _WORD, max_size=4),
)
def test_round_trip(number: int, asking: bytes, plain: bytes, env: dict[str, str]) -> None:
    content = stage.make_plan(number, asking, plain, env)
    words = [word.encode() for item in env.items() for word in item]
    assert stage.read_plan(content) == (number, asking, plain, words)


def test_it_imports_nothing_that_is_not_seen_inside() -> None:
    code = (
        "import sys\n"
        f"exec(open({stage.__file__!r}).read(), {{'__name__': 'stage'}})\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    names = set(done.stdout.split())
    assert {"ctypes", "_socket"} <= names
    assert not any(name.startswith(("remit", "pydantic", "pathlib")) for name in names)
