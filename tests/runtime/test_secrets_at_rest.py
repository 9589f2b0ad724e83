"""Wherever a secret comes in, not one byte of it is stored or sent, and tools still get it."""

import re
from pathlib import Path

import pytest

from remit import Remit, tool
from remit.adapters.scripted import Reply
from remit.errors import ProviderError
from remit.journal.events import ModelCompleted, ModelFailed, ToolFailed
from remit.values.message import ThinkingPart
from remit.values.model import ModelAnswer, ModelRequest, RawText, RawThinking
from remit.values.usage import Usage
from tests.runtime.stage import an_agent, journal_at, opened, secret, told, written

IN_USE: dict[str, str] = {}
SEEN: list[str] = []
STAND_IN = re.compile(r"\[secret:github-token:[0-9a-f]{16,64}\]")


@tool
async def read_vault() -> str:
    """Read what holds a secret."""
    return f"the token is {IN_USE['result']}"


@tool
async def fail_loudly() -> str:
    """Fail with a secret in the error."""
    raise ValueError(f"cannot log in with {IN_USE['error']}")


@tool(access="write")
async def send_note(text: str) -> str:
    """Send a note; it never gets real values."""
    SEEN.append(text)
    return "sent"


@tool(access="write", reveals=["github-token"])
async def push_code(token: str) -> str:
    """Push code with the real token."""
    SEEN.append(token)
    return "pushed"


@tool(access="write", reveals=["aws-access-key"])
async def copy_files(token: str) -> str:
    """Copy files; gets secrets of another kind."""
    SEEN.append(token)
    return "copied"


TOOLS = (read_vault, fail_loudly, send_note, push_code, copy_files)
FREE = Remit(approvals={send_note: 0, push_code: 0, copy_files: 0})
AGENT = an_agent(tools=TOOLS, remit=FREE)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    SEEN.clear()
    names = ("user", "text", "argument", "result", "error", "plain", "signed", "provider", "app")
    IN_USE.update({name: secret(name) for name in names})


def stand_in(request: ModelRequest) -> str:
    """The first placeholder that the model sees."""
    found = STAND_IN.search("".join(message.model_dump_json() for message in request.messages))
    assert found is not None
    return found[0]


def answer(*parts: RawText | RawThinking) -> ModelAnswer:
    return ModelAnswer(parts=parts, stop="end", usage=Usage(input=1, output=1), model="x")


@pytest.mark.requirement("SEC-1", "SEC-3", "TOOL-9")
async def test_not_one_byte_of_a_secret_reaches_disk_model_or_caller(tmp_path: Path) -> None:
    requests: list[ModelRequest] = []
    turns: list[Reply] = [
        [f"I saw {IN_USE['text']}", {"send_note": {"text": IN_USE["argument"]}}],
        [{"read_vault": {}}, {"fail_loudly": {}}],
        answer(
            RawThinking(f"hm, {IN_USE['plain']}"),
            RawThinking(f"hm, {IN_USE['signed']}", signature="sig"),
            RawText(f"done with {IN_USE['text']} {IN_USE['app']}"),
        ),
    ]

    def speak(request: ModelRequest) -> Reply:
        requests.append(request)
        return turns[len(requests) - 1]

    shown = ""
    script = (speak,) * 3
    async with opened(
        journal_at(tmp_path), [AGENT], *script, secrets={"APP_KEY": IN_USE["app"]}
    ) as app:
        async for item in app.stream(AGENT, f"use {IN_USE['user']}"):
            shown += repr(item)
    assert [STAND_IN.findall(SEEN[0])[0]] == SEEN
    places = {"caller": shown.encode(), "disk": written(tmp_path), "model": repr(requests).encode()}
    found = [
        (place, name)
        for place, content in places.items()
        for name, value in IN_USE.items()
        if value.encode() in content
    ]
    assert found == []
    assert "fail_loudly" in shown
    assert STAND_IN.search(shown)


@pytest.mark.requirement("SEC-1")
async def test_signed_thinking_with_a_secret_is_dropped_whole_and_other_thinking_kept() -> None:
    reply = answer(
        RawThinking(f"one {IN_USE['signed']}", signature="a"),
        RawThinking("two", signature="b"),
        RawThinking(f"three {IN_USE['plain']}"),
        RawText("ok"),
    )
    async with opened("memory:", [AGENT], reply) as app:
        run = await app.run(AGENT, "Go")
        (fact,) = await told(app, run.id, ModelCompleted)
        kept = [part for part in fact.parts if isinstance(part, ThinkingPart)]
        assert [part.signature for part in kept] == ["b", ""]
        assert kept[0].text == "two"
        assert STAND_IN.fullmatch(kept[1].text.removeprefix("three "))


@pytest.mark.requirement("SEC-3")
async def test_a_providers_error_is_cleaned(tmp_path: Path) -> None:
    error = ProviderError(f"bad key {IN_USE['provider']}", kind="auth")
    async with opened(journal_at(tmp_path), [AGENT], error) as app:
        run = await app.run(AGENT, "Go")
        assert run.status == "stopped"
        assert IN_USE["provider"] not in run.detail
        (fact,) = await told(app, run.id, ModelFailed)
        assert STAND_IN.search(fact.detail)
    assert IN_USE["provider"].encode() not in written(tmp_path)


@pytest.mark.requirement("SEC-1", "TOOL-9")
@pytest.mark.parametrize("restart", [False, True])
async def test_only_a_tool_that_reveals_the_kind_gets_the_value_back(
    restart: bool, tmp_path: Path
) -> None:
    remit = Remit(approvals={send_note: 0, push_code: 1, copy_files: 0})
    agent = an_agent(tools=TOOLS, remit=remit)

    def speak(request: ModelRequest) -> Reply:
        name = stand_in(request)
        calls = [{"send_note": {"text": name}}, {"copy_files": {"token": name}}]
        return [*calls, {"push_code": {"token": name}}]

    url = journal_at(tmp_path)
    script = (speak, "done")
    async with opened(url, [agent], *script) as app:
        run = await app.run(agent, f"push with {IN_USE['user']}")
        assert run.status == "waiting"
        if not restart:
            await app.approve(run.approvals[0].id, principal="ann")
            assert (await app.resume(run.id)).output == "done"
    if restart:
        async with opened(url, [agent], *script) as app:
            await app.approve(run.approvals[0].id, principal="ann")
            assert (await app.resume(run.id)).output == "done"
    note, copy, push = SEEN
    assert push == IN_USE["user"]
    assert STAND_IN.fullmatch(note)
    assert copy == note
    assert IN_USE["user"].encode() not in written(tmp_path)


@pytest.mark.requirement("TEN-1")
async def test_a_placeholder_of_another_tenant_or_a_made_up_one_opens_nothing() -> None:
    names = [f"[secret:github-token:{'0' * 24}]"]

    def speak(request: ModelRequest) -> Reply:
        if "keep" in request.messages[0].text:
            names.append(stand_in(request))
            return "kept"
        return [{"push_code": {"token": name}} for name in names]

    async with opened("memory:", [AGENT], speak, "done") as app:
        await app.run(AGENT, f"keep {IN_USE['user']}", tenant="acme")
        assert len(names) == 2
        run = await app.run(AGENT, "Go", tenant="beta")
        failed = await told(app, run.id, ToolFailed, tenant="beta")
        assert ["not in the vault" in each.text for each in failed] == [True, True]
        assert SEEN == []
