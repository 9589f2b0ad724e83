"""`remit budget` sets limits in the journal, for every process, and shows what is left of them."""

from pathlib import Path

import pytest

from remit.cli.person import principal
from tests.cli.shop import clerk, shop
from tests.cli.terminal import Remit

WHY = ("--reason", "she pays")


@pytest.mark.requirement("BUD-3", "BUD-4")
def test_set_show_unset(remit: Remit) -> None:
    assert remit.good("budget", "show") == "no budget\n"
    text = remit.good(
        *("budget", "set", "user:ann", "--window", "day", "--cost-usd", "50", "--tokens", "1000"),
        *WHY,
    )
    assert text == (
        f"user:ann day nano: $50.00, by {principal()}\n"
        f"user:ann day tokens: 1,000 tokens, by {principal()}\n"
    )
    nano, tokens = remit.rows("budget", "show", "user:ann")
    assert nano["account"] == f"user:ann|{str(nano['account']).split('|')[1]}|nano"
    assert (nano["limit"], nano["used"], nano["left"]) == (50 * 10**9, 0, 50 * 10**9)
    assert (nano["source"], nano["principal"], nano["reason"]) == ("set", principal(), "she pays")
    assert (tokens["unit"], tokens["warned"], tokens["window"]) == ("tokens", False, "day")
    assert nano["set"] is not None
    assert nano["resets"] is not None
    table = remit.good("budget", "show")
    assert f"set by {principal()}" in table
    assert "$50.00" in table
    (made, _) = remit.rows("budget", "set", "user:ann", "--window", "day", "--unset", *WHY)
    assert (made["account"], made["limit"]) == ("user:ann|day|nano", None)
    again = remit("budget", "set", "user:ann", "--window", "day", "--unset", *WHY)
    assert again.exit_code == 1
    assert remit.good("budget", "show") == "no budget\n"


@pytest.mark.requirement("BUD-3")
def test_what_the_settings_declare_is_shown(remit: Remit, tmp_path: Path) -> None:
    (tmp_path / "here" / "remit.toml").write_text(
        '[[budgets]]\nof = "user"\nwindow = "day"\ncost_usd = "20"\n'
        '[[budgets]]\nof = "global"\nwindow = "hour"\ncalls = 9\n',
        encoding="utf-8",
    )
    found = remit.rows("budget", "show")
    assert [(row["holder"], row["source"], row["used"], row["tenant"]) for row in found] == [
        ("global:all", "declared", 0, "*"),
        ("user:*", "declared", None, "local"),
    ]
    assert "each" in remit.good("budget", "show")
    assert [row["limit"] for row in remit.rows("budget", "show", "user:eve")] == [20 * 10**9]


def test_the_account_of_a_run_is_shown(remit: Remit) -> None:
    run = remit.rows("runs")[-1]
    (found,) = remit.rows("budget", "show", f"run:{run['run']}", "--tenant", run["tenant"])
    assert (found["used"], found["source"]) == (run["cost_nano"], "runs")


@pytest.mark.requirement("BUD-4")
async def test_a_process_that_goes_on_keeps_to_it(tmp_path: Path) -> None:
    url = ("--db", f"sqlite:///{tmp_path / 'j.db'}")
    remit = Remit()
    async with shop(tmp_path / "j.db") as app:
        await app.run(clerk, "look", user="ann", session="s1")
        words = ("budget", "set", "agent:clerk", "--calls", "2", *WHY)
        await remit.elsewhere(*words, *url)
        assert (await app.run(clerk, "look", user="ann")).status == "completed"
        refused = await app.run(clerk, "look", user="ann")
        assert (refused.status, refused.reason) == ("stopped", "budget")
        await remit.elsewhere("budget", "set", "agent:clerk", "--calls", "9", *WHY, *url)
        assert (await app.run(clerk, "look", user="ann")).status == "completed"
    assert (await remit.elsewhere("verify", *url)).exit_code == 0


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("user:ann", *WHY), 2),
        (("user:ann", "--unset", "--calls", "3", *WHY), 2),
        (("user:ann", "--calls", "3"), 2),
        (("user:ann", "--cost-usd", "a lot", *WHY), 2),
        (("anne", "--calls", "3", *WHY), 2),
        (("run:run_1", "--calls", "3", *WHY), 1),
        (("user:ann", "--window", "week", "--calls", "3", *WHY), 2),
    ],
)
def test_what_cannot_be_set(remit: Remit, words: tuple[str, ...], status: int) -> None:
    assert remit("budget", "set", *words).exit_code == status
    assert remit.good("budget", "show") == "no budget\n"
