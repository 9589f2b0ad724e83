"""Every fault in every protocol, streamed, whole and unattended: ends as declared, money right."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typing_extensions import override

from remit import App
from remit.app.lazy import SystemDice
from remit.journal.codec import open_record
from remit.journal.events import (
    Event,
    ModelCompleted,
    ModelDrifted,
    ModelFailed,
    ModelRequested,
    RunEnded,
)
from remit.policy.specimen import planted
from remit.runtime.hub import StreamDelta
from remit.simulator.provider import environment
from remit.simulator.server import running
from remit.simulator.spoiling import SECRET
from remit.values.message import TextPart
from tests.faults.matrix import Case, Cell, agents, case, cells, play_all, scenario
from tests.runtime.stage import written
from tests.support.trial import kept, told

BUSY = "provider.overloaded|provider.server"  # what 503 is called differs by protocol
BROKEN = "provider.stream_broken|provider.malformed"
DONE = "completed"
CASES: tuple[Case, ...] = (
    case("latency", DONE, DONE, latency_ms=20),
    case("rate_limited", DONE, "provider.rate_limited"),
    case("retry_after", DONE, "provider.rate_limited", "rate_limited", retry_after_s=1),
    case("resets", DONE, "provider.rate_limited", "rate_limited", resets_in_s=1),
    case("overloaded", DONE, BUSY),
    case("server_error", DONE, "provider.server"),
    case("bad_gateway", DONE, "provider.server", "server_error", status=502),
    case("unavailable", DONE, BUSY, "server_error", status=503),
    case("retired", "provider.not_found", "provider.not_found"),
    case("hang", "-", "deadline"),
    case("hang_midstream", "-", "deadline"),
    case("reset", DONE, "provider.stream_broken"),
    case("reset_first", DONE, "provider.stream_broken", "reset", after_events=0),
    case("cut", DONE, "provider.stream_broken"),
    case("malformed", DONE, "provider.malformed"),
    case("invalid_sse", DONE, BROKEN),
    case("stream_error", DONE, f"{BUSY}|provider.stream_broken"),
    case("wrong_type", DONE, "provider.malformed"),
    case("page", DONE, "provider.server", "wrong_type", status=502),
    case("no_usage", DONE, "provider.malformed"),
    case("cut_arguments", DONE, "turn-limit"),
    case("unknown_tool", DONE, "turn-limit"),
    case("tool_loop", DONE, "turn-limit"),
    case("empty", DONE, "turn-limit"),
    case("max_tokens", "-", DONE),
    case("drift", DONE, DONE),
    case("secret", DONE, DONE),
    case("giant", DONE, DONE, size_bytes=40_000),
)
UNSAID = frozenset({"max_tokens", "secret", "giant", "tool_loop"})
"""Faults whose answer is not the one of the rule, also where they strike once."""
RUN_BYTES = 10
"""So many bytes of a secret in a row are a leak."""


@dataclass(frozen=True, slots=True)
class Played:
    """What came of the matrix."""

    cells: list[Cell]
    stories: dict[str, list[Event]]
    folder: Path
    key: str
    log: str
    asked: str
    """Every request as the provider got it."""

    def of(self, cell: Cell) -> list[Event]:
        """The journal of a run."""
        assert cell.run is not None
        return self.stories[cell.run.id]


class Keeping(logging.Handler):
    """Keeps what is logged, with its exceptions."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage() + str(record.exc_info or ""))


async def played_in(folder: Path, patch: pytest.MonkeyPatch) -> Played:
    """All runs; money is checked while the journal is open."""
    found, by = cells(CASES), agents()
    key = planted("«sk-ant-api03-{W60}»", "matrix")[1]
    log = Keeping()
    root = logging.getLogger()
    root.addHandler(log)
    level = root.level
    root.setLevel(logging.DEBUG)
    # A tenth of the longest backoff: never none, or an unattended run would spin.
    patch.setattr(SystemDice, "jitter", lambda _: 100_000)
    try:
        async with running(scenario(CASES), key=key) as simulator:
            for name, value in environment(simulator.url).items():
                patch.setenv(name, key if name.endswith("_KEY") else value)
            async with App(f"sqlite:///{folder / 'journal.db'}", agents=by.values()) as app:
                await play_all(app, found, by)
                stories = await _audited(app, found)
            asked = "".join(repr(one.request) for one in simulator.served)
    finally:
        root.removeHandler(log)
        root.setLevel(level)
    return Played(found, stories, folder, key, "\n".join(log.lines), asked)


async def _audited(app: App, found: list[Cell]) -> dict[str, list[Event]]:
    """The stories of all runs, once money is known to be right."""
    assert await told(app.store) == await kept(app.store, ["local"]), "the trial balance"
    stories = {}
    for cell in found:
        assert cell.run is not None, cell.task
        assert await app.store.open_holds("local", cell.run.id) == [], cell.task
        bodies = [open_record(record) for record in await app.store.records("local", cell.run.id)]
        stories[cell.run.id] = [event for body in bodies if body for event in body.events]
    return stories


def check_every_run_ends_as_declared(played: Played) -> None:
    wrong = [
        (cell.task, cell.ending, cell.expected)
        for cell in played.cells
        if cell.ending not in cell.expected
    ]
    assert wrong == []


def check_every_call_is_entered_once(played: Played) -> None:
    for cell in played.cells:
        events = played.of(cell)
        asked = [(one.call, one.attempt) for one in events if isinstance(one, ModelRequested)]
        settled = [
            (one.call, one.attempt)
            for one in events
            if isinstance(one, ModelCompleted | ModelFailed)
        ]
        assert Counter(asked) == Counter(settled), cell.task
        (ended,) = [one for one in events if isinstance(one, RunEnded)]
        costs = [one.cost for one in events if isinstance(one, ModelCompleted | ModelFailed)]
        assert ended.cost == sum(costs), cell.task


def check_an_answer_that_does_not_say_what_it_costs_is_paid_in_full(played: Played) -> None:
    for cell in played.cells:
        if cell.case.name == "no_usage":
            failed = [one for one in played.of(cell) if isinstance(one, ModelFailed)]
            spoiled = [one for one in failed if one.kind == "malformed"]
            assert spoiled, cell.task
            assert all(one.assumed and one.cost > 0 for one in spoiled), cell.task


def check_no_text_is_doubled_at_a_reader(played: Played) -> None:
    for cell in played.cells:
        if cell.mode != "stream":
            continue
        standing = cell.standing()
        for deltas in _by_part(standing).values():
            ends = [one.offset + len(one.text) for one in deltas]
            assert [one.offset for one in deltas] == [0, *ends[:-1]], cell.task
        said: dict[tuple[str, int], str] = {}
        # What is held back of a part comes when the answer is whole: a reader orders by part.
        for one in sorted(standing, key=lambda each: (each.part, each.offset)):
            if one.kind == "text":
                key = (one.call, one.attempt)
                said[key] = said.get(key, "") + one.text
        whole = {
            (one.call, one.attempt): "".join(
                part.text for part in one.parts if isinstance(part, TextPart)
            )
            for one in played.of(cell)
            if isinstance(one, ModelCompleted)
        }
        assert said == {key: text for key, text in whole.items() if text}, cell.task


def _by_part(deltas: list[StreamDelta]) -> dict[tuple[str, int, int], list[StreamDelta]]:
    found: dict[tuple[str, int, int], list[StreamDelta]] = {}
    for one in deltas:
        found.setdefault((one.call, one.attempt, one.part), []).append(one)
    return found


def check_an_answer_that_came_at_last_is_the_whole_one(played: Played) -> None:
    for cell in played.cells:
        if cell.ending == "completed" and cell.case.name not in UNSAID:
            assert cell.run is not None
            assert cell.run.output.count("Answer to") == 1, cell.task
            assert cell.run.output.endswith("in the middle of it."), cell.task


def check_no_secret_is_in_any_sink(played: Played) -> None:
    sinks = {
        "disk": written(played.folder).decode("latin-1"),
        "journal": repr(played.stories),
        "readers": repr([(cell.seen, cell.run) for cell in played.cells]),
        "log": played.log,
        "model": played.asked,
    }
    secrets = {"key": played.key.removeprefix("sk-ant-")} | {
        cell.task: planted(SECRET, cell.task)[1].removeprefix("ghp_")
        for cell in played.cells
        if cell.case.name == "secret"
    }
    leaks = [
        (sink, name)
        for sink, content in sinks.items()
        for name, secret in secrets.items()
        for at in range(len(secret) - RUN_BYTES + 1)
        if secret[at : at + RUN_BYTES] in content
    ]
    assert leaks == []
    assert sinks["journal"].count("[secret:") >= len(secrets) - 1


def check_drift_is_an_event(played: Played) -> None:
    for cell in played.cells:
        drifted = [one for one in played.of(cell) if isinstance(one, ModelDrifted)]
        assert len(drifted) == (cell.case.name == "drift"), cell.task
        for one in drifted:
            assert one.answered == f"{one.asked.partition(':')[2]}-next", cell.task


CHECKS: tuple[Callable[[Played], None], ...] = (
    check_every_run_ends_as_declared,
    check_every_call_is_entered_once,
    check_an_answer_that_does_not_say_what_it_costs_is_paid_in_full,
    check_no_text_is_doubled_at_a_reader,
    check_an_answer_that_came_at_last_is_the_whole_one,
    check_no_secret_is_in_any_sink,
    check_drift_is_an_event,
)


# One test, so that the runs are played once, whoever distributes tests.
@pytest.mark.timeout(300)  # 640 runs in one process, where others work beside it
@pytest.mark.requirement("PROV-2", "PROV-4", "PROV-5", "PROV-6", "STOP-1", "STOP-2", "STOP-3")
@pytest.mark.requirement("BUD-1", "SEC-1", "SEC-3", "SEC-4", "TST-3")
async def test_the_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played = await played_in(tmp_path, monkeypatch)
    failed = []
    for check in CHECKS:
        try:
            check(played)
        except AssertionError as exc:
            failed.append(exc)
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(CHECKS)} checks failed", failed)
