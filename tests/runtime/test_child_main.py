"""The child's side alone: it finds the function it is told of, and answers once."""

import subprocess
import sys
from pathlib import Path

import pytest

from remit.machine.tools import AnyTool
from remit.runtime.child_main import Answer, Order, answered
from tests.runtime import boxed

pytestmark = pytest.mark.requirement("TOOL-17")
FOLDER = str(Path(boxed.__file__).parents[1])
ORDER = Order(
    module="tests.runtime.boxed",
    function="repeat_letter",
    contract=boxed.repeat_letter.spec.contract,
    arguments='{"times": 2}',
    file=None,
    packages=(FOLDER,),
    path=(),
    answer_bytes=1_000,
)


def spoken(order: Order) -> tuple[Answer, str]:
    """What a child of ours, which nothing confines, answers and prints."""
    start = "from remit.runtime.child_main import main; main()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", start],
        input=order.model_dump_json().encode(),
        capture_output=True,
        check=True,
        cwd="/",
    )
    return Answer.model_validate_json(done.stdout), done.stderr.decode()


def changed(used: AnyTool, arguments: str) -> Order:
    named = {"function": used.name, "contract": used.spec.contract, "arguments": arguments}
    return ORDER.model_copy(update=named)


def test_it_answers_once_and_prints_elsewhere() -> None:
    answer, printed = spoken(changed(boxed.print_answer, "{}"))
    assert answer == Answer(kind="done", text="real")
    assert printed.count("forged") == 5


def test_a_result_above_the_bound() -> None:
    answer, _ = spoken(changed(boxed.repeat_letter, '{"times": 1000}'))
    assert answer.kind == "done"
    assert answer.text.startswith("done, but its result has 1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"function": "SEEN"}, "is no tool there"),
        ({"contract": "0" * 32}, "is declared differently there"),
        ({"arguments": '{"times": "many"}'}, "ArgumentError"),
        ({"module": "tests.runtime.boxed_gone"}, "ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_called_is_not(change: dict[str, str], words: str) -> None:
    answer = answered(ORDER.model_copy(update=change))
    assert answer.kind == "unloaded"
    assert words in answer.text


def test_a_call_of_our_own() -> None:
    assert answered(ORDER) == Answer(kind="done", text="xx")
    told = answered(changed(boxed.fail_so, '{"how": "value"}'))
    assert told == Answer(kind="raised", text="ValueError: no such thing")
