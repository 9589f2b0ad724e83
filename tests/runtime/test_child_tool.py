"""A tool's function in an interpreter of its own: what it sees, what it says, and its end."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from remit import Remit
from remit.journal.events import Event, ToolCompleted, ToolFailed, ToolUnknown
from remit.machine.tools import AnyTool
from remit.ports import Sandbox
from tests.adapters.sandbox.conftest import alive, eventually, mark, working
from tests.runtime import boxed
from tests.runtime.gated import Bench
from tests.runtime.kit import NOW, released
from tests.runtime.stage import an_agent, secret

pytestmark = pytest.mark.requirement("TOOL-17")
MODULE = "boxed_copy"


@pytest.fixture(params=["bubblewrap", "netns", "seccomp"])
def box(request: pytest.FixtureRequest) -> Sandbox:
    name: str = request.param
    return working(name)


@pytest.fixture
def find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], AnyTool]:
    """Tools of a copy of `boxed` beside the folders that it declares."""
    for folder in ("code", "seen", "ours"):
        (tmp_path / folder).mkdir()
    path = tmp_path / "code" / f"{MODULE}.py"
    shutil.copy(boxed.__file__, path)
    spec = spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, MODULE, module)
    spec.loader.exec_module(module)
    tools: dict[str, AnyTool] = vars(module)
    return tools.__getitem__


async def told(
    box: Sandbox | None,
    used: AnyTool,
    *,
    until_ms: int = NOW + 50_000,
    hidden: tuple[str, ...] = (),
    **arguments: object,
) -> Event | None:
    """What the gate makes of one call."""
    agent = an_agent(tools=[used], remit=Remit(approvals={used.name: 0}))
    bench = Bench(agent)
    bench.services = replace(bench.services, sandbox=box, hidden=hidden)
    state, call, event = released(agent, used.name, json.dumps(arguments), until_ms=until_ms)
    return (await bench.gate().call(state, call, event)).input.fact


def completed(fact: Event | None) -> str:
    assert isinstance(fact, ToolCompleted), fact
    return str(fact.text)


async def test_it_reads_its_declared_folder_and_nothing_else(
    box: Sandbox, find: Callable[[str], AnyTool], tmp_path: Path
) -> None:
    for name in ("seen/a.txt", "seen/journal.db", "ours/b.txt", "c.txt"):
        (tmp_path / name).write_text(f"planted in {name}")
    paths = [str(tmp_path / name) for name in ("seen/a.txt", "seen/journal.db", "ours/b.txt")]
    paths += [str(tmp_path / "c.txt"), f"/proc/{os.getpid()}/environ"]
    fact = await told(box, find("try_to_read"), hidden=(paths[1],), paths=paths)
    found = json.loads(completed(fact))
    assert found.pop(paths[0]) == "planted in seen/a.txt"
    assert set(found) == set(paths[1:])
    assert set(found.values()) <= {"FileNotFoundError", "PermissionError"}


async def test_it_sees_no_variable_of_ours_and_no_network(
    box: Sandbox, find: Callable[[str], AnyTool], monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = secret()
    monkeypatch.setenv("PLANTED_TOKEN", planted)
    text = completed(await told(box, find("look_around")))
    found = json.loads(text)
    assert planted not in text
    assert "PLANTED_TOKEN" not in found["env"]
    assert found["reached"] is False
    assert not Path(found["tmp"]).exists()


async def test_arguments_are_on_no_command_line(
    box: Sandbox, find: Callable[[str], AnyTool]
) -> None:
    fact = await told(box, find("try_to_read"), paths=["/planted-argument"])
    assert "planted-argument" in completed(fact)
    seen = json.loads(completed(await told(box, find("look_around"))))["argv"]
    assert not [word for word in seen if "{" in word]


@pytest.mark.requirement("STOP-1")
async def test_at_its_timeout_a_read_has_failed_and_no_process_is_left(
    find: Callable[[str], AnyTool],
) -> None:
    name = mark()
    until_ms = NOW + 15_000  # a busy machine takes seconds until it sleeps
    used = find("sleep_well")
    call = asyncio.create_task(told(working("bubblewrap"), used, until_ms=until_ms, seconds=name))
    assert await asyncio.to_thread(eventually, lambda: alive(name))
    fact = await call
    assert isinstance(fact, ToolFailed)
    assert (fact.kind, fact.text) == ("timeout", "it was cut after 15 s")
    assert not alive(name)


@pytest.mark.requirement("STOP-1")
async def test_of_a_write_that_is_cut_nobody_knows(
    box: Sandbox, find: Callable[[str], AnyTool], tmp_path: Path
) -> None:
    name = mark()
    call = asyncio.create_task(told(box, find("put_file"), seconds=name))
    assert await asyncio.to_thread(eventually, lambda: alive(name))
    call.cancel()
    assert isinstance(await call, ToolUnknown)
    assert not alive(name)
    assert (tmp_path / "ours" / "put.txt").read_text() == "put"


async def test_a_print_is_no_answer(box: Sandbox, find: Callable[[str], AnyTool]) -> None:
    assert completed(await told(box, find("print_answer"))) == "real"


async def test_a_result_above_the_bound_is_told_of(
    box: Sandbox, find: Callable[[str], AnyTool]
) -> None:
    text = completed(await told(box, find("repeat_letter"), times=2_000_000))
    assert text.startswith("done, but its result has 2000")


async def test_a_module_in_a_package_is_found_again(box: Sandbox) -> None:
    assert completed(await told(box, boxed.repeat_letter, times=3)) == "xxx"


async def test_what_it_raises_is_told(find: Callable[[str], AnyTool]) -> None:
    box, used = working("bubblewrap"), find("fail_so")
    fact = await told(box, used, how="value")
    assert isinstance(fact, ToolFailed)
    assert (fact.text, fact.fault, fact.untouched) == ("ValueError: no such thing", True, False)
    fact = await told(box, used, how="told")
    assert isinstance(fact, ToolFailed)
    assert (fact.text, fact.fault) == ("ask for less", False)
    fact = await told(box, used, how="unknown")
    assert isinstance(fact, ToolUnknown)
    assert "the line was cut" in fact.reason
    fact = await told(box, used, how="exit")
    assert isinstance(fact, ToolUnknown)
    assert "ended without an answer" in fact.reason
    assert "last words" in fact.reason


async def test_a_changed_file_is_not_called(find: Callable[[str], AnyTool], tmp_path: Path) -> None:
    used = find("repeat_letter")
    path = tmp_path / "code" / f"{MODULE}.py"
    path.write_text(path.read_text().replace("Say a letter", "Delete a letter"))
    fact = await told(working("bubblewrap"), used, times=1)
    assert isinstance(fact, ToolFailed)
    assert "its file has changed since the program started" in fact.text
    assert fact.untouched


async def test_without_a_sandbox_it_is_not_called(find: Callable[[str], AnyTool]) -> None:
    fact = await told(None, find("repeat_letter"), times=1)
    assert isinstance(fact, ToolFailed)
    assert "install bubblewrap" in fact.text
