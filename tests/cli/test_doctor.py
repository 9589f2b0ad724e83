"""`remit doctor` says what will work here and what will not."""

import json
import os
import sqlite3
from pathlib import Path
from typing import cast

import pytest

from remit.cli import doctor
from remit.errors import SandboxUnavailable
from tests.cli.terminal import Remit


def findings(remit: Remit, *args: object) -> dict[str, tuple[str, str]]:
    tree = remit.tree("doctor", *args)
    rows = cast("list[dict[str, str]]", tree["findings"])
    return {row["name"]: (row["result"], row["text"]) for row in rows}


def test_a_healthy_machine(remit: Remit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "any")
    remit.good("switch", "off", "tool:x", "--reason", "x")
    found = findings(remit)
    assert found["journal"][0] == "good"
    assert "1 switched off" in found["journal"][1]
    assert found["keys"][0] == "good"
    assert found["anthropic"] == ("good", "its key is set (it was not tried)")
    text = remit.good("doctor")
    assert "ok   python" in text
    assert "ok   journal" in text


@pytest.mark.requirement("BIL-3")
def test_plans_are_looked_at(remit: Remit, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Path("remit.toml")
    plain = '[billing]\ndefault = "free"\n{}[plans.free]\n[plans.pro]\n{}'
    link = 'checkout_url = "https://pay.example/pro"\nprices = ["p"]\n'
    named = 'stripe_secret_env = "SHOP_SECRET"\n'
    for text, result, said in (
        (plain.format("", ""), "good", "free, pro; default free"),
        (plain.format("", link), "note", "payments are not taken"),
        (plain.format(named, link), "bad", "there is no secret SHOP_SECRET"),
        ("[plans.free]\n", "bad", "plans without [billing]"),
    ):
        settings.write_text(text, encoding="utf-8")
        document = json.loads(remit("doctor", "--json").stdout)
        found = {each["name"]: each for each in document["findings"]}
        assert found["plans"]["result"] == result
        assert said in found["plans"]["text"]
    settings.write_text(plain.format(named, link), encoding="utf-8")
    monkeypatch.setenv("SHOP_SECRET", "x" * 32)
    assert findings(remit)["plans"][0] == "good"


def test_before_the_first_run_nothing_is_made(remit: Remit, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "j.db"
    found = findings(remit, "--db", f"sqlite:///{path}")
    assert found["journal"] == ("note", f"{path} does not exist; the first run makes it")
    assert found["keys"][0] == "note"
    assert found["anthropic"][0] == "note"
    assert not (tmp_path / "deep").exists()


def test_what_is_wrong_is_a_no(
    remit: Remit, journal: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("remit.toml").write_text("colour = 1\n", encoding="utf-8")
    result = remit("doctor")
    assert result.exit_code == 1
    assert "bad  settings" in result.stdout
    Path("remit.toml").unlink()

    journal.with_name(f"{journal.name}.keys").chmod(0o644)
    result = remit("doctor")
    assert result.exit_code == 1
    assert "others can read the keys" in result.stdout

    (tmp_path / "broken.db").write_text("no database at all, just text", encoding="utf-8")
    result = remit("doctor", "--db", f"sqlite:///{tmp_path / 'broken.db'}")
    assert result.exit_code == 1
    assert "bad  journal" in result.stdout

    result = remit("doctor", "--db", "sqlite:nothing")
    assert result.exit_code == 1
    assert "write sqlite:///" in result.stdout


def test_keys_of_production_are_not_made(
    remit: Remit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REMIT_ENVIRONMENT", "production")
    result = remit("doctor", "--db", f"sqlite:///{tmp_path / 'new.db'}")
    assert result.exit_code == 1
    assert "bad  keys" in result.stdout


def test_no_sandbox_is_noted(remit: Remit, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise SandboxUnavailable("install bubblewrap")

    monkeypatch.setattr(doctor, "make_sandbox", none)
    assert findings(remit)["sandbox"] == (
        "note",
        "tools that run programs will refuse: install bubblewrap",
    )


def test_little_space_and_a_folder_that_may_not_be_written(
    remit: Remit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_FREE_BYTES", 2**62)
    assert "bad  space" in remit("doctor").stdout
    real = os.access

    def access(path: str | Path, mode: int) -> bool:
        return str(path) != str(tmp_path) and real(path, mode)

    monkeypatch.setattr(os, "access", access)
    result = remit("doctor", "--db", f"sqlite:///{tmp_path / 'new' / 'j.db'}")
    assert "may not be written" in result.stdout


def test_looking_leaves_the_journal_as_it_was(remit: Remit, journal: Path) -> None:
    def records() -> list[tuple[object, ...]]:
        connection = sqlite3.connect(journal)
        found = connection.execute("SELECT count(*), max(position) FROM records").fetchall()
        connection.close()
        return found

    before = records()
    remit.good("doctor")
    assert records() == before
    assert remit("verify").exit_code == 0


@pytest.mark.requirement("PROV-7")
def test_the_start_of_an_agent_is_tried(
    shop_file: Path, remit: Remit, monkeypatch: pytest.MonkeyPatch, provider: dict[str, str]
) -> None:
    for name, value in provider.items():
        monkeypatch.setenv(name, value)
    found = findings(remit, f"{shop_file}:clerk")
    assert found["clock"][0] == "good"
    model = next(name for name in found if name.startswith("model anthropic:"))
    assert found[model][1].startswith("pinned, priced")
    assert found[model][1].endswith("there")

    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")  # nobody listens there
    result = remit("doctor", f"{shop_file}:clerk")
    assert result.exit_code == 1
    assert "bad  model anthropic:" in result.stdout
    assert "look at the network" in result.stdout

    assert remit("doctor", "-i", "a=b").exit_code == 2
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    document = json.loads(remit("doctor", f"{shop_file}:clerk", "--json").stdout)
    row = next(each for each in document["findings"] if each["name"] == model)
    assert (row["result"], document["healthy"]) == ("bad", False)
    assert "ANTHROPIC_API_KEY" in row["text"]
