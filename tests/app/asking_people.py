"""What the tests of channels share: an agent that asks, people, settings, receivers."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from remit import App, Preview, Remit, Run, ScriptedModel, tool
from remit.app.channels import OnApproval
from remit.machine.agent import Agent
from remit.policy.roster import Person
from remit.runtime import notifying
from tests.app.channel_fakes import Receiver, receiving
from tests.runtime.stage import PATIENCE_S, PRICES, an_agent, journal_at

done: list[object] = []
SIGNING = "whsec_" + base64.b64encode(bytes(range(32))).decode()
PAY = ({"pay_bill": {"amount": 7, "note": "for <b>bolts</b>"}}, "done")


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done.clear()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(notifying, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(notifying, "POLL_S", 0.01)
    monkeypatch.setenv("HOOK_SECRET", SIGNING)
    monkeypatch.setenv("SLACK_SIGNING", "signing-secret-of-the-app")
    monkeypatch.setenv("QUEUE_TOKEN", "token-of-the-queue")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


def what_is_left(amount: int) -> Preview:
    return Preview.record("account", {"left": "<b>10</b>"}, {"left": str(10 - amount)})


@tool(access="write", preview=what_is_left)
async def pay_bill(amount: int, note: str) -> str:
    """Pay a bill."""
    done.append(amount)
    return "paid"


def payer(needed: int = 1, *approvers: str) -> Agent[str]:
    return an_agent(
        "payer",
        tools=[pay_bill],
        remit=Remit(approvals={pay_bill: needed}, approvers=approvers),
    )


PEOPLE = {
    "bob": Person(roles=("finance",), also=("slack:U0BOB",)),
    "eve": Person(roles=("sales",), also=("slack:U0EVE",)),
    "zoe": Person(roles=("finance",)),
}


def settings(folder: Path, channels: str) -> None:
    text = f'answer_url = "https://remit.example.com/answer"\n{channels}'
    (folder / "remit.toml").write_text(text)


@asynccontextmanager
async def opened(
    folder: Path,
    agent: Agent[str],
    *script: object,
    people: Mapping[str, Person] = PEOPLE,
    on_approval: OnApproval | None = None,
) -> AsyncIterator[App]:
    app = App(
        journal_at(folder),
        agents=[agent],
        models={"scripted": ScriptedModel(*(script or PAY))},  # type: ignore[arg-type]  # scripts
        prices=PRICES,
        people=people,
        on_approval=on_approval,
    )
    async with app:
        yield app


def webhook(receiver: Receiver, more: str = "") -> str:
    return (
        f'[channels.hook]\nkind = "webhook"\nurl = "{receiver.url}/hook"\n'
        f'secret_env = "HOOK_SECRET"\n{more}\n'
    )


async def finished(app: App, run: Run[str]) -> Run[object]:
    return await app.wait(run.id, timeout_s=PATIENCE_S)
