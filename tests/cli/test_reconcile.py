"""`remit reconcile` against a simulated provider: agrees, finds what was planted, or says why."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import click
import pytest

from remit.cli.main import remit as commands
from remit.cli.reconcile import reconcile
from remit.projections import reconcile as projection
from remit.simulator.distortion import DISTORTION_KINDS
from remit.values.statement import DAY
from tests.cli.terminal import Remit
from tests.docs.blocks import blocks
from tests.tidy.tree import ROOT

TODAY = f"{datetime.now(UTC):%Y-%m-%d}"
AGENT = """
from remit import Agent

clerk = Agent("clerk", model="anthropic:claude-haiku-4-5-20251001", instructions="Be short.")
"""
KEY = "admin-key-of-the-test-" + "0123456789abcdef"


@contextmanager
def simulated(folder: Path, toml: str = "") -> Iterator[str]:
    scenario = folder / "scenario.toml"
    scenario.write_text(f'{toml}\n[[rule]]\ntext = "You said: ${{task}}"\n', encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "remit", "simulate", scenario, "--until-stdin-closes", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        yield cast("str", json.loads(process.stdout.readline())["url"])
        process.communicate()


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with an agent, an own journal and the keys of a provider."""
    (tmp_path / "agent.py").write_text(AGENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{tmp_path / 'j.db'}")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "any")
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", KEY)
    return tmp_path


def work(monkeypatch: pytest.MonkeyPatch, url: str, runs: int = 2) -> Remit:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", url)
    remit = Remit()
    for number in range(runs):
        remit.good("run", "agent.py:clerk", f"task {number}")
    return remit


def lines(result: object) -> dict[tuple[str, str], str]:
    [day] = cast("dict[str, list[dict[str, object]]]", result)["days"]
    rows = cast("list[dict[str, str]]", day["lines"])
    return {(row["model"], row["what"]): row["state"] for row in rows}


@pytest.mark.requirement("BIL-2")
def test_an_honest_bill(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated(shop) as url:
        remit = work(monkeypatch, url)
        text = remit.good("reconcile", "--day", TODAY)
        found = remit.json("reconcile", "--day", TODAY)
        older = remit.good("reconcile", "--day", TODAY, "--source", "anthropic-admin")
        nothing = remit.good("reconcile")
        alone = remit("reconcile", "--day", TODAY, "--tenant", "nobody")
    assert f"anthropic {TODAY} (provisional until" in text
    assert "all 3 lines agree" in text
    assert set(lines(found).values()) == {"matched"}
    assert "from anthropic-admin" in older
    assert "(closed)" in nothing
    assert "nothing was used on either side" in nothing
    assert alone.exit_code == 1
    assert "missing here" in alone.stdout
    assert "sound *: runs 0, books 1" in remit.good("verify")


@pytest.mark.requirement("BIL-2")
def test_a_planted_discrepancy_is_found(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = '[[report]]\nkind = "drop_call"\n\n[[report]]\nkind = "unknown_model"\n'
    with simulated(shop, planted) as url:
        remit = work(monkeypatch, url)
        result = remit("reconcile", "--day", TODAY)
        tree = remit("reconcile", "--day", TODAY, "--json")
        wide = remit(
            "reconcile", "--day", TODAY, "--tolerance", "tokens=1000,percent=60,usd=1", "--json"
        )
    assert result.exit_code == 1
    assert "4 of 6 lines are beyond tolerance" in result.stdout
    assert "missing here" in result.stdout
    assert "differing" in result.stdout
    assert tree.exit_code == 1
    found = lines(json.loads(tree.stdout))
    assert found["claude-haiku-4-5-20251001", "output"] == "differing"
    assert found["claude-unheard-of-1", "output"] == "missing_here"
    assert wide.exit_code == 0
    assert json.loads(wide.stdout)["agrees"]


@pytest.mark.requirement("BIL-1", "BIL-2")
@pytest.mark.parametrize("billed", [True, False])
def test_a_call_in_doubt_is_explained_and_then_corrected(
    shop: Path, monkeypatch: pytest.MonkeyPatch, *, billed: bool
) -> None:
    """The connection breaks in the answer; the provider bills it, or takes it off the bill."""
    monkeypatch.setattr(projection, "CLOSED_AFTER", -DAY)  # today counts as a closed day
    toml = '[[fault]]\nkind = "reset"\nfirst = 1\n'
    toml += "" if billed else '\n[[report]]\nkind = "drop_call"\n'
    call = ("reconcile", "--day", TODAY, "--source", "anthropic-admin", "--tolerance", "usd=0")
    with simulated(shop, toml) as url:
        remit = work(monkeypatch, url, 1)
        first = remit(*call)
        second = remit(*call)
        tree = json.loads(remit(*call, "--json").stdout)
    assert first.exit_code == 0
    assert "1 calls in doubt, posted as assumed at $0." in first.stdout
    assert ("what does not is explained" in first.stdout) is billed
    assert "was assumed at $0." in first.stdout
    assert ("billed at $0.0000\n" in first.stdout) is not billed
    assert "all 3 lines agree" in second.stdout
    assert "in doubt" not in second.stdout
    assert tree["days"][0]["corrections"] == []
    assert "sound local" in remit.good("verify")


@pytest.mark.requirement("BIL-2")
def test_pages_and_limits_are_followed(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml = '[[report]]\nkind = "pages"\n\n[[report]]\nkind = "rate_limited"\nfirst = 1\n'
    toml += "retry_after_s = 0\n\n" + '[[report]]\nkind = "unknown_model"\n'
    with simulated(shop, toml) as url:
        remit = work(monkeypatch, url, 1)
        result = remit("reconcile", "--day", TODAY, "--json")
    assert len(lines(json.loads(result.stdout))) == 6


@pytest.mark.requirement("BIL-2")
def test_late_rows_make_a_provisional_day(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated(shop, '[[report]]\nkind = "late"\nfirst = 1\n') as url:
        remit = work(monkeypatch, url)
        early = remit("reconcile", "--day", TODAY, "--json")
        later = remit("reconcile", "--day", TODAY, "--json")
    assert early.exit_code == 1
    assert set(lines(json.loads(early.stdout)).values()) == {"missing_there", "matched"}
    assert not json.loads(early.stdout)["days"][0]["closed"]
    assert later.exit_code == 0


@pytest.mark.requirement("BIL-2")
def test_garbage_is_an_outside_failure(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated(shop, '[[report]]\nkind = "garbage"\n') as url:
        remit = work(monkeypatch, url, 1)
        result = remit("reconcile", "--day", TODAY)
        tree = remit("reconcile", "--day", TODAY, "--json")
        both = remit("reconcile", "--day", TODAY, "--provider", "anthropic", "--provider", "openai")
    assert result.exit_code == 3
    assert "data.0.usage.output_tokens: Input should be a valid integer" in result.stderr
    assert json.loads(tree.stdout)["error"]["kind"] == "ProviderError"
    assert both.exit_code == 2  # no key for the other one
    assert "OPENAI_ADMIN_KEY" in both.stderr


@pytest.mark.requirement("BIL-2")
def test_several_providers_are_told_one_by_one(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    broken = '[[report]]\nkind = "garbage"\nfield = "input_tokens"\npath = "organization/usage"\n'
    broken += '\n[[report]]\nkind = "unknown_model"\npath = "organization/"\n'
    with simulated(shop, broken) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        remit = work(monkeypatch, url, 1)
        result = remit("reconcile", "--day", TODAY)
        tree = remit("reconcile", "--day", TODAY, "--json")
    assert result.exit_code == 3
    assert "all 3 lines agree" in result.stdout
    assert "input_tokens" in result.stderr
    assert [each["provider"] for each in json.loads(tree.stdout)["errors"]] == ["openai"]
    assert KEY not in result.output + tree.output


@pytest.mark.requirement("BIL-2")
def test_the_billing_export_of_google(remit: Remit, tmp_path: Path) -> None:
    rows = [
        {
            "service": {"description": "Vertex AI"},
            "sku": {"description": "Gemini 2.5 Flash GA Text Output - Predictions"},
            "usage_start_time": f"{TODAY}T01:00:00Z",
            "cost": 0.5,
            "currency": "USD",
            "usage": {"amount": 200000.0, "unit": "count"},
            "credits": [{"amount": -0.1}],
        }
    ]
    export = tmp_path / "export.jsonl"
    export.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    result = remit("reconcile", "--day", TODAY, "--file", export)
    assert result.exit_code == 1
    assert "gemini-2.5-flash" in result.stdout
    assert "note: credits of -$0.1000 are not compared" in result.stdout
    export.write_text("service\nGemini API\n", encoding="utf-8")
    assert remit("reconcile", "--day", TODAY, "--file", export).exit_code == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--day", "yesterday"), "write it as 2026-11-19"),
        (("--day", f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"), "has not come yet"),
        (("--tolerance", "lots"), "tolerance 'lots'"),
        (("--provider", "google"), "google_table"),
        (("--source", "oracle"), "known: anthropic-analytics"),
    ],
)
def test_wrongly_called(
    remit: Remit, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", KEY)
    result = remit("reconcile", *words)
    assert result.exit_code == 2
    assert message in result.stderr


def test_nobody_to_compare_with(remit: Remit) -> None:
    result = remit("reconcile")
    assert result.exit_code == 2
    assert "ANTHROPIC_ADMIN_KEY, OPENAI_ADMIN_KEY" in result.stderr
    settings = '[reconciliation]\ndaily = ["openai"]\n'
    Path("remit.toml").write_text(settings, encoding="utf-8")  # in the folder of this test
    assert "OPENAI_ADMIN_KEY" in remit("reconcile").stderr


def test_the_how_to_names_commands_that_exist() -> None:
    page = "docs/howto/reconcile.md"
    found = [
        shlex.split(line.removeprefix("$ remit reconcile"))
        for block in blocks(ROOT, page)
        for line in block.code.splitlines()
        if line.startswith("$ remit reconcile")
    ]
    assert found
    for words in found:
        reconcile.make_context("reconcile", words, parent=click.Context(commands))
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [kind for kind in DISTORTION_KINDS if f"`{kind}`" not in text] == []
