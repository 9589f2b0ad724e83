"""`remit approvals`, `approve` and `deny`: a human's word from any terminal."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from remit.cli.person import principal
from tests.app.damages import damages, edit
from tests.cli.shop import clerk, shop
from tests.cli.terminal import Remit


async def audit(path: Path, run: str) -> list[dict[str, object]]:
    """The decisions on the calls of a run."""
    words = ("show", run, "--audit", "--db", f"sqlite:///{path}")
    return cast("list[dict[str, object]]", await Remit().tree_elsewhere(*words))


@pytest.mark.requirement("APR-2")
def test_what_waits_is_listed(remit: Remit) -> None:
    (row,) = remit.rows("approvals")
    assert (row["tool"], row["arguments"]) == ("refund_order", '{"order": "17"}')
    assert (row["needed"], row["given"], row["tenant"]) == (1, [], "local")
    assert row["kept"] == []
    text = remit.good("approvals")
    assert "refund_order" in text
    assert str(row["id"])[-13:] in text
    assert remit.good("approvals", "--tenant", "acme") == "nothing waits for a human\n"


@pytest.mark.requirement("APR-2", "APR-4")
def test_a_word_is_kept_until_somebody_drives_the_run(remit: Remit) -> None:
    (row,) = remit.rows("approvals")
    tree = remit.tree("approve", str(row["id"])[-13:], "--comment", "he is a good customer")
    assert (tree["decision"], tree["principal"], tree["taken"]) == ("approved", principal(), False)
    assert tree["digest"] == row["digest"]
    (row,) = remit.rows("approvals")
    assert row["kept"] == [f"yes of {principal()} kept"]
    assert f"0 of 1, yes of {principal()} kept" in remit.good("approvals")
    text = remit.good("approve", str(row["id"]))
    assert 'approved: refund_order {"order": "17"}' in text
    assert "nobody drives the run now: remit resume MODULE:AGENT" in text


@pytest.mark.requirement("APR-2", "APR-4")
async def test_another_process_answers_while_this_one_waits(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with shop(path) as app:
        first = await app.run(clerk, "refund order 17")
        again = await app.run(clerk, "refund another")
        words = ("approve", first.approvals[0].id), ("deny", again.approvals[0].id)
        for verb, approval in words:
            command = [sys.executable, "-m", "remit", verb, approval, "--comment", "well", "--json"]
            process = await asyncio.create_subprocess_exec(
                *command, "--db", f"sqlite:///{path}", stdout=subprocess.PIPE
            )
            output, _ = await process.communicate()
            assert process.returncode == 0
            tree = json.loads(output)
            assert tree["taken"], "the run in this process took it"
            assert tree["principal"] == principal()
        agreed = await app.wait(first.id)
        refused = await app.wait(again.id)
        assert (agreed.status, refused.status) == ("completed", "completed")
    for run, what in ((first.id, "approved"), (again.id, "denied")):
        row = (await audit(path, run))[1]
        said = (row["what"], row["principal"], row["channel"], row["reason"])
        assert said == (what, principal(), "cli", "well")


@pytest.mark.requirement("APR-4")
async def test_an_approval_with_changed_arguments(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with shop(path) as app:
        run = await app.run(clerk, "refund order 17")
        changed = '{"order": "17", "amount": "0.50"}'
        words = ("approve", run.approvals[0].id, "--arguments", changed)
        tree = await Remit().tree_elsewhere(*words, "--db", f"sqlite:///{path}")
        assert tree["taken"]
        assert (await app.wait(run.id)).status == "completed"
    row = (await audit(path, run.id))[1]
    assert json.loads(str(row["arguments"])) == {"order": "17", "amount": "0.50"}


async def test_a_word_that_the_run_does_not_take_is_a_no(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with shop(path) as app:
        run = await app.run(clerk, "refund order 17")
        words = ("approve", run.approvals[0].id, "--arguments", '{"number": 1}')
        result = await Remit().elsewhere(*words, "--db", f"sqlite:///{path}")
        assert result.exit_code == 1
        assert "the run did not take it: the call cannot be approved as it is" in result.stderr


def test_ids_of_nothing_and_words_that_are_wrong(remit: Remit) -> None:
    result = remit("approve", "nosuch")
    assert result.exit_code == 1
    assert "there is no call that waits for a human 'nosuch'" in result.stderr
    (row,) = remit.rows("approvals")
    result = remit("approve", row["id"], "--arguments", "not json")
    assert result.exit_code == 2
    assert "not a JSON object" in result.stderr
    assert remit("approve", row["id"], "--arguments", "[1]").exit_code == 2
    assert remit("deny").exit_code == 2


async def wrapped(path: Path) -> str:
    """The id of a call that waits, whose tool tells what it would do."""
    async with shop(path) as app:
        return (await app.run(clerk, "gift wrap it")).approvals[0].id


@pytest.mark.requirement("APR-2", "PERM-7")
async def test_a_list_shows_what_calls_would_do_and_one_can_be_seen_whole(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    approval = await wrapped(path)
    words = ("--db", f"sqlite:///{path}")
    loop = asyncio.get_running_loop()

    def good(*more: str) -> str:
        return Remit().good(*more, *words)

    text = await loop.run_in_executor(None, good, "approvals")
    assert "what it would do (+1 -1):" in text
    assert "  │  sheet 19\n" in text
    assert "sheet 20\n" not in text
    assert "484 more lines: remit approvals show ID" in text
    whole = await loop.run_in_executor(None, good, "approvals", "show", approval)
    assert "  │  sheet 499\n" in whole
    assert '  │+ paper: "red \\u001b[31m"\n' in whole
    assert "more lines" not in whole
    for name in ("why ", "agreed ", "may answer ", "cost so far ", "expires ", "digest "):
        assert f"\n{name}" in whole
    assert "\x1b" not in text + whole
    tree = json.loads(
        await loop.run_in_executor(None, good, "approvals", "show", approval, "--json")
    )
    assert tree["preview"]["lines"] == 504
    assert len(tree["whole"].split("\n")) == 504
    said = await loop.run_in_executor(None, good, "approve", approval)
    assert "what it would do (+1 -1):" in said


@pytest.mark.requirement("APR-2")
async def test_the_tree_of_a_run_tells_what_people_were_shown(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    run = (await wrapped(path)).partition(":")[0]
    loop = asyncio.get_running_loop()

    def good(*more: str) -> str:
        return Remit().good("show", run, *more, "--db", f"sqlite:///{path}")

    assert "note would do +1 -1: sheet 0 sheet 1" in await loop.run_in_executor(None, good)
    full = await loop.run_in_executor(None, good, "--full")
    assert "sheet 300" in full
    assert "[cut, " in full


@pytest.mark.requirement("PERM-7", "AUD-3")
async def test_a_whole_that_was_changed_in_the_store_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    approval = await wrapped(path)
    loop = asyncio.get_running_loop()
    words = ("approvals", "show", approval, "--db", f"sqlite:///{path}")
    tree = json.loads(await loop.run_in_executor(None, Remit().good, *words, "--json"))
    digest = tree["preview"]["artifact"]
    edit(path, "UPDATE blobs SET content = ? WHERE digest = ?", b"\0harmless", digest)
    result = await loop.run_in_executor(None, lambda: Remit()(*words))
    assert result.exit_code != 0
    assert "is not what" in result.stderr
    assert "harmless" not in result.stdout
    (damage,) = [each for each in await damages(path) if "would do" in each]
    assert "was changed" in damage


@pytest.mark.requirement("PERM-7")
@pytest.mark.parametrize("verb", ["approve", "deny"])
async def test_a_word_for_what_was_seen_is_none_for_what_replaced_it(
    tmp_path: Path, verb: str
) -> None:
    path = tmp_path / "j.db"
    async with shop(path) as app:
        gift = (await app.run(clerk, "gift wrap it")).approvals[0].id
        other = '{"order": "18"}'
        await app.desk.approve("local", gift, principal="boss", channel="test", arguments=other)
        await app.engine.settled("local", gift.partition(":")[0])
        (again,) = (await app.get(gift.partition(":")[0])).approvals
    assert again.id == f"{gift}:2"
    loop = asyncio.get_running_loop()
    words = ("--db", f"sqlite:///{path}")
    result = await loop.run_in_executor(None, lambda: Remit()(verb, gift, *words))
    assert result.exit_code != 0
    assert "was asked about again as" in result.stderr
    good = await loop.run_in_executor(None, lambda: Remit()(verb, again.id, *words))
    assert good.exit_code == 0
