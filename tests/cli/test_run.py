"""`remit run` and `remit resume`: real runs against a provider, with humans at terminals."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import pytest

from remit.cli.person import principal, user_name
from tests.app.pictures import png
from tests.cli.terminal import Remit, at_terminal


def first_approval() -> object:
    """The id of the first call that waits, once there is one."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if Path("j.db").exists():
            rows = Remit()("approvals", "--json")
            if rows.exit_code == 0 and (found := json.loads(rows.stdout)):
                return found[0]["id"]
        time.sleep(0.05)
    raise AssertionError("nothing waits")


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def test_a_run_prints_its_answer_and_tells_about_itself_beside(shop_file: Path) -> None:
    result = Remit()("run", f"{shop_file}:clerk", "hello there")
    assert (result.exit_code, result.stdout) == (0, "You said: hello there\n")
    for words in (
        f"clerk is asked by {user_name()}: hello there",
        "completed",
        "1 turns, 0 calls, $",
        "remit show ",
        "journal head 2:",
    ):
        assert words in result.stderr, words


def test_with_json_there_is_one_document_and_nothing_else(shop_file: Path) -> None:
    result = Remit()(
        "run",
        f"{shop_file}:make",
        "hello",
        *("-i", "name=anna", "-i", "turns=3", "-i", "cost=0.5"),
        *("--json", "--user", "ann", "--session", "s1", "--tenant", "acme", "--label", "red"),
    )
    assert (result.exit_code, result.stderr) == (0, "")
    tree = json.loads(result.stdout)
    assert (tree["status"], tree["output"], tree["agent"]) == (
        "completed",
        "You said: hello",
        "anna",
    )
    assert (tree["tenant"], tree["approvals"], tree["success"]) == ("acme", [], None)
    assert tree["head"]["tenant"] == "acme"
    (row,) = Remit().rows("runs")
    assert (row["user"], row["session"], row["tenant"]) == ("ann", "s1", "acme")
    head = f"{tree['head']['size']}:{tree['head']['root']}"
    assert Remit()("verify", "--tenant", "acme", "--head", head).exit_code == 0


@pytest.mark.requirement("AUD-4")
def test_files_are_attached(shop_file: Path) -> None:
    page = Path(__file__).parents[2] / "docs/howto/images.md"
    words = next(
        shlex.split(line)[3:]
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("$ remit run ")
    )
    Path("lamp.png").write_bytes(png())
    Path("note.txt").write_text("The lamp is blue.", encoding="utf-8")
    result = Remit()("run", f"{shop_file}:clerk", *words[1:])
    assert (result.exit_code, result.stdout) == (0, "You said: What is this?\n")
    assert "What is this? [image: image/png, " in result.stderr
    (row,) = Remit().rows("runs")
    shown = Remit().good("show", row["run"])
    assert "[document note.txt: text/plain, 17 bytes, sha256 " in shown
    assert Remit()("verify").exit_code == 0
    assert Remit()("replay", row["run"], "--check").exit_code == 0


def test_what_cannot_be_attached_is_refused_before_anything_runs(shop_file: Path) -> None:
    Path("lamp.zip").write_bytes(b"PK\x03\x04\0")
    result = Remit()("run", f"{shop_file}:clerk", "What is this?", "--attach", "lamp.zip")
    assert result.exit_code == 2
    assert "lamp.zip is neither PDF nor text in UTF-8; export it as PDF" in result.stderr
    assert not Path("j.db").exists()


def test_a_session_goes_on(shop_file: Path) -> None:
    for task in ("one", "two"):
        Remit().good("run", f"{shop_file}:clerk", task, "--session", "s1")
    newest, older = Remit().rows("runs", "--session", "s1")
    tree = Remit().tree("show", newest["run"])
    assert any(
        child["label"] == "continues" and child["text"] == older["run"]
        for child in cast("list[dict[str, object]]", tree["children"])
        if child["kind"] == "note"
    )


def test_a_run_that_fails_its_check_is_a_no(shop_file: Path) -> None:
    result = Remit()("run", f"{shop_file}:never", "hello")
    assert result.exit_code == 1
    assert "its success check failed" in result.stderr


@pytest.mark.requirement("APR-1", "APR-2")
def test_a_detached_run_ends_where_a_human_must_speak(shop_file: Path) -> None:
    result = Remit()("run", f"{shop_file}:clerk", "refund 17", "--detach")
    assert result.exit_code == 0
    assert "waits for a human (remit.approvals.refund_order)" in result.stderr
    assert "two lamps" in result.stderr
    assert "\x1b" not in result.stderr
    (row,) = Remit().rows("approvals")
    again = Remit()("resume", f"{shop_file}:clerk", row["run"], "--detach", "--json")
    assert json.loads(again.stdout)["approvals"] == [row["id"]]
    assert lines_of(Path("refunds.txt")) == []
    Remit().good("approve", row["id"])
    done = Remit()("resume", f"{shop_file}:clerk", str(row["run"])[-8:])
    assert (done.exit_code, done.stdout) == (0, "Refunded.\n")
    assert lines_of(Path("refunds.txt")) == ["17"]


@pytest.mark.requirement("APR-1", "APR-4")
def test_a_refused_call_is_not_carried_out(shop_file: Path) -> None:
    Remit()("run", f"{shop_file}:clerk", "refund 17", "--detach")
    (row,) = Remit().rows("approvals")
    Remit().good("deny", row["id"], "--comment", "too late")
    done = Remit()("resume", f"{shop_file}:clerk", row["run"])
    assert (done.exit_code, done.stdout) == (0, "I may not.\n")
    assert lines_of(Path("refunds.txt")) == []


@pytest.mark.requirement("APR-2")
def test_a_waiting_process_takes_a_word_said_in_another(shop_file: Path) -> None:
    command = [sys.executable, "-m", "remit", "run", f"{shop_file}:clerk", "refund 17", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert Remit().tree("approve", first_approval())["taken"]
        output, _ = process.communicate(timeout=60)
    assert (process.returncode, json.loads(output)["status"]) == (0, "completed")
    assert lines_of(Path("refunds.txt")) == ["17"]


@pytest.mark.requirement("APR-2", "APR-4")
@pytest.mark.parametrize(("key", "refunds"), [("y", ["17"]), ("", [])])
def test_at_a_terminal_the_person_is_asked(shop_file: Path, key: str, refunds: list[str]) -> None:
    with at_terminal("run", f"{shop_file}:clerk", "refund 17") as terminal:
        terminal.until("[y/N]")
        assert 'refund_order {"order":"17"}' in terminal.plain
        assert lines_of(Path("refunds.txt")) == []
        terminal.type(f"{key}\n")
        status, output = terminal.finish()
    assert status == 0
    assert output == ("Refunded.\n" if refunds else "I may not.\n")
    assert lines_of(Path("refunds.txt")) == refunds
    (row,) = Remit().rows("runs")
    decision = Remit().rows("show", row["run"], "--audit")[-1]
    assert (decision["principal"], decision["channel"]) == (principal(), "cli")


@pytest.mark.requirement("APR-5")
def test_a_typed_question_is_asked_until_the_answer_fits(shop_file: Path) -> None:
    with at_terminal("run", f"{shop_file}:clerk", "gift") as terminal:
        terminal.until("How many sheets?")
        terminal.until("answer (JSON or text): ")
        terminal.type("many\n")
        terminal.seen = ""
        terminal.until("answer (JSON or text): ")
        terminal.type("3\n")
        assert terminal.finish() == (0, "Wrapped: 17 in 3 sheets\n")


def test_somebody_else_may_be_faster_than_the_person_asked(shop_file: Path) -> None:
    with at_terminal("run", f"{shop_file}:clerk", "refund 17") as terminal:
        terminal.until("[y/N]")
        (row,) = Remit().rows("approvals")
        assert Remit().tree("approve", row["id"])["taken"]
        terminal.until("answered elsewhere")
        assert terminal.finish() == (0, "Refunded.\n")
    assert lines_of(Path("refunds.txt")) == ["17"]


@pytest.mark.requirement("DUR-1")
def test_interrupted_at_the_gate_and_taken_up_again(shop_file: Path) -> None:
    with at_terminal("run", f"{shop_file}:clerk", "refund 17") as terminal:
        terminal.until("[y/N]")
        os.kill(terminal.process.pid, signal.SIGINT)
        shown = terminal.until("interrupted; nothing is lost")
        assert "remit resume" in shown
        assert terminal.finish()[0] == 130
    (row,) = Remit().rows("runs")
    with at_terminal("resume", f"{shop_file}:clerk", row["run"]) as terminal:
        terminal.until("[y/N]")
        terminal.type("y\n")
        assert terminal.finish() == (0, "Refunded.\n")
    assert Remit()("verify").exit_code == 0


def test_a_terminal_that_is_closed_leaves_the_word_to_others(shop_file: Path) -> None:
    with at_terminal("run", f"{shop_file}:clerk", "refund 17") as terminal:
        terminal.until("[y/N]")
        terminal.type("\x04")
        terminal.until("remit approve")
        (row,) = Remit().rows("approvals")
        assert Remit().tree("approve", row["id"])["taken"]
        assert terminal.finish() == (0, "Refunded.\n")


def test_at_a_terminal_that_can_redraw_there_is_a_view(shop_file: Path) -> None:
    variables = {"TERM": "xterm-256color"}
    with at_terminal("run", f"{shop_file}:clerk", "refund 17", variables=variables) as terminal:
        shown = terminal.until("[y/N]")
        assert "spent" in shown
        assert "of $5.00" in shown
        terminal.type("y\n")
        assert terminal.finish()[0] == 0


def test_a_call_in_doubt_is_told_and_resolved_elsewhere(shop_file: Path) -> None:
    with at_terminal("run", f"{shop_file}:clerk", "ship") as terminal:
        terminal.until("nobody knows whether this happened: ship_parcel")
        terminal.until("--not-happened")
        (row,) = Remit().rows("runs")
        tree = Remit().tree("resolve", row["run"], "c1-1", "--happened")
        assert tree["taken"]
        assert terminal.finish() == (0, "Shipped.\n")


def test_without_a_key_the_error_says_what_to_do(
    shop_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    result = Remit()("run", f"{shop_file}:clerk", "hello")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "set ANTHROPIC_API_KEY" in result.stderr
    assert "remit demo" in result.stderr
    assert Remit().rows("runs") == [], "nothing was begun"


def test_a_run_of_another_agent_is_not_taken_up(shop_file: Path) -> None:
    Remit()("run", f"{shop_file}:clerk", "refund 17", "--detach")
    (row,) = Remit().rows("runs")
    result = Remit()("resume", f"{shop_file}:never", row["run"])
    assert result.exit_code == 2
    assert "'clerk'" in result.stderr
    assert Remit()("resume", f"{shop_file}:clerk", "nosuch").exit_code == 1


def test_a_user_that_cannot_be_a_name_is_refused(shop_file: Path) -> None:
    result = Remit()("run", f"{shop_file}:clerk", "hello", "--user", "no name")
    assert result.exit_code == 2
    assert "user 'no name'" in result.stderr
