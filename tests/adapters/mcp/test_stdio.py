"""A server that is a program runs in the sandbox, unless somebody said why not."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from remit.adapters.mcp import server as server_module
from remit.adapters.mcp import stdio
from remit.adapters.mcp.server import EVERYBODY, Party
from remit.app.housing import house_of
from remit.errors import ConfigError, OutsideError, SandboxUnavailable, SpecError, ToolError
from remit.ports import Sandbox
from remit.values.command import Command, Finished, Program
from tests.adapters.mcp.shops import SERVER, opened, source_of, tools_of, use
from tests.adapters.sandbox.conftest import MAKERS, alive, mark, working

pytestmark = pytest.mark.requirement("TOOL-5", "TOOL-17", "TOOL-8")

WHY = "it is our own program on our own machine"


@pytest.fixture(params=["bubblewrap", "netns", "seccomp"])
def walls(request: pytest.FixtureRequest) -> Sandbox:
    assert request.param in MAKERS
    return working(request.param)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


# ---------------------------------------------------------------- confined


async def test_it_sees_what_was_declared_and_reaches_nothing(
    tmp_path: Path, walls: Sandbox, listening: int
) -> None:
    for name in ("mine", "readable", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note").write_text(name)
    mine, readable, other = (str(tmp_path / name) for name in ("mine", "readable", "other"))
    async with opened(tmp_path, read=(readable,), write=(mine,)) as tools:
        source_of(tools).settle(house_of(walls))
        paths = [f"{each}/note" for each in (mine, readable, other)]
        words = {"paths": paths, "pid": os.getpid(), "port": listening}
        told = json.loads(await use(tools["shop_look_around"], json.dumps(words)))
    assert told[f"read {mine}/note"] == "got mine"
    assert told[f"write {mine}/note"] == "got 1"
    assert told[f"read {readable}/note"] == "got readable"
    refused = {told[f"write {readable}/note"], told[f"read {other}/note"]}
    refused |= {told[f"write {other}/note"], told["signal"], told["connect"]}
    assert {each.partition(":")[0] for each in refused} == {"refused"}
    assert told["folder"] == mine
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["note"]


async def test_journal_and_keys_are_out_of_its_sight(tmp_path: Path, walls: Sandbox) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in ("journal.db", "note"):
        (work / name).write_text(name)
    paths = [str(work / "journal.db"), str(work / "note")]
    hidden = (paths[0], str(work / "journal.db-wal"))  # which is not there yet
    async with opened(tmp_path, read=(str(work),)) as tools:
        source_of(tools).settle(house_of(walls, hidden))
        words = {"paths": paths, "pid": os.getpid(), "port": 1}
        told = json.loads(await use(tools["shop_look_around"], json.dumps(words)))
    assert told[f"read {paths[0]}"].startswith("refused")
    assert told[f"read {paths[1]}"] == "got note"


async def test_each_tenant_and_user_has_a_folder(tmp_path: Path) -> None:
    base = tmp_path / "files"
    base.mkdir()
    async with opened(tmp_path, write=(f"{base}/{{tenant}}/{{user}}",)) as tools:
        look = tools["shop_look_around"]
        folders = {}
        for tenant, user in (("acme", "ann"), ("acme", "bob"), ("beta", "ann"), ("..", "../..")):
            mine = f"{base}/acme/ann/note"
            words = json.dumps({"paths": [mine], "pid": 1, "port": 1})
            told = json.loads(await use(look, words, tenant=tenant, user=user))
            folders[tenant, user] = told["folder"]
            assert (told[f"write {mine}"] == "got 1") == ((tenant, user) == ("acme", "ann"))
    assert folders == {
        ("acme", "ann"): f"{base}/acme/ann",
        ("acme", "bob"): f"{base}/acme/bob",
        ("beta", "ann"): f"{base}/beta/ann",
        ("..", "../.."): f"{base}/%2e%2e/%2e%2e%2f%2e%2e",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["files", "shop.json"]


async def test_a_folder_that_names_could_leave_is_refused(tmp_path: Path) -> None:
    for path in ("{tenant}", "/{tenant}", f"{tmp_path}/{{tenant}}-{{user}}", "/srv/../{user}"):
        async with opened(tmp_path, write=(path,)) as tools:
            with pytest.raises((ConfigError, OutsideError)):
                await use(tools["shop_find_order"], '{"number": 1}')


async def test_no_server_outlives_its_session(tmp_path: Path, walls: Sandbox) -> None:
    name = mark()
    code = f"import subprocess; subprocess.Popen(['setsid', 'sleep', {name!r}])"
    start = f"{code}; exec(open({str(SERVER)!r}).read())"
    command = (sys.executable, "-c", start, "stdio")
    async with opened(tmp_path, command=command, read=(str(SERVER.parent),)) as tools:
        source_of(tools).settle(house_of(walls))
        assert await use(tools["shop_find_order"], '{"number": 7}') == "order 7 "
        assert alive(name)
    assert not alive(name)


async def test_a_server_that_writes_one_endless_line_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MAX_LINE", 100_000)
    monkeypatch.setattr(stdio, "MAX_LINE", 100_000)
    flood = (sys.executable, "-c", "import sys\nwhile True: sys.stdout.write('x' * 65536)")
    for words in ({}, {"unconfined": WHY}):
        source = source_of(tools_of(tmp_path, command=flood, **words))
        with pytest.raises(OutsideError, match="cannot be started"):
            await source.differences()
        await source.close()


async def test_garbage_between_the_lines_is_passed_over(tmp_path: Path) -> None:
    start = f"print('hello'); print('{{}}'); print('[1'); exec(open({str(SERVER)!r}).read())"
    command = (sys.executable, "-u", "-c", start, "stdio")
    async with opened(tmp_path, command=command, read=(str(SERVER.parent),)) as tools:
        assert await use(tools["shop_find_order"], '{"number": 7}') == "order 7 "


# ---------------------------------------------------------------- not confined


class NoWalls:
    """A machine on which nothing can be confined."""

    name = "none"

    async def run(self, command: Command) -> Finished:
        raise SandboxUnavailable(f"nothing confines {command.argv[0]} here")

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        raise SandboxUnavailable(f"nothing confines {command.argv[0]} here")


async def test_where_nothing_confines_it_does_not_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as tools:
        source_of(tools).settle(house_of(NoWalls()))
        with pytest.raises(OutsideError, match="nothing confines"):
            await use(tools["shop_find_order"], '{"number": 1}')


async def test_outside_a_sandbox_only_with_a_reason_and_never_in_production(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "planted")
    async with opened(tmp_path, unconfined=WHY) as tools:
        source_of(tools).settle(house_of(NoWalls()))
        told = json.loads(await use(tools["shop_tell_environment"], "{}"))
        assert "PLANTED" not in told
        assert "HOME" not in told
        with pytest.raises(SpecError, match="which production refuses: take `unconfined` away"):
            source_of(tools).settle(house_of(NoWalls(), environment="production"))
    source_of(tools_of(tmp_path)).settle(house_of(NoWalls(), environment="production"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unconfined": "yes"}, "say why in a sentence"),
        ({"unconfined": WHY, "write": ("/srv",)}, "for a command in the sandbox, or outside"),
        ({"command": (), "url": "https://e.com", "hosts": ("e.com",)}, "for a command"),
        ({"command": (), "url": "https://e.com", "unconfined": WHY}, "for a command"),
        ({"limits": {"wall_s": 3}}, "limits: 'wall_s'; there are cpu_s"),
        ({"hosts": ("10.0.0.1",)}, "private network"),
        ({"hosts": ("*",)}, "is no host"),
    ],
)
def test_a_declaration_that_will_not_do(
    tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(SpecError, match=says):
        tools_of(tmp_path, **changes)


# ---------------------------------------------------------------- sessions


async def test_nobody_speaks_with_anothers_credential(tmp_path: Path) -> None:
    words = {"credential": "crm", "credential_variable": "SHOP_KEY"}
    async with opened(tmp_path, **words) as tools:
        tell = tools["shop_tell_environment"]
        told = await asyncio.gather(
            *(use(tell, "{}", f"token-{number % 3}") for number in range(9))
        )
        found = [json.loads(each)["SHOP_KEY"] for each in told]
        assert found == [f"token-{number % 3}" for number in range(9)]
        assert len(source_of(tools).server._sessions) == 3


async def test_sessions_are_bounded_and_idle_ones_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "MAX_SESSIONS", 2)
    async with opened(tmp_path) as tools:
        find, server = tools["shop_find_order"], source_of(tools).server
        for tenant in ("a", "b", "c"):
            assert await use(find, '{"number": 7}', tenant=tenant) == "order 7 "
            assert len(server._sessions) <= 2
        assert [party for party, _ in server._sessions] == [Party("b"), Party("c")]
        for session in server._sessions.values():
            session.busy += 1
        with pytest.raises(OutsideError, match="2 sessions are busy"):
            await use(find, '{"number": 7}', tenant="d")
        for session in server._sessions.values():
            session.busy -= 1
        monkeypatch.setattr(server_module, "IDLE_S", 0.0)
        assert await use(find, '{"number": 7}', tenant="d") == "order 7 "
        assert [party for party, _ in server._sessions] == [Party("d")]


async def test_one_tenants_broken_server_leaves_the_others_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as tools:
        find = tools["shop_find_order"]
        for _ in range(4):
            with pytest.raises(OutsideError):
                await use(find, '{"number": 500}')
        with pytest.raises(OutsideError, match="left alone for a while"):
            await use(find, '{"number": 1}')
        assert await use(find, '{"number": 1}', tenant="beta") == "order 1 "


async def test_everybody_is_nobodys_name() -> None:
    assert Party("*", "*") == EVERYBODY


async def test_what_a_running_server_changes_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("remit.adapters.mcp.session.LOOK_AGAIN_S", 0.0)
    async with opened(tmp_path) as tools:
        assert await use(tools["shop_find_order"], '{"number": 1}') == "order 1 "
        await use(tools["shop_find_order"], '{"number": 99}')  # from now on it is another tool
        with pytest.raises(ToolError, match="changed by its server and stopped"):
            await use(tools["shop_find_order"], '{"number": 1}')
