"""What people are shown of a call before they agree is what they agree to, and all of it."""

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest

from remit import App, HookedCall, Preview, Remit, Run, ToolError, tool
from remit.app.replay import read_past
from remit.errors import NotAllowed, NotFound, SpecError
from remit.journal.events import ApprovalRequested, InboxIgnored, ToolFailed
from remit.machine.agent import Agent
from remit.machine.previewing import NO_PREVIEW
from remit.projections.redecide import redecide
from remit.runtime import previewing
from remit.values.preview import Previewed
from tests.runtime.stage import (
    PATIENCE_S,
    Script,
    an_agent,
    journal_at,
    opened,
    secret,
    told,
    written,
)

FILES: dict[str, str | bytes] = {}
ASKED: list[HookedCall] = []
LATER: list[str] = []
"""What stands in the file from the third look on, one look each."""


@pytest.fixture(autouse=True)
def fresh() -> None:
    FILES.clear()
    ASKED.clear()
    LATER.clear()
    FILES["till.py"] = "total = 1\nprint(total)\n"


def what_it_would_do(call: HookedCall, path: str, content: str) -> Preview:
    ASKED.append(call)
    if content == "break":
        raise RuntimeError(f"no file for {secret('break')}")
    if content == "refuse":
        raise ToolError("that file is closed")
    if content == "number":
        return 7  # type: ignore[return-value]  # what a careless tool returns
    if len(ASKED) > 2 and LATER:
        FILES[path] = LATER.pop(0)
    return Preview.files({path: (FILES.get(path), content)})


@tool(access="write", preview=what_it_would_do)
def write_till(path: str, content: str) -> str:
    """Write a file."""
    FILES[path] = content
    return "written"


def writer(needed: int = 1) -> Agent[str]:
    return an_agent("writer", tools=[write_till], remit=Remit(approvals={write_till: needed}))


def a_write(content: str, path: str = "till.py") -> tuple[Script, Script]:
    return {"write_till": {"path": path, "content": content}}, "done"


def shown(run: Run[str] | Run[object]) -> Previewed:
    (asked,) = run.approvals
    assert asked.preview is not None
    return asked.preview


async def agree(app: App, run: Run[str], person: str = "ann", **more: str) -> Run[object]:
    """Say yes to the call that waits, and wait until the run has read it."""
    (asked,) = (await app.get(run.id)).approvals
    await app.desk.approve("local", asked.id, principal=person, channel="test", **more)
    async with asyncio.timeout(PATIENCE_S):
        while True:
            now = await app.get(run.id)
            if [(each.id, each.given) for each in now.approvals] != [(asked.id, asked.given)]:
                break
            if await told(app, run.id, InboxIgnored):
                break
            await asyncio.sleep(0.005)
    return now if now.approvals else await app.wait(run.id, timeout_s=PATIENCE_S)


async def decided_again(app: App, run: Run[str]) -> bool:
    """Replaying the journal comes to the same decisions."""
    row = await app.store.run("local", run.id)
    assert row is not None
    past = await read_past(app.engine.reader, row)
    return all(each.same for each in redecide(past.before, past.pairs))


# ---------------------------------------------------------------- shown, and bound


@pytest.mark.requirement("APR-2", "APR-4")
async def test_people_see_what_a_call_would_do_and_agree_to_it() -> None:
    agent = writer()
    async with opened("memory:", [agent], *a_write("total = 2\nprint(total)\n")) as app:
        run = await app.run(agent, "Mend it", user="bob")
        assert shown(run).text.split("\n") == [
            "@ till.py",
            "@@ -1,2 +1,2 @@",
            "-total = 1",
            "+total = 2",
            " print(total)",
        ]
        assert (shown(run).added, shown(run).cut, shown(run).missing) == (1, 1, "")
        (asked,) = await told(app, run.id, ApprovalRequested)
        assert asked.preview == shown(run)
        assert (ASKED[0].user, ASKED[0].run, ASKED[0].tool) == ("bob", run.id, "write_till")
        ended = await agree(app, run)
        assert ended.status == "completed"
        assert FILES["till.py"] == "total = 2\nprint(total)\n"
        assert await decided_again(app, run)


@pytest.mark.requirement("PERM-7", "APR-4")
async def test_what_changed_after_it_was_shown_is_asked_about_again() -> None:
    agent = writer()
    async with opened("memory:", [agent], *a_write("new\n")) as app:
        run = await app.run(agent, "Write")
        first = run.approvals[0]
        FILES["till.py"] = "somebody else was here\n"
        now = await agree(app, run, digest=first.digest)
        assert FILES["till.py"] == "somebody else was here\n"
        second = now.approvals[0]
        assert (second.id, second.digest) != (first.id, first.digest)
        assert "-somebody else was here" in shown(now).shown
        assert "not what was shown" in second.reason
        with pytest.raises((NotAllowed, NotFound)):
            await app.approve(first.id, principal="ann", digest=first.digest)
        with pytest.raises(NotAllowed, match="has changed since"):
            await app.approve(second.id, principal="ann", digest=first.digest)
        assert (await agree(app, run, digest=second.digest)).status == "completed"
        assert FILES["till.py"] == "new\n"
        assert await decided_again(app, run)


@pytest.mark.requirement("PERM-7")
async def test_what_changes_between_the_word_and_the_call_is_refused() -> None:
    agent = writer()
    async with opened("memory:", [agent], *a_write("new\n")) as app:
        run = await app.run(agent, "Write")
        LATER[:] = ["slipped in\n"]  # after the run has read the word, before it acts
        assert (await agree(app, run)).status == "completed"
        (failed,) = await told(app, run.id, ToolFailed)
        assert failed.kind == "denied"
        assert "has changed" in failed.text
        assert FILES["till.py"] == "slipped in\n"
        assert len(ASKED) == 3


@pytest.mark.requirement("APR-4")
async def test_who_changes_the_arguments_sees_what_the_changed_call_would_do() -> None:
    agent = writer()
    async with opened("memory:", [agent], *a_write("new\n")) as app:
        run = await app.run(agent, "Write")
        now = await agree(app, run, arguments='{"path": "till.py", "content": "mine\\n"}')
        assert "+mine" in shown(now).shown
        assert now.approvals[0].reason == "ann changed the call; this is what it would do now"
        assert now.approvals[0].given == ()
        assert (await agree(app, run)).status == "completed"
        assert FILES["till.py"] == "mine\n"
        assert await decided_again(app, run)


@pytest.mark.requirement("APR-3", "APR-4")
async def test_two_people_agree_to_the_same_view() -> None:
    agent = writer(needed=2)
    async with opened("memory:", [agent], *a_write("new\n")) as app:
        run = await app.run(agent, "Write", user="carl")
        now = await agree(app, run, "ann")
        assert now.approvals[0].given == ("ann",)
        FILES["till.py"] = "other\n"
        again = await agree(app, run, "bob")
        assert again.approvals[0].given == ()  # nobody has agreed to this
        await agree(app, run, "ann")
        assert (await agree(app, run, "bob")).status == "completed"
        assert FILES["till.py"] == "new\n"
        assert await decided_again(app, run)


# ---------------------------------------------------------------- nothing to be seen


@pytest.mark.requirement("PERM-8", "APR-4")
@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("break", "it raised RuntimeError: no file for [secret:github-token:"),
        ("refuse", "that file is closed"),
        ("number", "its preview is int"),
    ],
)
async def test_what_cannot_be_shown_is_refused_and_nobody_is_asked(content: str, why: str) -> None:
    agent = writer()
    async with opened("memory:", [agent], *a_write(content)) as app:
        run = await app.run(agent, "Write")
        assert run.status == "completed"
        (failed,) = await told(app, run.id, ToolFailed)
        assert (failed.kind, failed.rule) == ("denied", NO_PREVIEW)
        assert why in failed.text
        assert "cannot be shown to whoever must agree" in failed.text
        assert not await told(app, run.id, ApprovalRequested)
        assert "total" in str(FILES["till.py"])
        assert await decided_again(app, run)


@pytest.mark.requirement("PERM-8")
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_what_takes_too_long_is_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "_PREVIEW_S", 0.01)
    release = threading.Event()

    async def waits() -> str:
        await asyncio.sleep(3600)
        return ""

    def blocks() -> str:
        release.wait(PATIENCE_S)
        return ""

    @tool(access="write", preview=waits if kind == "async" else blocks)
    def close_shop() -> str:
        """Close the shop."""
        return "closed"

    agent = an_agent(tools=[close_shop], remit=Remit(approvals={close_shop: 1}))
    async with opened("memory:", [agent], {"close_shop": {}}, "done") as app:
        run = await app.run(agent, "Close")
        release.set()
        (failed,) = await told(app, run.id, ToolFailed)
        assert "it took longer than 0.01 s" in failed.text


@pytest.mark.requirement("PERM-8")
async def test_a_word_without_a_view_is_not_taken() -> None:
    agent = writer()
    async with opened("memory:", [agent], *a_write("new\n")) as app:
        run = await app.run(agent, "Write")
        FILES["till.py"] = 7  # type: ignore[assignment]  # what cannot be shown
        now = await agree(app, run)
        assert now.status == "waiting"
        (ignored,) = await told(app, run.id, InboxIgnored)
        assert "cannot be shown" in ignored.reason
        assert await decided_again(app, run)


async def test_a_call_that_nobody_must_agree_to_needs_no_view() -> None:
    agent = writer(needed=0)
    async with opened("memory:", [agent], *a_write("break")) as app:
        assert (await app.run(agent, "Write")).status == "completed"
        assert FILES["till.py"] == "break"


# ---------------------------------------------------------------- attacks


@pytest.mark.requirement("SEC-1", "APR-2")
async def test_a_secret_in_what_would_change_is_not_shown_and_not_kept(tmp_path: Path) -> None:
    agent = writer()
    old, new = secret("old"), secret("new")
    FILES["till.py"] = f"TOKEN = '{old}'\n" + "x = 1\n" * 100
    lines = f"TOKEN = '{new}'\n" + "y = 2\n" * 1_000
    async with opened(journal_at(tmp_path), [agent], *a_write(lines)) as app:
        run = await app.run(agent, "Write")
        preview = shown(run)
        assert "+TOKEN = '[secret:github-token:" in preview.text
        whole = await app.store.blob("local", preview.artifact)
        assert whole is not None
        assert len(whole) == preview.artifact_bytes
        for each in (old, new):
            assert each not in preview.text
            assert each.encode() not in whole
    for each in (old, new):
        assert each.encode() not in written(tmp_path)


@pytest.mark.requirement("APR-2")
async def test_a_giant_change_is_cut_honestly_and_kept_whole(tmp_path: Path) -> None:
    agent = writer()
    content = "".join(f"line {number}\n" for number in range(5_000))
    async with opened(journal_at(tmp_path), [agent], *a_write(content, "new.txt")) as app:
        run = await app.run(agent, "Write")
        preview = shown(run)
        assert len(preview.shown) == 400
        assert preview.lines == 5_002
        assert preview.missing == (
            f"cut, 4,602 more lines; whole in the artifact {preview.artifact[:16]}"
        )
        whole = await app.store.blob("local", preview.artifact)
        assert whole is not None
        assert whole.decode().split("\n")[-1] == "+line 4999"
        assert (await agree(app, run)).status == "completed"


@pytest.mark.requirement("PERM-7", "APR-2")
async def test_no_text_drives_what_shows_it() -> None:
    agent = writer()
    evil = "\x1b[2Jclear\r\u202eright to left\u2066\nsee \ufe0f\u3164 nothing\x00"
    async with opened("memory:", [agent], *a_write(evil, "a\u202egpj.py\n@ b.py")) as app:
        run = await app.run(agent, "Write")
        assert shown(run).shown == (
            "@ a\\u202egpj.py @ b.py (new)",
            "@@ -0,0 +1,2 @@",
            "+\\u001b[2Jclear\\u000d\\u202eright to left\\u2066",
            "+see \\ufe0f\\u3164 nothing\\u0000",
            "@ no line end at the end of the file",
        )


@pytest.mark.requirement("APR-2")
async def test_what_is_no_text_is_told_by_its_digest_and_bound_all_the_same() -> None:
    agent = writer()
    FILES["till.py"] = bytes(range(256))
    async with opened("memory:", [agent], *a_write("text\n")) as app:
        run = await app.run(agent, "Write")
        digest = hashlib.sha256(bytes(range(256))).hexdigest()
        assert shown(run).shown == (
            "@ till.py",
            f"@ before: not text, 256 bytes, SHA-256 {digest}",
            "@ after: text, 5 characters",
            "@@ -0,0 +1 @@",
            "+text",
        )
        FILES["till.py"] = bytes(reversed(range(256)))
        again = await agree(app, run)
        assert shown(again) != shown(run)


def test_a_preview_that_wants_what_no_call_has_is_refused() -> None:
    with pytest.raises(SpecError, match=r"its preview wants colour; it may have the arguments of"):

        @tool(access="write", preview=lambda colour: f"in {colour}")
        def paint(wall: str) -> str:
            """Paint a wall."""
            return wall
