"""Hooks on a real journal: what they refuse is not sent, and a replay asks none of them."""

import asyncio
import hashlib
import smtplib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from remit import (
    AfterAnswer,
    App,
    BeforeAnswer,
    HookedCall,
    HookedResult,
    Remit,
    ScriptedModel,
    after_tool,
    before_tool,
    tool,
)
from remit.app.replay import read_past
from remit.errors import SpecError
from remit.journal.events import (
    ApprovalRequested,
    CallJudged,
    HookAnswered,
    ToolCompleted,
    ToolFailed,
)
from remit.machine.agent import Agent
from remit.machine.hooks import Hook
from remit.projections.audit import decisions
from remit.projections.redecide import redecide
from remit.projections.tree import decision_tree
from tests.runtime.stage import PRICES, an_agent, journal_at, told


class Post:
    """A mail server that counts what it takes in (RFC 5321, as far as smtplib needs it)."""

    def __init__(self) -> None:
        self.letters: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 post\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                letter = await reader.readuntil(b"\r\n.\r\n")
                self.letters.append(letter.decode())
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                break
        writer.close()


POST = Post()
ASKED: list[str] = []


@tool(access="write", sends=True)
def send_mail(to: str, text: str) -> str:
    """Send a mail."""
    with smtplib.SMTP("127.0.0.1", POST.port, timeout=10) as server:
        server.sendmail("us@acme.example", [to], f"To: {to}\r\n\r\n{text}")
    return f"sent to {to}, account 4711"


@tool
async def read_mail(number: int) -> str:
    """Read a mail."""
    return f"mail {number}: " + "x" * 400


@before_tool("send_*")
def only_customers(call: HookedCall) -> BeforeAnswer:
    """Mails go to customers."""
    ASKED.append("only_customers")
    to = str(call.arguments["to"])
    return call.go_on() if to.endswith(".example") else call.refuse(f"{to} is no customer")


@before_tool(send_mail)
async def sign(call: HookedCall) -> BeforeAnswer:
    """Add our name."""
    ASKED.append("sign")
    return call.change(text=f"{call.arguments['text']}\n-- \nAcme")


@before_tool("send_mail")
def look_twice(call: HookedCall) -> BeforeAnswer:
    """People look at offers."""
    return call.hold("an offer") if "offer" in str(call.arguments["text"]) else call.go_on()


@after_tool("*")
def no_accounts(result: HookedResult) -> AfterAnswer:
    """No account numbers."""
    return result.change(result.text.replace("4711", "…"))


@after_tool("read_*")
def not_for_models(result: HookedResult) -> AfterAnswer:
    """Mails are for people."""
    return result.withhold("mails are for people", keep_whole=True)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    POST.letters.clear()
    ASKED.clear()
    server = await asyncio.start_server(POST.serve, "127.0.0.1", 0)
    POST.port = server.sockets[0].getsockname()[1]
    yield POST
    server.close()


def clerk(*hooks: Hook, result_chars: int = 20_000) -> Agent[str]:
    remit = Remit(approvals={send_mail: 0}, hooks=hooks, result_chars=result_chars)
    return an_agent("clerk", tools=[send_mail, read_mail], remit=remit)


@asynccontextmanager
async def opened(
    url: str, agent: Agent[str], *script: Mapping[str, object], hooks: tuple[Hook, ...] = ()
) -> AsyncIterator[App]:
    models = {"scripted": ScriptedModel(*script, "done")}
    async with App(url, agents=[agent], models=models, prices=PRICES, hooks=hooks) as app:
        yield app


def mail(to: str, text: str = "Hello") -> dict[str, object]:
    return {"send_mail": {"to": to, "text": text}}


@pytest.mark.requirement("TOOL-11", "PERM-3")
async def test_what_a_hook_refuses_is_not_sent(post: Post, tmp_path: Path) -> None:
    agent = clerk(only_customers)
    async with opened(
        journal_at(tmp_path), agent, mail("eve@evil.test"), mail("a@b.example")
    ) as app:
        run = await app.run(agent, "Write to them")
        assert run.output == "done"
        assert len(post.letters) == 1
        assert "a@b.example" in post.letters[0]
        refused, allowed = await told(app, run.id, CallJudged)
        assert (refused.effect, refused.rule) == ("deny", "hook.only_customers")
        assert refused.reason == "eve@evil.test is no customer"
        assert (allowed.effect, allowed.rule) == ("allow", "remit.approvals.send_mail")
        (failed,) = await told(app, run.id, ToolFailed)
        assert failed.text == "refused: eve@evil.test is no customer (hook.only_customers)"


@pytest.mark.requirement("TOOL-11", "AUD-5")
async def test_a_change_is_journalled_with_both_digests_and_replayed_without_the_hook(
    post: Post, tmp_path: Path
) -> None:
    agent = clerk(sign)
    url = journal_at(tmp_path)
    async with opened(url, agent, mail("a@b.example"), hooks=(only_customers,)) as app:
        run = await app.run(agent, "Write")
        assert ASKED == ["sign", "only_customers"]  # the app's comes after the agent's
        assert "-- \r\nAcme" in post.letters[0]
        (word,) = await told(app, run.id, HookAnswered)
        (judged,) = await told(app, run.id, CallJudged)
        assert (word.hook, word.word) == ("sign", "changed")
        assert word.before != word.after == judged.digest
    ASKED.clear()
    async with opened(url, agent, hooks=(only_customers,)) as app:
        row = await app.store.run("local", run.id)
        assert row is not None
        past = await read_past(app.engine.reader, row)
        assert all(each.same for each in redecide(past.before, past.pairs))
        assert ASKED == []
        (decision,) = decisions(past.pairs)
        assert "Acme" in decision.arguments
        labels = [node.label for node in decision_tree(past.pairs).walk()]
        assert "hook.sign" in labels


@pytest.mark.requirement("TOOL-11", "APR-1")
async def test_what_a_hook_holds_waits_for_a_human_and_what_they_write_is_looked_at(
    post: Post, tmp_path: Path
) -> None:
    agent = clerk(look_twice, only_customers)
    url = journal_at(tmp_path)
    async with opened(url, agent, mail("a@b.example", "an offer")) as app:
        run = await app.run(agent, "Offer it")
        assert (run.status, post.letters) == ("waiting", [])
        (asked,) = await told(app, run.id, ApprovalRequested)
        assert (asked.rule, asked.reason) == ("hook.look_twice", "an offer")
    async with opened(url, agent, mail("a@b.example", "an offer")) as app:
        evil = '{"to": "eve@evil.test", "text": "an offer"}'
        await app.desk.approve(
            "local", asked.approval, principal="boss", channel="test", arguments=evil
        )
        run_now = await app.resume(run.id)
        assert (run_now.status, post.letters) == ("waiting", [])
        await app.approve(asked.approval, principal="boss")
        assert (await app.resume(run.id)).output == "done"
        assert len(post.letters) == 1


@pytest.mark.requirement("TOOL-11")
async def test_results_are_changed_or_withheld_before_the_model_reads_them(
    post: Post, tmp_path: Path
) -> None:
    agent = clerk(no_accounts, not_for_models, result_chars=300)
    text = f"mail 7: {'x' * 400}"
    name = hashlib.sha256(text.encode()).hexdigest()
    script: tuple[Mapping[str, object], ...] = (
        mail("a@b.example"),
        {"read_mail": {"number": 7}},
        {"read_result": {"artifact": name, "offset": 0}},
    )
    async with opened(journal_at(tmp_path), agent, *script) as app:
        run = await app.run(agent, "Write and read")
        sent, read = await told(app, run.id, ToolCompleted)
        assert sent.text == "sent to a@b.example, account …"
        assert [each.word for each in sent.hooks] == ["changed"]
        assert read.text.startswith("what came of this call is withheld: mails are for people")
        assert [each.word for each in read.hooks] == ["withheld"]
        # People find it, the model does not, even where it knows what it is called.
        assert read.artifact == name
        assert await app.store.blob("local", name) == text.encode()
        (failed,) = await told(app, run.id, ToolFailed)
        assert "there is no artifact" in failed.text
    assert len(post.letters) == 1


@pytest.mark.requirement("TOOL-11")
async def test_messages_that_no_hook_looks_at_are_warned_of(post: Post) -> None:
    for agent, hooks, warned in (
        (clerk(), (), ["hooks send_mail"]),
        (clerk(no_accounts), (), ["hooks send_mail"]),
        (clerk(sign), (), []),
        (clerk(), (only_customers,), []),
    ):
        async with opened("memory:", agent, hooks=hooks) as app:
            found = await app.ready()
            assert [check.name for check in found.warnings] == warned
            assert found.ok
    assert not post.letters


def test_two_hooks_of_one_name_are_refused_when_the_app_opens() -> None:
    other = replace(sign, function=only_customers.function)
    app = App("memory:", agents=[clerk(sign)], hooks=[other], prices=PRICES)
    with pytest.raises(SpecError, match="two hooks are named 'sign'"):
        asyncio.run(app.__aenter__())
