"""Secrets planted in every channel at once: not a run of their bytes in any sink, read open."""

import asyncio
import base64
import json
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest
from pydantic import BaseModel

from remit import App, Preview, Remit, tool
from remit.adapters.scripted import Reply
from remit.errors import NeedsInput, ProviderError
from remit.journal.codec import open_record
from remit.journal.events import EVENT
from remit.machine.call import Call
from remit.policy.specimen import planted, write_out
from remit.values.model import Delta, ModelAnswer, ModelRequest, RawCall, RawText, RawThinking
from remit.values.usage import Usage
from tests.runtime.stage import an_agent, journal_at, opened, written

CHANNELS = (
    "user", "text", "delta", "thinking", "signed", "argument", "broken", "name", "result", "json",
    "bytes", "model", "error", "question", "key", "answer", "approve", "changed", "deny", "cancel",
    "switch", "depends", "provider", "preview", "known", "encoded", "url",
)  # fmt: skip
# Every kind of evidence: an issuer's mark, a key before it, prose, and none but being known.
FORMS = (
    "«ghp_{A36}»",
    "«sk-ant-api03-{W60}»",
    "password = '«{A6}7{A8}!x»'",
    "the api key is «{A9}7{A10}»",
)
RUN_BYTES = 10
"""So many bytes of a secret in a row are a leak; fewer stand in ordinary text by chance."""


class Plan:
    """What the tools and people of one test say."""

    def __init__(self, seed: str) -> None:
        form = FORMS[ord(seed) % len(FORMS)]
        made = {name: planted(form, seed + name) for name in CHANNELS}
        self.said = {name: text for name, (text, _) in made.items()}
        self.secrets = {name: secret for name, (_, secret) in made.items()}
        for name in ("known", "encoded", "url"):  # nothing but their value gives these away
            value = write_out("{A6}+{A9}/{A4}", seed + name)
            self.secrets[name] = value
            self.said[name] = f"see {value} there"
        self.said["encoded"] = base64.b64encode(b"ab" + self.secrets["encoded"].encode()).decode()
        self.said["url"] = quote(f"q={self.secrets['url']}", safe="")

    def known(self) -> dict[str, str]:
        """The app's own secrets."""
        return {name: self.secrets[name] for name in ("known", "encoded", "url")}


PLANS: list[Plan] = []


def said(name: str) -> str:
    return PLANS[-1].said[name]


class Found(BaseModel):
    """A structured result."""

    note: str


@tool
async def read_text(mode: str) -> object:
    """Return a secret in some shape."""
    shapes: dict[str, object] = {
        "text": said("result"),
        "json": {"a": [said("json")], said("known"): said("encoded")},
        "bytes": said("bytes").encode(),
        "model": Found(note=f"{said('model')} {said('url')}"),
    }
    return shapes[mode]


@tool
async def fail(mode: str) -> str:
    """Raise with a secret, or ask a question with one."""
    if mode == "key":
        raise NeedsInput(said("key"), "which?", '{"type": "string"}')
    raise RuntimeError(said("error"))


@tool
async def ask(call: Call) -> str:
    """Ask a person."""
    if "which" not in call.answers:
        raise NeedsInput("which", f"what about {said('question')}?", '{"type": "string"}')
    return f"got {call.answers['which']}"


def state_of(text: str) -> str:
    if text == "break":
        raise RuntimeError(said("depends"))
    return "s1"


def what_is_sent() -> Preview:
    text = said("preview")
    return Preview.files({text: (f"{text}\n", f"{text}\nmore {said('known')}\n")}, note=text)


@tool(access="write", depends=state_of, preview=what_is_sent)
async def send(text: str) -> str:
    """Send a text."""
    return f"sent {text}"


AGENT = an_agent(tools=(read_text, fail, ask, send), remit=Remit(approvals={send: 1}))


def turns() -> list[Reply]:
    """What the model says, turn by turn."""

    def answer(*parts: RawText | RawThinking | RawCall) -> ModelAnswer:
        return ModelAnswer(parts=parts, stop="tools", usage=Usage(input=1, output=1), model="x")

    modes = [RawCall(f"p{m}", "read_text", json.dumps({"mode": m})) for m in ("text", "json")]
    more = [RawCall(f"q{m}", "read_text", json.dumps({"mode": m})) for m in ("bytes", "model")]
    wrong = RawCall("w", "read_text", json.dumps({"mode": 1, "x": said("argument")}))
    cut = RawCall("c", "read_text", '{"mode": "' + said("broken"))
    return [
        answer(
            RawThinking(said("thinking")),
            RawThinking(said("known"), signature="s"),
            RawText(f"{said('text')} {said('encoded')} {said('url')}"),
            *modes,
            *more,
            wrong,
            cut,
            RawCall("n", said("name"), "{}"),
        ),
        answer(RawCall("f", "fail", '{"mode": "x"}'), RawCall("k", "fail", '{"mode": "key"}')),
        answer(RawCall("a", "ask", "{}")),
        answer(RawCall("d", "send", '{"text": "break"}'), RawCall("s1", "send", '{"text": "one"}')),
        answer(RawCall("s2", "send", json.dumps({"text": said("argument")}))),
        f"all done {said('text')}",
    ]


async def talk(app: App) -> AsyncIterator[str]:
    """One run through all channels; what its caller sees."""
    async for item in app.stream(AGENT, said("user"), session="s1"):
        yield repr(item)
    (question,) = await app.desk.questions()
    yield repr(question)
    await app.answer(question.id, f"it is {said('answer')}", principal="ann")
    (run_id,) = [row.run for row in await app.desk.living("local")]
    yield repr(await app.resume(run_id))
    (first,) = await app.desk.approvals()
    yield repr(first)
    changed = json.dumps({"text": said("changed")})
    await app.desk.approve(
        "local", first.id, principal="ann", channel="t", comment=said("approve"), arguments=changed
    )
    yield repr(await app.resume(run_id))
    for pending in await app.desk.approvals():
        yield repr(pending)
        await app.deny(pending.id, principal="bob", comment=said("deny"))
    yield repr(await app.resume(run_id))
    await app.desk.switch_off("tool:send", principal="ann", reason=said("switch"))
    yield repr(await app.store.switches())


async def opened_up(app: App) -> str:
    """Everything that the store keeps, decompressed."""
    shown = []
    for row in await app.store.runs("local"):
        shown.append(repr(row))
        for record in await app.store.records("local", row.run):
            body = open_record(record)
            assert body is not None
            shown += [EVENT.dump_json(event).decode() for event in body.events]
            shown.append(repr(body))
    return "\n".join(shown)


async def told_by(*command: str) -> str:
    """What the command line prints, to both of its streams."""
    remit = [sys.executable, "-m", "remit", *command]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*remit, stdout=pipe, stderr=pipe)
    out, error = await process.communicate()
    assert process.returncode == 0, error
    return (out + error).decode()


def leaks(plan: Plan, places: dict[str, str]) -> list[tuple[str, str]]:
    """Where a run of bytes of which secret stands."""
    found = []
    for place, content in places.items():
        for name, secret in plan.secrets.items():
            windows = range(len(secret) - RUN_BYTES + 1)
            encoded = base64.b64encode(b"ab" + secret.encode()).decode()[4:-4]
            parts = {secret[at : at + RUN_BYTES] for at in windows} | {encoded, quote(secret, "")}
            parts = {part for part in parts if not part.startswith(("sk-ant-", "k-ant-a"))}
            if any(part in content for part in parts):
                found.append((place, name))
    return found


@pytest.mark.requirement("SEC-1", "SEC-3", "SEC-4", "SEC-2")
@pytest.mark.parametrize("seed", ["b", "c"])
async def test_no_planted_byte_run_in_any_sink(
    seed: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    PLANS.append(Plan(seed))
    plan = PLANS[-1]
    caplog.set_level(logging.DEBUG)
    script = turns()
    requests: list[ModelRequest] = []

    def speak(request: ModelRequest) -> Reply:
        requests.append(request)
        return script[min(len(requests), len(script)) - 1]

    url = journal_at(tmp_path)
    async with opened(url, [AGENT], *[speak] * len(script), secrets=plan.known()) as app:
        shown = "".join([item async for item in talk(app)])
        stored = await opened_up(app)
        run = (await app.store.runs("local"))[-1].run
    error = ProviderError(f"bad gateway: {plan.said['provider']}", kind="auth")
    async with opened(url, [AGENT], error, secrets=plan.known()) as app:
        shown += repr(await app.run(AGENT, "Go"))
        stored += await opened_up(app)
    places = {
        "caller": shown,
        "journal": stored,
        "disk": written(tmp_path).decode("latin-1"),
        "model": repr(requests),
        "log": caplog.text,
    }
    for command in (["show", run], ["runs"], ["replay", run], ["switch", "list"]):
        places[f"remit {command[0]}"] = await told_by(*command, "--db", url, "--json")
    assert len(requests) == len(script)
    assert leaks(plan, places) == []
    assert shown.count("[secret:") > 10
    assert "[secret:" in places["remit show"]


class Streamer:
    """A model that streams one text in given pieces."""

    provider = "scripted"

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: object
    ) -> ModelAnswer:
        assert callable(emit)
        for piece in self.pieces:
            emit(Delta(kind="text", index=0, text=piece))
        whole = RawText("".join(self.pieces))
        return ModelAnswer(parts=(whole,), stop="end", usage=Usage(input=1), model="x")

    async def close(self) -> None:
        """Nothing to let go of."""


@pytest.mark.requirement("SEC-4")
@pytest.mark.parametrize("size", [1, 7])
async def test_what_is_streamed_is_what_is_kept(size: int) -> None:
    PLANS.append(Plan("a"))
    plan = PLANS[-1]
    text = " then ".join(plan.said.values())
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    async with opened("memory:", [AGENT], model=Streamer(pieces), secrets=plan.known()) as app:
        live, final = "", ""
        async for item in app.stream(AGENT, "Go"):
            if type(item).__name__ == "StreamDelta":
                live += getattr(item, "text", "")
            elif type(item).__name__ == "Run":
                final = str(getattr(item, "output", ""))
    assert live == final
    assert leaks(plan, {"live": live}) == []
