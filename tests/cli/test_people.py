"""`remit questions`, `answer`, `resolve` and `cancel`."""

from pathlib import Path
from typing import cast

import pytest

from remit.cli.people import expected
from remit.cli.person import principal
from tests.cli.shop import clerk, shop
from tests.cli.terminal import Remit


def asked(remit: Remit, kind: str) -> dict[str, str]:
    (found,) = cast("list[dict[str, str]]", remit.tree("questions")[kind])
    return found


@pytest.mark.requirement("APR-5")
def test_questions_and_doubts_are_listed(remit: Remit) -> None:
    question, doubt = asked(remit, "questions"), asked(remit, "doubts")
    assert (question["tool"], question["text"]) == ("wrap_gift", "How many sheets?")
    assert (doubt["tool"], doubt["call"]) == ("ship_parcel", "c1-1")
    text = remit.good("questions")
    assert "How many sheets?" in text
    assert f"remit answer {question['id'][-16:]} 'integer'" in text
    assert "c1-1 --happened|--not-happened" in text
    assert remit.good("questions", "--tenant", "acme") == "nobody is asked anything\n"


def test_the_expected_answer_in_a_word() -> None:
    assert expected('{"type": "integer"}') == "integer"
    assert expected('{"enum": ["a", 1]}') == '"a"|1'
    assert expected('{"anyOf": []}') == "JSON"
    assert expected("true") == "JSON"
    assert expected("not json") == "JSON"


@pytest.mark.requirement("APR-5", "APR-2")
async def test_an_answer_goes_into_the_run(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    url = ("--db", f"sqlite:///{path}")
    async with shop(path) as app:
        run = await app.run(clerk, "gift wrap it")
        await app.approve(run.approvals[0].id, principal="boss")
        await app.engine.settled("local", run.id)
        (question,) = (await app.get(run.id)).questions
        wrong = await Remit().tree_elsewhere("answer", question.id, '"many"', *url)
        assert wrong["taken"]
        await app.engine.settled("local", run.id)
        (again,) = (await app.get(run.id)).questions
        assert again.id != question.id, "an answer that does not fit is asked for again"
        tree = await Remit().tree_elsewhere("answer", again.id, "3", *url)
        assert (tree["taken"], tree["value"], tree["principal"]) == (True, 3, principal())
        assert (await app.wait(run.id)).status == "completed"
    assert "17 3 times" in (await Remit().elsewhere("show", run.id, *url)).stdout


async def test_somebody_says_what_happened(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    url = ("--db", f"sqlite:///{path}")
    async with shop(path) as app:
        run = await app.run(clerk, "ship it")
        words = ("resolve", run.id, "c1-1", "--happened", "--text", "it is there")
        tree = await Remit().tree_elsewhere(*words, *url)
        assert tree["taken"]
        assert (await app.wait(run.id)).status == "completed"
    assert "it is there" in (await Remit().elsewhere("show", run.id, *url)).stdout


async def test_a_run_is_cancelled_from_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    url = ("--db", f"sqlite:///{path}")
    async with shop(path) as app:
        run = await app.run(clerk, "refund it")
        words = ("cancel", run.id[-8:], "--reason", "enough")
        result = await Remit().elsewhere(*words, *url)
        assert f"said by {principal()}; the run goes on" in result.stdout
        stopped = await app.wait(run.id)
        assert (stopped.status, stopped.reason) == ("stopped", "cancelled")
    again = await Remit().elsewhere("cancel", run.id, *url)
    assert again.exit_code == 1
    assert "has ended already" in again.stderr


def test_what_cannot_be_said(remit: Remit) -> None:
    question, doubt = asked(remit, "questions"), asked(remit, "doubts")
    result = remit("answer", question["id"], "many")
    assert result.exit_code == 2
    assert "'many' is not JSON" in result.stderr
    assert remit("answer", "nosuch", "1").exit_code == 1
    result = remit("resolve", doubt["run"], doubt["call"])
    assert result.exit_code == 2
    assert "--happened or --not-happened" in result.stderr
    result = remit("resolve", doubt["run"], "c9-9", "--happened")
    assert result.exit_code == 1
    assert "is not in doubt" in result.stderr
    kept = remit.good("answer", question["id"], "3")
    assert "nobody drives the run now" in kept
