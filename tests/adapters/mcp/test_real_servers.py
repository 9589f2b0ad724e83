"""Real servers from npm, in the sandbox: accepted, used, changed, confined."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from remit import mcp_tools
from remit.adapters.mcp.pins import read_pins
from remit.errors import OutcomeUnknown, OutsideError, SpecError, ToolError
from remit.machine.tools import AnyTool
from tests.adapters.mcp.npm import EARLIER, started_by
from tests.adapters.mcp.shops import source_of, use

pytestmark = [
    pytest.mark.requirement("TOOL-8", "TOOL-5", "TOOL-17"),
    pytest.mark.timeout(240),  # npm may have to install first
]

READS = ("read_text_file", "read_media_file", "get_file_info")
FILES = (*READS, "write_file", "move_file")


def files(
    folder: Path, allowed: str, write: Sequence[str], version: str | None = None
) -> dict[str, AnyTool]:
    command, place = started_by("filesystem", *(() if version is None else (version,)))
    made = mcp_tools(
        "files",
        command=[*command, allowed],
        read=[place],
        write=write,
        allow=FILES,
        access=dict.fromkeys(READS, "read"),
        pins=folder / "files.json",
    )
    return {each.name: each for each in made}


@asynccontextmanager
async def accepted(tools: dict[str, AnyTool]) -> AsyncIterator[dict[str, AnyTool]]:
    source = source_of(tools)
    try:
        offered = {name: new for name, (_, new) in (await source.differences()).items()}
        await source.accept({name: new.digest for name, new in offered.items() if new is not None})
        yield tools
    finally:
        await source.close()


# ---------------------------------------------------------------- files


@pytest.mark.requirement("TOOL-10", "TEN-1")
async def test_files_of_one_user(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "secret").write_text("planted")
    own = f"{base}/{{tenant}}/{{user}}"
    async with accepted(files(tmp_path, own, [own])) as tools:
        write, read = tools["files_write_file"], tools["files_read_text_file"]
        note = {"path": f"{base}/acme/ann/note.txt", "content": "only mine"}
        await use(write, json.dumps(note))
        assert (base / "acme/ann/note.txt").read_text() == "only mine"
        assert "only mine" in await use(read, json.dumps({"path": note["path"]}))
        for path in (note["path"], f"{base}/beta/bob/../../acme/ann/note.txt"):
            with pytest.raises(ToolError):
                await use(read, json.dumps({"path": path}), tenant="beta", user="bob")
        with pytest.raises(ToolError):
            await use(read, json.dumps({"path": str(tmp_path / "secret")}))


async def test_a_server_that_may_do_everything_can_do_what_its_sandbox_lets_it(
    tmp_path: Path,
) -> None:
    """It is told that the whole machine is its own, as a careless or a bought server would be."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
        (folder / "note").write_text(folder.name)
    (mine / "link").symlink_to(other / "note")
    async with accepted(files(tmp_path, "/", [str(mine)])) as tools:
        read, write = tools["files_read_text_file"], tools["files_write_file"]
        assert "mine" in await use(read, json.dumps({"path": str(mine / "note")}))
        for path in (str(other / "note"), str(mine / "link"), "/etc/shadow", "/dev/mem"):
            with pytest.raises(ToolError):
                await use(read, json.dumps({"path": path}))
        for path in (str(other / "new"), "/usr/new", "/etc/new"):
            with pytest.raises((ToolError, OutcomeUnknown)):
                await use(write, json.dumps({"path": path, "content": "x"}))
        move = {"source": str(mine / "note"), "destination": str(other / "moved")}
        with pytest.raises((ToolError, OutcomeUnknown)):
            await use(tools["files_move_file"], json.dumps(move))
    assert sorted(path.name for path in other.iterdir()) == ["note"]


async def test_another_version_is_another_tool_until_somebody_looked(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "note").write_text("hello")
    ask = json.dumps({"path": str(mine / "note")})
    async with accepted(files(tmp_path, str(mine), [str(mine)], EARLIER)) as tools:
        assert "hello" in await use(tools["files_read_text_file"], ask)
    before = read_pins(tmp_path / "files.json", "files")
    newer = files(tmp_path, str(mine), [str(mine)])
    source = source_of(newer)
    try:
        changed = await source.differences()
        assert list(changed) == ["read_media_file"]
        calls: dict[str, dict[str, str]] = {
            "write_file": {"path": str(mine / "note"), "content": "x"},
            "move_file": {"source": str(mine / "note"), "destination": str(mine / "new")},
        }
        for name in FILES:
            asked = json.dumps(calls.get(name, {"path": str(mine / "note")}))
            if name in changed:
                with pytest.raises(ToolError, match="changed by its server and stopped"):
                    await use(newer[f"files_{name}"], asked)
        assert (mine / "note").read_text() == "hello"
        assert read_pins(tmp_path / "files.json", "files") == before
    finally:
        await source.close()
    async with accepted(files(tmp_path, str(mine), [str(mine)])) as tools:
        assert "hello" in await use(tools["files_read_text_file"], ask)


# ---------------------------------------------------------------- everything


async def test_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "planted")
    command, place = started_by("everything")
    made = mcp_tools(
        "everything",
        command=command,
        read=[place],
        allow=["echo", "get-sum", "get-env", "get-tiny-image", "get-structured-content"],
        access={"echo": "read", "get-sum": "read", "get-env": "read"},
        environment={"GIVEN": "given"},
        pins=tmp_path / "everything.json",
    )
    async with accepted({each.name: each for each in made}) as tools:
        assert set(tools) >= {"everything_get_sum", "everything_get_tiny_image"}
        assert await use(tools["everything_echo"], '{"message": "grün 🌱"}') == "Echo: grün 🌱"
        assert "5" in await use(tools["everything_get_sum"], '{"a": 2, "b": 3}')
        told = json.loads(await use(tools["everything_get_env"], "{}"))
        assert told["GIVEN"] == "given"
        assert "PLANTED" not in told
        image = await use(tools["everything_get_tiny_image"], "{}")
        assert "[image, which is not shown]" in image
        weather = await use(tools["everything_get_structured_content"], '{"location": "Chicago"}')
        assert json.loads(weather)["temperature"]


def test_two_tools_of_one_name_are_refused(tmp_path: Path) -> None:
    command, place = started_by("everything")
    with pytest.raises(SpecError, match="two tools would be 'everything_get_sum'"):
        mcp_tools(
            "everything",
            command=command,
            read=[place],
            allow=["get-sum", "echo"],
            names={"echo": "everything_get_sum"},
            pins=tmp_path / "everything.json",
        )


async def test_a_server_that_was_not_declared_cannot_even_start(tmp_path: Path) -> None:
    command, _ = started_by("everything")
    made = mcp_tools(
        "everything", command=command, allow=["echo"], pins=tmp_path / "everything.json"
    )
    source = source_of({each.name: each for each in made})
    with pytest.raises(OutsideError, match="in its sandbox it sees the system"):
        await source.differences()
    await source.close()


# ---------------------------------------------------------------- memory


@pytest.mark.requirement("TEN-1")
async def test_memory_of_each_tenant(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    command, place = started_by("memory")
    made = mcp_tools(
        "memory",
        command=command,
        read=[place],
        write=[f"{base}/{{tenant}}"],
        environment={"MEMORY_FILE_PATH": f"{base}/{{tenant}}/graph.jsonl"},
        allow=["create_entities", "read_graph"],
        access={"read_graph": "read"},
        pins=tmp_path / "memory.json",
    )
    async with accepted({each.name: each for each in made}) as tools:
        entity = {"name": "Ann", "entityType": "person", "observations": ["likes tea"]}
        await use(tools["memory_create_entities"], json.dumps({"entities": [entity]}))
        assert "likes tea" in await use(tools["memory_read_graph"], "{}")
        other = await use(tools["memory_read_graph"], "{}", tenant="beta")
        assert json.loads(other)["entities"] == []
    assert "likes tea" in (base / "acme/graph.jsonl").read_text()
