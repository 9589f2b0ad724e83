"""Images and documents through the app: every protocol, crashes, sessions, damage, limits."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from remit import Agent, App, Document, Image, Remit, ScriptedModel, SimulatedProvider, SyncApp
from remit.adapters.scripted import Reply, turn_of
from remit.app.people import LOCAL_TENANT
from remit.app.taking_in import Given
from remit.errors import AttachmentRefused
from remit.journal.codec import decompress
from remit.journal.events import ModelCompleted, ModelFailed, ModelRequested, RunStarted
from remit.projections.tree import decision_tree
from remit.runtime.reader import Reader
from remit.simulator.load import parse_scenario
from remit.values.media import digest_of
from remit.values.message import DocumentPart, ImagePart
from remit.values.model import ModelRequest
from tests.app.damages import damages, edit, rows
from tests.app.pictures import gif, jpeg, pdf, png, webp
from tests.runtime.stage import an_agent, journal_at, opened, secret, told

MODELS = (
    "anthropic:claude-haiku-4-5-20251001",
    "openai:gpt-5-2025-08-07",
    "openai-chat:gpt-5-2025-08-07",
    "google:gemini-3-flash-preview",
)
HANGS = parse_scenario('[[fault]]\nkind = "hang"\n[[rule]]\ntext = "never"\n')


def seer(model: str = MODELS[0]) -> Agent[str]:
    return Agent(
        "seer",
        model=model,
        instructions="Say what you see.",
        remit=Remit(cost_usd="20.00"),
        max_output_tokens=500,
    )


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedProvider]:
    """A provider to which every protocol leads."""
    with SimulatedProvider() as simulated:
        for name, value in simulated.environment.items():
            monkeypatch.setenv(name, value)
        yield simulated


def shown(provider: SimulatedProvider, index: int = -1) -> set[str]:
    """The digests of what a request showed to the model; its bytes are those of the digests."""
    request = provider.requests[index].request
    assert request is not None
    for digest, content in request.media.items():
        assert digest_of(content) == digest
    named = {part.digest for message in request.messages for part in message.media}
    assert named == set(request.media)
    return named


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
async def test_a_provider_gets_what_was_given(
    model: str, stream: bool, provider: SimulatedProvider
) -> None:
    agent, text = seer(model), "Größe: 7\n"
    images = [png(), jpeg(), webp()]
    given: Given = [
        "What is this?",
        *(Image(each) for each in images),
        Document(pdf(3), "may.pdf"),
        Document.text(text, "notes.txt"),
        "Be brief.",
    ]
    async with App("memory:", agents=[agent]) as app:
        if stream:
            run = [item async for item in app.stream(agent, given)][-1].id  # type: ignore[union-attr]  # the run comes last
        else:
            run = (await app.run(agent, given)).id
        assert (await app.get(run)).status == "completed"
        (asked,) = await told(app, run, ModelRequested)
        (answered,) = await told(app, run, ModelCompleted)
        assert not answered.over_hold
        assert asked.input_bound >= answered.usage.input
    expected = {digest_of(each) for each in (*images, pdf(3), text.encode())}
    assert shown(provider) == expected
    request = provider.requests[-1].request
    assert request is not None
    names = {part.name for part in request.messages[0].media if isinstance(part, DocumentPart)}
    assert names <= {"may.pdf", "notes.txt", ""}
    assert "What is this?" in request.messages[0].text


async def test_what_a_provider_does_not_take_is_told(provider: SimulatedProvider) -> None:
    agent = seer("google:gemini-3-flash-preview")
    async with App("memory:", agents=[agent]) as app:
        run = await app.run(agent, ["Look.", Image(gif())])
        assert run.status == "stopped"
        (failed,) = await told(app, run.id, ModelFailed)
        assert failed.kind == "bad_request"
        assert "image/gif" in failed.detail
        assert run.cost_nano == 0
    assert provider.requests == ()


@pytest.mark.requirement("DUR-1", "DUR-8")
async def test_a_session_goes_on_with_its_images(
    provider: SimulatedProvider, tmp_path: Path
) -> None:
    agent, url = seer(), journal_at(tmp_path)
    async with App(url, agents=[agent]) as app:
        await app.run(agent, ["Look.", Image(png(1))], session="s1")
    async with App(url, agents=[agent]) as app:  # as another process
        await app.run(agent, ["And this?", Image(png(2))], session="s1")
        last = await app.run(agent, "What was on the first?", session="s1")
        assert last.status == "completed"
        history = await Reader(app.store).history(LOCAL_TENANT, last.id)
    assert shown(provider) == {digest_of(png(1)), digest_of(png(2))}
    assert [part.digest for message in history for part in message.media] == [
        digest_of(png(1)),
        digest_of(png(2)),
    ]


DIES = """
import asyncio, os, signal, sys
from remit import Agent, App, Document, Image
sys.path.insert(0, {root!r})
from tests.app.test_media_runs import seer

class Dies:
    provider = "anthropic"
    async def answer(self, request, *, deadline_s, emit):
        assert len(request.media) == 2
        os.kill(os.getpid(), signal.SIGKILL)
    async def close(self):
        pass

async def main():
    agent = seer()
    async with App({url!r}, agents=[agent], models={{"anthropic": Dies()}}) as app:
        await app.run(agent, ["Look.", Image.file({image!r}), Document.file({text!r})])

asyncio.run(main())
"""


@pytest.mark.requirement("DUR-1", "DUR-3")
async def test_a_run_that_was_killed_before_its_first_request_still_has_them(
    provider: SimulatedProvider, tmp_path: Path
) -> None:
    url, root = journal_at(tmp_path), str(Path(__file__).parents[2])
    image, text = tmp_path / "x.bin", tmp_path / "notes"
    image.write_bytes(png(3))
    text.write_text("The lamp is blue.", encoding="utf-8")
    program = DIES.format(root=root, url=url, image=str(image), text=str(text))
    dead = subprocess.run(  # nothing else happens here meanwhile
        [sys.executable, "-c", program], check=False, env=dict(os.environ), timeout=60
    )
    assert dead.returncode == -signal.SIGKILL
    image.unlink()
    text.unlink()
    agent = seer()
    async with App(url, agents=[agent]) as app:
        (row,) = await app.store.runs(LOCAL_TENANT)
        assert (await app.resume(row.run)).status == "completed"
    assert shown(provider) == {digest_of(png(3)), digest_of(b"The lamp is blue.")}


@pytest.mark.requirement("DUR-1")
async def test_a_run_that_is_taken_up_by_another_app_still_has_them(
    provider: SimulatedProvider, tmp_path: Path
) -> None:
    agent, url = seer(), journal_at(tmp_path)
    provider.follow(HANGS)
    async with App(url, agents=[agent]) as app:
        run = await app.start(agent, ["Look.", Image(png(4))])
        driver = app.engine.live[LOCAL_TENANT, run].driver
        assert driver is not None
        assert driver.seat.blobs == ()  # a run that waits holds no bytes
    provider.follow(parse_scenario('[[rule]]\ntext = "A point."\n'))
    async with App(url, agents=[agent]) as app:
        assert (await app.resume(run)).output == "A point."
    assert shown(provider) == {digest_of(png(4))}


async def test_bytes_are_kept_once_and_only_beside_the_records(
    provider: SimulatedProvider, tmp_path: Path
) -> None:
    agent, url, image = seer(), journal_at(tmp_path), png(5, side=400)
    path = tmp_path / "journal.db"
    async with App(url, agents=[agent]) as app:
        for number in range(4):
            run = await app.run(agent, ["Look.", Image(image), Image(image)], session=f"s{number}")
            again = await app.run(agent, "Again.", session=f"s{number}")
            assert (run.detail, again.detail) == ("", "")
    digest = digest_of(image)
    ((count,),) = rows(path, "SELECT count(*) FROM blobs WHERE digest = ?", digest)
    assert count == 1
    payloads = [bytes(each) for (each,) in rows(path, "SELECT payload FROM records")]  # type: ignore[call-overload]  # a blob
    assert all(image[100:200] not in decompress(each) for each in payloads)
    assert sum(map(len, payloads)) < len(image) // 10
    whole = sum(each.stat().st_size for each in tmp_path.glob("journal.db*") if each.is_file())
    wal = path.with_name("journal.db-wal")
    log = wal.stat().st_size if wal.exists() else 0
    assert whole - log < 2 * len(image)
    assert len(provider.requests) == 8


@pytest.mark.requirement("AUD-4", "AUD-3")
async def test_verification_finds_what_was_changed_or_removed(
    provider: SimulatedProvider, tmp_path: Path
) -> None:
    agent, path = seer(), tmp_path / "journal.db"
    given: Given = ["Look.", Image(png(6)), Document(pdf(), "a.pdf")]
    async with App(journal_at(tmp_path), agents=[agent]) as app:
        await app.run(agent, given, session="s1")
    assert await damages(path) == []
    digest, other = digest_of(png(6)), digest_of(pdf())
    ((kept,),) = rows(path, "SELECT content FROM blobs WHERE digest = ?", digest)
    edit(path, "UPDATE blobs SET content = ? WHERE digest = ?", b"\0" + png(7), digest)
    (found,) = await damages(path)
    assert f"the image it was given ({digest}) was changed" in found
    async with App(journal_at(tmp_path), agents=[agent]) as app:
        run = await app.run(agent, "Again.", session="s1")
        (failed,) = await told(app, run.id, ModelFailed)
        assert "was changed in the journal; see `remit verify`" in failed.detail
    edit(path, "UPDATE blobs SET content = ? WHERE digest = ?", kept, digest)
    edit(path, "DELETE FROM blobs WHERE digest = ?", other)
    (found,) = await damages(path)
    assert f"the document it was given ({other}) is missing" in found
    async with App(journal_at(tmp_path), agents=[agent]) as app:
        run = await app.run(agent, "Again.", session="s1")
        (failed,) = await told(app, run.id, ModelFailed)
        assert (run.status, run.cost_nano, failed.kind) == ("stopped", 0, "bad_request")
        assert "a.pdf" in failed.detail
        assert "is not in the journal any more: begin a new session" in failed.detail
    assert len(provider.requests) == 1


@pytest.mark.requirement("SEC-1")
async def test_secrets_in_texts_never_reach_journal_or_model(
    provider: SimulatedProvider, tmp_path: Path
) -> None:
    agent, token = seer(), secret()
    given: Given = ["Look.", Document.text(f"the key is {token}, keep it\n", f"{token}.txt")]
    async with App(journal_at(tmp_path), agents=[agent]) as app:
        run = await app.run(agent, given)
        (started,) = await told(app, run.id, RunStarted)
        part = started.input[1]
        assert isinstance(part, DocumentPart)
        content = await app.store.blob(LOCAL_TENANT, part.digest)
        assert content is not None
        assert content.startswith(b"the key is [secret:")
        assert part.digest == digest_of(content)
    request = provider.requests[-1].request
    assert request is not None
    assert request.media == {part.digest: content}
    assert token not in repr(request)
    for each in tmp_path.glob("journal.db*"):
        if each.is_file():
            assert token.encode() not in each.read_bytes()
    stored = rows(tmp_path / "journal.db", "SELECT content FROM blobs")
    assert all(token.encode() not in decompress(bytes(each)) for (each,) in stored)  # type: ignore[call-overload]  # a blob


async def test_settings_may_refuse_what_nobody_can_search(
    provider: SimulatedProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = seer()
    (tmp_path / "remit.toml").write_text('attachments = "text"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    async with App("memory:", agents=[agent]) as app:
        with pytest.raises(AttachmentRefused, match=r"a\.pdf is application/pdf.*attachments"):
            await app.run(agent, ["Look.", Document(pdf(), "a.pdf")])
        assert (await app.run(agent, ["Look.", Document.text("words")])).status == "completed"
    assert len(provider.requests) == 1


@pytest.mark.requirement("AUD-4")
async def test_tree_tells_what_was_given(provider: SimulatedProvider) -> None:
    agent = seer()
    async with App("memory:", agents=[agent]) as app:
        run = await app.run(agent, ["Look.", Image(png()), Document(pdf(2), "a.pdf")])
        past = await app.engine.reader.past_of(LOCAL_TENANT, run.id)
    pairs = [(record.header, body) for record, body in zip(past.records, past.bodies, strict=True)]
    said = [node.text for node in decision_tree(pairs).children if node.kind == "question"]
    assert said == [
        "Look.",
        f"[image: image/png, {len(png())} bytes, sha256 {digest_of(png())[:12]}]",
        f"[document a.pdf: application/pdf, {len(pdf(2))} bytes, sha256 {digest_of(pdf(2))[:12]}]",
    ]
    (image,) = [part for part in past.state.messages[0].media if isinstance(part, ImagePart)]
    assert image.origin.kind == "user"
    assert provider.requests


async def test_a_sub_agent_sees_its_brief_only() -> None:
    helper = an_agent("helper")
    lead = an_agent("lead", agents=[helper])

    def reply(request: ModelRequest) -> Reply:
        if request.system == "You are helper.":
            return "It is blue."
        return {"ask_helper": {"brief": "Look."}} if turn_of(request.messages) == 0 else "Blue."

    model = ScriptedModel(reply, reply)
    async with opened("memory:", [lead], model=model) as app:
        assert (await app.run(lead, ["Look.", Image(png())])).output == "Blue."
    seen = [(request.system, len(request.media)) for request in model.requests]
    assert seen == [("You are lead.", 1), ("You are helper.", 0), ("You are lead.", 1)]


def test_without_async_and_without_words(provider: SimulatedProvider) -> None:
    provider.follow_toml('[[rule]]\ntext = "A point."\n')
    agent = seer()
    with SyncApp(App("memory:", agents=[agent])) as app:
        assert app.run(agent, ["", Image(png(8))]).output == "A point."
    assert shown(provider) == {digest_of(png(8))}
