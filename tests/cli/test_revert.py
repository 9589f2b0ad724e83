"""`remit revert` lists prompts of earlier runs, reverts to one, or to another model, and lifts."""

import asyncio
import shlex
from pathlib import Path

import pytest

from remit import Agent, App, ScriptedModel
from remit.adapters.scripted import Reply
from remit.cli.person import principal
from remit.values.model import ModelRequest
from tests.cli.terminal import Remit
from tests.docs.blocks import blocks
from tests.runtime.stage import PATIENCE_S, PRICES

ROOT = Path(__file__).parents[2]
PAGE = "docs/howto/revert.md"
pytestmark = pytest.mark.requirement("OPS-1", "OPS-2")


def says(request: ModelRequest) -> Reply:
    return f"{request.model}: {request.system}"


OLD = Agent("talker", model="scripted:old", instructions="Old.\nAnd \x1b[31mred\x1b[0m.")
NEW = Agent("talker", model="scripted:new", instructions="New.")


async def output(path: Path, agent: Agent[str], tenant: str = "local") -> str:
    models = {"scripted": ScriptedModel(says)}
    async with App(f"sqlite:///{path}", agents=[agent], models=models, prices=PRICES) as app:
        return (await app.run(agent, "Go", tenant=tenant)).output


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "j.db"
    asyncio.run(output(found, OLD))
    assert asyncio.run(output(found, NEW)) == "new: New."
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{found}")
    return found


def test_the_whole_way(remit: Remit, path: Path) -> None:
    assert remit.good("revert", "list") == "nothing is reverted\n"
    rows = remit.rows("revert", "versions", "talker")
    assert [(row["text"], row["model"]) for row in rows] == [
        (NEW.prompt.text, "scripted:new"),
        (OLD.prompt.text, "scripted:old"),
    ]
    digest = str(rows[1]["digest"])
    shown = remit.good("revert", "versions", "talker")
    assert digest[:12] in shown
    assert "\x1b" not in shown
    text = remit.good("revert", "prompt", "talker", digest[:12], "--reason", "rude")
    assert text == f"agent:talker/prompt={digest} is in force, by {principal()}\n"
    made = remit.tree(
        "revert", "model", "talker", "scripted:old", "--reason", "slow", "--until", "2h",
        "--tenant", "acme",
    )  # fmt: skip
    assert (made["agent"], made["what"], made["to"], made["tenant"]) == (
        "talker",
        "model",
        "scripted:old",
        "acme",
    )
    assert made["until"] is not None
    assert asyncio.run(output(path, NEW)) == f"new: {OLD.prompt.text}"
    assert asyncio.run(output(path, NEW, "acme")) == f"old: {OLD.prompt.text}"
    listed = remit.rows("revert", "list")
    assert [(row["what"], row["tenant"], row["reason"]) for row in listed] == [
        ("prompt", None, "rude"),
        ("model", "acme", "slow"),
    ]
    assert "rude" in remit.good("revert", "list")
    assert [row["what"] for row in remit.rows("revert", "list", "--tenant", "acme")] == ["model"]
    assert remit.good("revert", "lift", "talker") == "agent:talker/prompt is as deployed\n"
    assert remit.good("revert", "lift", "talker") == "nothing of talker was reverted\n"
    lifted = remit.tree("revert", "lift", "talker", "model", "--tenant", "acme")
    assert lifted == {"agent": "talker", "lifted": [made["target"]]}
    assert asyncio.run(output(path, NEW, "acme")) == "new: New."


async def test_a_running_process_follows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'j.db'}"
    await output(tmp_path / "j.db", OLD)
    models = {"scripted": ScriptedModel(says)}
    async with App(url, agents=[NEW], models=models, prices=PRICES) as app:
        assert (await app.run(NEW, "Go")).output == "new: New."
        words = ("revert", "model", "talker", "scripted:old", "--reason", "slow", "--db", url)
        assert (await Remit().elsewhere(*words)).exit_code == 0
        async with asyncio.timeout(PATIENCE_S):
            while (await app.run(NEW, "Go")).output != "old: New.":
                await asyncio.sleep(0.05)


def test_the_documented_commands_work(remit: Remit, path: Path) -> None:
    assert path.is_file()
    digest = str(remit.rows("revert", "versions", "talker")[1]["digest"])
    own = {"clerk": "talker", "3f2a90c1d4e7": digest[:12], "openai:gpt-5-2025-08-07": OLD.model}
    lines = [
        line
        for block in blocks(ROOT, PAGE)
        for line in block.code.splitlines()
        if line.startswith("$ remit revert ")
    ]
    assert len(lines) == 4
    for line in lines:
        remit.good(*(own.get(word, word) for word in shlex.split(line)[2:]))
    assert [row["tenant"] for row in remit.rows("revert", "list")] == ["acme"]


def test_the_tree_of_a_run_tells_what_was_in_force(remit: Remit, path: Path) -> None:
    remit.good("revert", "model", "talker", "scripted:old", "--reason", "slow")
    asyncio.run(output(path, NEW))
    run = str(remit.rows("runs")[0]["run"])
    assert f"model reverted: talker uses scripted:old [{principal()}]" in remit.good("show", run)
    assert "reverted" not in remit.good("show", str(remit.rows("runs")[1]["run"]))


def test_the_list_of_switches_has_it_too_and_lifts_it(remit: Remit, path: Path) -> None:
    assert path.is_file()
    target = "agent:talker/model=scripted:old"
    remit.good("revert", "model", "talker", "scripted:old", "--reason", "slow", "--until", "1ms")
    assert target in remit.good("switch", "list")
    assert "(over)" in remit.good("revert", "list")
    assert remit.good("switch", "on", target) == f"{target} is on\n"
    result = remit("switch", "off", target, "--reason", "x")
    assert result.exit_code == 1, "to revert is checked: it is not switched off by its name"


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("prompt", "nobody", "a" * 64), "the journal knows no agent 'nobody'"),
        (("prompt", "talker", "a" * 64), "recorded a prompt"),
        (("model", "nobody", "scripted:old"), "the journal knows no agent 'nobody'"),
        (("model", "talker", "scripted"), "names no model"),
        (("model", "talker", "openai:gpt-4o"), "is a floating alias"),
        (("model", "talker", "openai:gpt-none-2020-01-01"), "gpt-none"),
        (("model", "talker", "anthropic:claude-sonnet-4-5-20250929"), "no key for anthropic"),
    ],
)
def test_what_is_refused(
    remit: Remit, path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], what: str
) -> None:
    assert path.is_file()
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    result = remit("revert", *words, "--reason", "x")
    assert result.exit_code == 1
    assert what in " ".join(result.stderr.split())
    assert remit("revert", *words).exit_code == 2, "it needs a reason"
    assert remit.rows("revert", "list") == []


def test_a_priced_model_of_a_provider_that_is_set_up_here(
    remit: Remit, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert path.is_file()
    monkeypatch.setenv("ANTHROPIC_API_KEY", "nobodys")
    made = remit.tree(
        "revert", "model", "talker", "anthropic:claude-sonnet-4-5-20250929", "--reason", "x"
    )
    assert made["target"] == "agent:talker/model=anthropic:claude-sonnet-4-5-20250929"
