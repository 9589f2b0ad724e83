"""The contract of the Sandbox port, for every adapter: what runs, how it ends, what is left."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from remit.errors import CommandRefused, SandboxFailed
from remit.ports import Sandbox
from remit.values.command import Finished
from tests.adapters.sandbox.conftest import Run, alive, eventually, mark, python

pytestmark = pytest.mark.requirement("TOOL-17")

# ---------------------------------------------------------------- what runs


async def test_a_program_runs(run: Run, usual_sandbox: Sandbox, tmp_path: Path) -> None:
    ended = await run("sh", "-c", "cat; pwd; echo problem >&2; exit 7", stdin=b"given\n")
    assert ended == Finished(
        exit_code=7,
        stdout=f"given\n{tmp_path}\n".encode(),
        stderr=b"problem\n",
        truncated=False,
        ended="exited",
        confinement=usual_sandbox.name,
    )


async def test_declared_folders_are_seen(run: Run, tmp_path: Path) -> None:
    readable, work = tmp_path / "readable", tmp_path / "work"
    readable.mkdir()
    work.mkdir()
    (readable / "note").write_text("hello")
    code = f"cat {readable}/note > out && mkdir -p a/b && touch a/b/c && mv a moved"
    ended = await run("sh", "-c", code, cwd=str(work), read=(str(readable),), write=(str(work),))
    assert ended.exit_code == 0, ended.stderr
    assert (work / "out").read_text() == "hello"
    assert (work / "moved/b/c").exists()


async def test_folders_can_be_named_through_links(run: Run, tmp_path: Path) -> None:
    (tmp_path / "work/deep").mkdir(parents=True)
    (tmp_path / "alias").symlink_to("work")
    alias = str(tmp_path / "alias")
    code = f"touch here && touch {alias}/there && ls {alias}/deep"
    ended = await run("sh", "-c", code, cwd=f"{alias}/deep", write=(alias,))
    assert ended.stdout == b"here\n", ended.stderr
    assert (tmp_path / "work/there").exists()


async def test_nothing_is_inherited(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "secret")
    ended = await run("env", env={"GIVEN": "a b=c\n", "LANG": "de_DE.UTF-8"})
    names = {line.partition(b"=")[0] for line in ended.stdout.splitlines() if b"=" in line}
    # PWD is made by a shell that some systems start programs with.
    assert names - {b"PWD"} == {b"PATH", b"HOME", b"LANG", b"TMPDIR", b"GIVEN"}
    assert b"GIVEN=a b=c\n" in ended.stdout
    assert b"LANG=de_DE.UTF-8\n" in ended.stdout
    assert os.environ["HOME"].encode() not in ended.stdout


async def test_only_the_standard_streams_are_open(run: Run) -> None:
    code = """
import os
found = []
for fd in range(512):
    try:
        os.fstat(fd)
        found.append(fd)
    except OSError:
        pass
print(found)
"""
    assert (await run(*python(code))).stdout == b"[0, 1, 2]\n"


async def test_temporary_files_are_private_and_go(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = f"left-{uuid.uuid4()}"
    code = f"""
import os, tempfile
path = os.path.join(tempfile.gettempdir(), {name!r})
os.makedirs(path + "/closed/deep")
os.symlink("/", path + "/closed/link")
os.chmod(path + "/closed", 0)
open(os.path.join(os.environ["HOME"], "x"), "w").close()
print("made")
"""
    ended = await run(*python(code))
    assert ended.stdout == b"made\n", ended.stderr
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp", name).exists()  # noqa: S108  # what would be left of a shared one


async def test_the_environment_of_the_interpreter_is_there(run: Run) -> None:
    ended = await run("python", "-c", "import pytest, ssl, sqlite3; print(pytest.__name__)")
    assert ended.stdout == b"pytest\n", ended.stderr


async def test_worker_processes_and_loopback(usual_sandbox: Sandbox, run: Run) -> None:
    if usual_sandbox.name == "landlock+seccomp":
        pytest.skip("without namespaces there is no shared memory and no network of its own")
    code = """
import concurrent.futures, socket, threading
with concurrent.futures.ProcessPoolExecutor(2) as pool:
    print(sum(pool.map(abs, [1, 2])))
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).sendall(b"hi")
    print(server.accept()[0].recv(2))
"""
    ended = await run("python", "-c", code)
    assert ended.stdout == b"3\nb'hi'\n", ended.stderr


async def test_odd_words_arrive_unchanged(run: Run) -> None:
    words = ("", "a b", "--", "-x", "\\", "ü\n", "\udc80", "$(true)", "x" * 5000)
    code = "import os, sys; print([os.fsencode(w) for w in sys.argv[1:]])"
    ended = await run(*python(code), *words)
    assert ended.stdout.decode() == f"{[os.fsencode(word) for word in words]}\n", ended.stderr


async def test_a_program_need_not_read_its_input(run: Run) -> None:
    assert (await run("true", stdin=b"x" * 3_000_000)).exit_code == 0


async def test_large_input_and_output(run: Run) -> None:
    content = os.urandom(3_000_000)
    ended = await run("cat", stdin=content, output_bytes=4_000_000)
    assert ended.stdout == content


async def test_many_at_once(run: Run) -> None:
    ended = await asyncio.gather(*(run("sh", "-c", f"echo {number}") for number in range(8)))
    assert [one.stdout for one in ended] == [f"{number}\n".encode() for number in range(8)]


async def test_the_command_line_is_hidden(run: Run) -> None:
    own = Path(sys.prefix, "bin", "remit")
    if not own.is_file():
        pytest.skip("remit is not installed as a program here")
    ended = await run(*python(f"open({str(own)!r}).read()"))
    assert b"PermissionError" in ended.stderr
    assert (await run(str(Path(sys.prefix, "bin", "python")), "-c", "1")).exit_code == 0


# ---------------------------------------------------------------- how it ends


async def test_a_signal(run: Run) -> None:
    ended = await run("sh", "-c", "kill -SEGV $$")
    assert (ended.ended, ended.exit_code) == ("signalled", 128 + signal.SIGSEGV)


async def test_its_group_is_its_own(run: Run) -> None:
    ended = await run("sh", "-c", "kill -KILL 0")
    assert (ended.ended, ended.exit_code) == ("signalled", 128 + signal.SIGKILL)


async def test_the_interpreter_ignores_no_signal_for_it(run: Run) -> None:
    ended = await run("sh", "-c", "yes | head -1; kill -PIPE $$", timeout_s=20)
    assert (ended.ended, ended.exit_code) == ("signalled", 128 + signal.SIGPIPE)


async def test_a_timeout_kills_the_whole_tree(run: Run) -> None:
    name = mark()
    code = f"echo begun; setsid sleep {name} & sleep {name} & trap '' TERM; sleep {name}"
    ended = await run("sh", "-c", code, timeout_s=1.0)
    assert (ended.ended, ended.exit_code, ended.stdout) == ("timeout", None, b"begun\n")
    assert not alive(name)


async def test_what_it_leaves_behind_is_killed(run: Run) -> None:
    name = mark()
    # Both keep the streams open, one of them in a session of its own.
    ended = await run("sh", "-c", f"setsid sleep {name} & sleep {name} & echo done")
    assert (ended.ended, ended.stdout) == ("exited", b"done\n")
    assert not alive(name)


async def test_cancelling_kills_the_whole_tree(run: Run) -> None:
    name = mark()
    task = asyncio.ensure_future(run("sh", "-c", f"setsid sleep {name} & sleep {name}"))
    while not await asyncio.to_thread(alive, name):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0)
    # Once more while it is being killed: that changes nothing.
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(name)


async def test_cancelling_at_once(run: Run) -> None:
    name = mark()
    for turns in range(12):
        task = asyncio.ensure_future(run("sleep", name))
        for _ in range(turns):
            await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert eventually(lambda: not alive(name))


def test_it_dies_with_the_one_who_asked(usual_sandbox: Sandbox, tmp_path: Path) -> None:
    name = mark()
    code = f"""
import asyncio
from remit.adapters.sandbox.find import working_sandboxes
from remit.values.command import Command
sandbox = next(s for s in working_sandboxes() if s.name == {usual_sandbox.name!r})
work = {str(tmp_path)!r}
argv = ("sh", "-c", "touch $TMPDIR/left; setsid sleep {name} & sleep {name}")
asyncio.run(sandbox.run(Command(argv=argv, cwd=work, write=(work,))))
"""
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], env=env) as asker:
        assert eventually(lambda: alive(f"sleep\0{name}"))
        asker.send_signal(signal.SIGKILL)
    assert eventually(lambda: not alive(name))
    assert eventually(lambda: not list(tmp_path.glob("remit-sandbox-*/*")))


async def test_it_dies_with_the_launcher(run: Run, usual_sandbox: Sandbox) -> None:
    name = mark()
    task = asyncio.ensure_future(run("sleep", name))
    while not await asyncio.to_thread(alive, f"sleep\0{name}"):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    for path in Path("/proc").glob("[0-9]*/stat"):
        parent = int(path.read_text().rpartition(")")[2].split()[1])
        if parent == os.getpid() and b"launcher" in path.with_name("cmdline").read_bytes():
            os.kill(int(path.parent.name), signal.SIGKILL)
    with pytest.raises(SandboxFailed, match="the launcher died"):
        await task
    assert eventually(lambda: not alive(name))


async def test_a_program_that_cannot_start(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    if os.geteuid() != 0 and (await run("true")).confinement == "bubblewrap":
        with pytest.raises(SandboxFailed, match="execvp"):
            await run("./script")
    else:
        with pytest.raises(SandboxFailed, match=r"start .*script: No such file"):
            await run("./script")
    with pytest.raises(CommandRefused, match="not installed or not executable"):
        await run("no-such-program")
