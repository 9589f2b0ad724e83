"""A journal of an older version is brought up to date, verified, read, and continued."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from remit import Agent, App, Remit, ScriptedModel, tool
from remit.adapters.keys import parse_keys
from remit.app.audit import verify_journal
from remit.app.config import Settings
from remit.app.keyring import open_keys
from remit.policy.allowance import Budget
from tests.runtime.stage import PRICES

# Made by the first engine: a run of acme/ann in the session s1 with a read, a write that a human
# agreed to and an answer, and a second one that goes on with it.
JOURNAL = Path(__file__).parent / "journals" / "engine_1.db.gz"
HEAD_SIZE = 8


def keys() -> str:
    """The keys it was written with: nobody's."""
    names = {"mac": b"1", "vault": b"2", "head": b"3"}
    made = {name: base64.b64encode(byte * 32).decode() for name, byte in names.items()}
    return json.dumps({"format": 1, **made})


@tool
async def find_fact(name: str) -> str:
    """Find a fact."""
    return f"{name} is so"


@tool(access="write")
async def write_note(text: str) -> str:
    """Write a note."""
    return "written"


CLERK = Agent(
    "clerk",
    model="scripted:x",
    instructions="You are a clerk.",
    tools=[find_fact, write_note],
    remit=Remit(
        approvals={write_note: 1},
        budgets=[Budget(of="user", window="day", calls=5)],
    ),
)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REMIT_KEYS", keys())
    path = tmp_path / "journal.db"
    path.write_bytes(gzip.decompress(JOURNAL.read_bytes()))
    return f"sqlite:///{path}"


async def sound(app: App, url: str) -> tuple[int, int]:
    """Records and runs of a journal without damage."""
    ring = open_keys(Settings(url=url), {"REMIT_KEYS": keys()})
    (found,) = await verify_journal(
        app.store, ring.head, ring.macs, tenants=["acme"], now_ms=1_900_000_000_000
    )
    assert found.damages == ()
    return found.records, found.runs


@pytest.mark.requirement("AUD-2", "AUD-3", "DUR-8")
async def test_what_an_older_version_wrote_is_sound_and_goes_on(url: str) -> None:
    assert parse_keys(keys(), "test").mac == b"1" * 32
    models = {"scripted": ScriptedModel(*["Still here."] * 5)}
    async with App(url, agents=[CLERK], models=models, prices=PRICES) as app:
        assert await sound(app, url) == (HEAD_SIZE, 2)
        run = await app.run(CLERK, "Who am I?", tenant="acme", user="ann", session="s1")
        assert run.output == "Still here."
        records, runs = await sound(app, url)
        assert (records > HEAD_SIZE, runs) == (True, 3)
        view = await app.ledger("session", tenant="acme")
        assert view.total.calls == 4  # three before, one now
