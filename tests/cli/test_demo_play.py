"""The demo's run in one process: watched, answered through the desk, taken up again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remit.app.run import PendingApproval
from remit.cli import demo_stage
from remit.cli.demo_play import Answer, lomu, opened, play, process_variables
from remit.cli.demo_stage import Stage
from remit.runtime.hub import StreamEvent, StreamItem
from remit.simulator.server import running
from tests.examples.provider import scenario
from tests.examples.scratch import git


class Watcher:
    """Notes what it sees; says what it was told to, or leaves."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer
        self.seen: list[str] = []
        self.recalled: list[str] = []

    def recall(self, item: StreamItem) -> None:
        if isinstance(item, StreamEvent):
            self.recalled.append(item.event.type)

    def see(self, item: StreamItem) -> None:
        if isinstance(item, StreamEvent):
            self.seen.append(item.event.type)

    async def decide(self, pending: PendingApproval) -> Answer:
        if self.answer is None:
            raise KeyError(pending.tool)
        return self.answer


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.chdir(tmp_path)
    return demo_stage.build("plain")


@contextmanager
def _left() -> Iterator[None]:
    with pytest.raises(KeyError, match="commit_changes"):
        yield


@pytest.mark.requirement("APR-1")
async def test_a_run_that_was_left_at_the_gate_goes_on_from_there(stage: Stage) -> None:
    first, second = Watcher(None), Watcher(Answer(agrees=True, comment="now"))
    async with running(scenario()) as provider:
        variables = {"ANTHROPIC_API_KEY": "any", "ANTHROPIC_BASE_URL": provider.url}
        with _left():
            agent = lomu(stage)
            async with opened("sqlite:///journal.db", agent, variables) as app:
                await play(app, agent, stage, first)
        agent = lomu(stage)
        async with opened("sqlite:///journal.db", agent, variables) as app:
            run = await play(app, agent, stage, second)
            assert len(await app.store.runs("local", session=stage.session)) == 6
    assert run.status == "completed"
    assert first.seen[0] == "RunStarted"
    assert sorted(second.recalled) == sorted(first.seen)
    assert "ApprovalGiven" in second.seen
    assert len(git(stage.repo, "rev-list", "--all").split()) == 2


def test_only_what_leads_to_a_provider_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    assert process_variables() == {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1"}
