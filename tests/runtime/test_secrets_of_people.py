"""What people type in: never in the journal, and yet a tool that may have it gets it."""

from pathlib import Path

import pytest

from remit import App, Call, Remit, tool
from remit.adapters.scripted import Reply, turn_of
from remit.app.run import PendingApproval
from remit.values.model import ModelRequest
from tests.runtime.stage import an_agent, journal_at, opened, secret, written

SEEN: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_seen() -> None:
    SEEN.clear()


@tool(access="write", reveals=["github-token"])
async def push_code(call: Call, remote: str) -> str:
    """Push; asks for the token."""
    token = call.ask("token", "Which token?", str)
    SEEN.append(token)
    return f"pushed to {remote} with {token}"


@tool(access="write", reveals=["github-token"])
async def store_token(token: str) -> str:
    """Keep a token."""
    SEEN.append(token)
    return "kept"


@tool(access="write")
async def print_label(call: Call, remote: str) -> str:
    """Print; may have no secret."""
    SEEN.append(call.ask("token", "Which token?", str))
    return f"printed {remote}"


REMIT = Remit(approvals={push_code: 0, store_token: 1, print_label: 0})
CODER = an_agent("coder", tools=[push_code, store_token, print_label], remit=REMIT)


async def answered(folder: Path, call: Reply, value: str) -> None:
    """A run that asks for a token, gets it from a person, and ends."""
    async with opened(journal_at(folder), [CODER], call, "done") as app:
        run = await app.run(CODER, "Go")
        (question,) = run.questions
        await app.desk.answer(
            "local", question.id, principal="ann", channel="test", value=f'"{value}"'
        )
        assert (await app.wait(run.id)).output == "done"


@pytest.mark.requirement("SEC-1", "SEC-3")
async def test_a_token_that_a_person_types_reaches_the_tool_and_no_file(tmp_path: Path) -> None:
    token = secret()
    await answered(tmp_path, {"push_code": {"remote": "origin"}}, token)
    assert [token] == SEEN
    assert token.encode() not in written(tmp_path)


@pytest.mark.requirement("SEC-1", "TOOL-9")
async def test_a_tool_that_may_have_no_secret_gets_its_name_only(tmp_path: Path) -> None:
    token = secret()
    await answered(tmp_path, {"print_label": {"remote": "origin"}}, token)
    (seen,) = SEEN
    assert seen.startswith("[secret:github-token:")


@pytest.mark.requirement("SEC-3", "APR-5")
async def test_arguments_that_an_approver_changed_are_cleaned_and_given(tmp_path: Path) -> None:
    token = secret()
    call = {"store_token": {"token": "none"}}
    async with opened(journal_at(tmp_path), [CODER], call, "done") as app:
        run = await app.run(CODER, "Go")
        await approve(app, run.approvals[0], f'{{"token": "{token}"}}', f"use {token}")
        assert (await app.wait(run.id)).output == "done"
    assert [token] == SEEN
    assert token.encode() not in written(tmp_path)


async def approve(app: App, pending: PendingApproval, arguments: str, comment: str) -> None:
    await app.desk.approve(
        "local",
        pending.id,
        principal="ann",
        channel="test",
        arguments=arguments,
        comment=comment,
    )


@pytest.mark.requirement("SEC-1")
async def test_a_token_in_the_input_reaches_a_tool_that_may_have_it(tmp_path: Path) -> None:
    token = secret()

    def script(request: ModelRequest) -> Reply:
        if turn_of(request.messages):
            return "done"
        said = request.messages[0].text
        assert token not in said
        return {"store_token": {"token": said.removeprefix("Keep ")}}

    async with opened(journal_at(tmp_path), [CODER], script, script) as app:
        run = await app.run(CODER, f"Keep {token}")
        await app.desk.approve("local", run.approvals[0].id, principal="ann", channel="test")
        assert (await app.wait(run.id)).output == "done"
    assert [token] == SEEN
    assert token.encode() not in written(tmp_path)
