"""`remit demo --serve` as people start it: the whole journey, and an end in order."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from remit.cli.demo_serve import FREE_CALLS, scenario
from remit.cli.demo_stage import Stage
from remit.simulator.load import parse_scenario
from remit.values.clean import Clean
from remit.values.message import Message, Origin, TextPart
from remit.values.model import ModelRequest, RawText
from tests.cli.terminal import Remit
from tests.docs.blocks import blocks
from tests.examples.provider import lomu, lomu_at_work, till
from tests.examples.scratch import git
from tests.server.acting import Json, list_of, pick, tree, wait
from tests.server.stage import Client
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.requirement("UX-2")
TUTORIAL = "docs/tutorial/console.md"
WISH = "Fix the receipt and commit it."


@contextmanager
def serving(folder: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], Json]]:
    """The process as a user starts it, and what it tells."""
    with subprocess.Popen(
        [sys.executable, "-m", "remit", "demo", "--serve", "--json", *words],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@asynccontextmanager
async def signed_in(told: Json) -> AsyncIterator[Client]:
    """The browser of who started it, signed in by the printed link."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        client = Client(str(told["url"]), http)
        path = str(told["link"]).removeprefix(client.url)
        assert (await client.get(path)).status == 303
        client.headers["x-csrf-token"] = str(tree(await client.get("/api/v1/me"))["csrf"])
        yield client


async def say(client: Client, text: str) -> Json:
    """Say something in the one conversation; the run once it has ended or asks."""
    body = {"agent": "lomu", "input": text}
    answer = await client.ask("POST", "/api/v1/sessions/chat/messages", json=body)
    assert answer.status == 201, answer.text
    return await settled(client, tree(answer))


async def settled(client: Client, run: Json) -> Json:
    """The run once it has ended or waits for people, however busy the machine is."""
    found = await wait(client, run)
    while found["status"] == "running":
        found = await wait(client, run)
    return found


async def asked_provider(told: Json) -> int:
    """How many requests the provider has had."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{told['provider']}/_simulator/report") as answer,
    ):
        return len(list_of((await answer.json())["served"]))


async def pay(url: str) -> Json:
    """Follow the checkout link of a notice and press the button, as a browser does."""
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as page:
            assert page.status == 200
            found = re.search(r'name="client_reference_id" value="([\w-]+)"', await page.text())
        assert found is not None
        form = {"client_reference_id": found[1]}
        headers = {"accept": "application/json", "origin": url.partition("/checkout")[0]}
        async with http.post(url, data=form, headers=headers) as done:
            assert done.status == 200
            return cast("Json", await done.json())


def children(pid: int) -> list[int]:
    """A process and all below it."""
    found, below = [pid], dict[int, list[int]]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        below.setdefault(parent, []).append(int(folder.name))
    for each in found:
        found += below.get(each, [])
    return found


def listening(pid: int) -> list[str]:
    """The addresses at which a process and its children listen, as the kernel writes them."""
    inodes = set()
    for each in children(pid):
        for fd in Path(f"/proc/{each}/fd").iterdir():
            try:
                target = str(fd.readlink())
            except OSError:
                continue
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:  # 0A: LISTEN
                found.append(words[1].partition(":")[0])
    return found


async def use_up(client: Client, told: Json) -> Json:
    """Ask on until the plan is used up; the run that was refused."""
    for _ in range(FREE_CALLS):
        before = await asked_provider(told)
        run = await say(client, "What was wrong with it?")
        if run["status"] != "completed":
            assert await asked_provider(told) == before, "a prompt at the cap reached the provider"
            return run
        assert "dropped the quantity" in str(run["output"])
    raise AssertionError("the plan has no end")


@pytest.mark.requirement("BIL-3", "APR-2", "UX-1", "REF-1")
async def test_chat_approve_cap_pay_go_on(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, told):
        repo = Path(str(told["repository"]))
        assert listening(process.pid) == ["0100007F"] * 3, "server, checkout, provider: loopback"
        async with signed_in(told) as client:
            run = await asks_for_the_commit(client)
            assert git(repo, "rev-list", "--count", "HEAD") == "1"
            await agree(client, run)
            assert git(repo, "rev-list", "--count", "HEAD") == "2"
            below = tree(await client.get("/api/v1/runs?sub_runs=true"))
            agents = [str(pick(each, "agent")) for each in list_of(below["runs"])]
            assert sorted(agents) == ["auditor", "auditor", "coder", "coder", "lomu", "planner"]
            refused = await use_up(client, told)
            upgrade = cast("Json", refused["upgrade"])
            assert (refused["status"], upgrade["plan"]) == ("stopped", "free")
            assert f"allows {FREE_CALLS} calls today; {FREE_CALLS} calls" in str(upgrade["text"])
            url = str(upgrade["checkout_url"])
            first, second = await pay(url), await pay(url)
            assert (first["status"], first["result"]) == (200, "applied")
            assert second == first | {"result": "repeated"}, "the same event counts once"
            again = await say(client, "What was wrong with it?")
            assert (again["status"], again["upgrade"]) == ("completed", None)
        await ended(process)
    shown = await asyncio.to_thread(commands_of_the_tutorial, tmp_path)
    assert shown.count("completed") >= 4
    assert "commit_changes" in shown
    assert "sound local" in shown
    assert "Approved-by: local:" in shown


def commands_of_the_tutorial(folder: Path) -> str:
    """What they print in the folder in which the demo was started."""
    assert TUTORIAL == "docs/tutorial/console.md"
    found = [each.code for each in blocks(ROOT, TUTORIAL) if "$ export REMIT_URL" in each.code]
    (code,) = found
    script = "".join(line.removeprefix("$ ") + "\n" for line in code.splitlines())
    done = subprocess.run(
        ["/bin/bash", "-eu", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.requirement("DUR-3", "APR-2")
async def test_it_is_taken_up_where_it_was_stopped(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, told):
        async with signed_in(told) as client:
            body = {"agent": "lomu", "input": WISH}
            run = tree(await client.ask("POST", "/api/v1/runs", json=body))
            async with asyncio.timeout(60):
                while await asked_provider(told) < 4:
                    await asyncio.sleep(0.05)
        await ended(process)
    with serving(tmp_path, "--resume") as (process, again):
        assert again["journal"] == told["journal"]
        async with signed_in(again) as client:
            await agree(client, await settled(client, run))
        await ended(process)
    repo = Path(str(told["repository"]))
    assert git(repo, "rev-list", "--count", "HEAD") == "2", "one commit, and no second one"


async def ended(process: subprocess.Popen[str]) -> None:
    """Ctrl-C ends it in order, and all that it started."""
    below = children(process.pid)[1:]
    assert below, "the provider is a process of its own"
    process.send_signal(signal.SIGINT)
    assert await asyncio.to_thread(process.wait, 30) == 0
    assert not [each for each in below if Path(f"/proc/{each}").exists()]


async def asks_for_the_commit(client: Client) -> Json:
    """The wish; the run once its commit waits for a person."""
    run = await say(client, WISH)
    (pending,) = list_of(run["approvals"])
    assert (run["status"], pick(pending, "tool")) == ("waiting", "commit_changes")
    return run


async def agree(client: Client, run: Json) -> None:
    """Agree to exactly that commit; the run goes on to its end."""
    (pending,) = list_of(run["approvals"])
    path = f"/api/v1/approvals/{pick(pending, 'approval')}/approve"
    answer = await client.ask("POST", path, json={"digest": pick(pending, "digest")})
    assert answer.status == 200, answer.text
    run = await settled(client, run)
    assert run["status"] == "completed"
    assert "is committed as" in str(run["output"])


async def test_what_is_done_already_is_not_done_again(tmp_path: Path) -> None:
    repo, file = till(tmp_path / "till"), "till/receipt.py"
    script = parse_scenario(scenario(Stage(tmp_path)).read_text())
    mended = next(
        str(call.arguments["content"])
        for rule in script.rules
        for call in rule.reply.calls
        if call.arguments is not None and "rpartition" in str(call.arguments.get("content"))
    )
    (repo / file).write_text(mended)
    git(repo, "commit", "--quiet", "--all", "-m", "By hand")
    agent = lomu(repo)
    async with lomu_at_work(agent, tmp_path / "journal.db", script) as (app, _):
        run = await app.run(agent, WISH)
    assert (run.status, run.approvals) == ("completed", ())
    assert "There is nothing to do" in run.output


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("Hello, who are you?", "I am Lomu"),
        ("What was wrong with the receipt?", "line_total in till/receipt.py dropped"),
        ("Sing a song", "A script answers here"),
        ("Please FIX it", "First a plan."),
        ("mend the\nreceipt", "First a plan."),
    ],
)
def test_the_script_has_an_answer_to_everything(tmp_path: Path, said: str, begins: str) -> None:
    script = parse_scenario(scenario(Stage(tmp_path)).read_text())
    origin = Origin(kind="user", name="ann")
    text = TextPart(text=Clean.vouch(said), origin=origin)
    request = ModelRequest(
        model="x",
        system="You are Lomu, the lead of a small team",
        messages=(Message(role="user", parts=(text,)),),
        max_output_tokens=100,
    )
    _, answer = script.reply(request)
    (first, *_) = answer.parts
    assert isinstance(first, RawText)
    assert first.text.startswith(begins)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--serve", "--crash"), "--serve goes with --port and --resume alone"),
        (("--serve", "--yes"), "--serve goes with --port and --resume alone"),
        (("--port", "80"), "--port is that of --serve"),
        (("--serve", "--resume"), "run `remit demo --serve`"),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = Remit()("demo", *words)
    assert says in result.output
    assert result.exit_code == 2


def test_a_missing_extra_is_named_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "remit.server.serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = Remit()("demo", "--serve")
    assert "pip install 'remit[server]'" in result.output
    assert result.exit_code == 2
    assert not (tmp_path / ".remit").exists()
