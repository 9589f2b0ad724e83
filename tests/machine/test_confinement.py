"""What may run in an interpreter of its own: only what that can import, call and be shown."""

from collections.abc import Callable, Iterator
from types import FunctionType

import pytest

from remit import Call, tool
from remit.errors import SpecError
from remit.machine.confinement import confinement_of
from remit.machine.declaring import ToolOptions
from remit.machine.signature import read_signature
from remit.machine.spec import Confinement

pytestmark = pytest.mark.requirement("TOOL-17")


def count_lines(path: str) -> int:
    """Count the lines of a file."""
    return len(path)


async def wait_for(path: str) -> int:
    """Wait for a file."""
    return len(path)


def read_lines(path: str) -> Iterator[str]:
    """Read lines."""
    yield path


def with_call(call: Call, path: str) -> str:
    """Say who calls."""
    return f"{call.run} {path}"


class Shop:
    @staticmethod
    def find_item(name: str) -> str:
        """Find an item."""
        return name


def nowhere() -> Callable[..., object]:
    """A function that was typed in, not read from a file."""
    typed_in = FunctionType(count_lines.__code__, {"__name__": "__main__"}, "count_lines")
    typed_in.__annotations__ = count_lines.__annotations__
    typed_in.__doc__ = count_lines.__doc__
    return typed_in


def test_its_contract_names_what_it_sees() -> None:
    declared = tool(
        sandbox="process", read=["/srv/in"], write=("/srv/out",), hosts=("api.example.com",)
    )(count_lines)
    seen = Confinement(read=("/srv/in",), write=("/srv/out",), hosts=("api.example.com",))
    assert declared.spec.sandbox == seen
    assert declared.runs_programs
    assert declared("four") == 4


def test_other_tools_keep_their_contract() -> None:
    declared = tool(count_lines)
    assert declared.spec.sandbox is None
    assert "sandbox" not in declared.spec.model_dump_json()
    assert declared.spec.contract != tool(sandbox="process")(count_lines).spec.contract


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (wait_for, "is for a plain function"),
        (read_lines, "is for a plain function"),
        (with_call, "has no 'call': the call stays in the program"),
        (Shop.find_item, "Shop.find_item cannot; define it at the top of a module"),
        (nowhere(), "needs a function from a file"),
    ],
)
def test_what_another_interpreter_could_not_call(
    function: Callable[..., object], words: str
) -> None:
    with pytest.raises(SpecError, match=words):
        tool(sandbox="process")(function)


def test_a_function_in_a_function_cannot_be_imported() -> None:
    def inner(path: str) -> str:
        """Read."""
        return path

    with pytest.raises(SpecError, match="cannot; define it at the top of a module"):
        tool(sandbox="process")(inner)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sandbox": "process", "read": ("data",)}, "read='data' is no absolute path"),
        ({"sandbox": "process", "write": ("/srv/{user}",)}, "without placeholders"),
        ({"sandbox": "process", "hosts": ("http://x",)}, "hosts: "),
        ({"read": ("/srv",)}, "say sandbox='process'"),
    ],
)
def test_what_cannot_be_declared(options: ToolOptions, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        tool(**options)(count_lines)


def test_another_word_for_the_sandbox() -> None:
    arguments = read_signature("count_lines", count_lines)
    with pytest.raises(SpecError, match="it is 'process', or not said"):
        confinement_of("count_lines", count_lines, arguments, "thread")
