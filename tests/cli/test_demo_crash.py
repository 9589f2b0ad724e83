"""Random points of a seed, and the words for what a crash left in doubt."""

from remit.cli.demo_crash import RECORDS, Life, Point, claims, in_doubt, point_of
from remit.journal.events import (
    ModelFailed,
    ProbeCompleted,
    RunRecovered,
    ToolQueued,
    ToolUnknown,
)
from remit.values.money import usd
from tests.cli.demo_facts import proof, proposed, started, text


def test_a_seed_gives_the_same_point_again_and_seeds_differ() -> None:
    points = [point_of(seed) for seed in range(300)]
    assert points == [point_of(seed) for seed in range(300)]
    assert {point.records for point in points} == set(range(1, RECORDS + 1))
    assert str(Point(7, 0.0214)) == "21 ms after record 7"


def test_what_was_in_doubt_is_told_with_what_was_done_about_it() -> None:
    found = proof(
        ("run_a", started("lomu")),
        ("run_a", proposed("commit_changes", "ask_coder")),
        ("run_a.c1-2", started("coder")),
        ("run_a.c1-2", proposed("read_file")),
        ("run_a", RunRecovered(epoch=2, in_doubt=("c1-1",))),
        ("run_a", ToolUnknown(call="c1-1", reason=text("lost"))),
        ("run_a", ProbeCompleted(call="c1-1", verdict="happened")),
        ("run_a.c1-2", RunRecovered(epoch=2, in_doubt=("c1-1", "c2"))),
        ("run_a.c1-2", ModelFailed(call="c2", kind="in_doubt", cost=usd("0.10"), assumed=True)),
        ("run_a.c1-2", ToolQueued(call="c1-1")),
        ("run_a.c1-2", ToolQueued(call="c1-1")),
    )
    assert list(in_doubt(found)) == [
        "lomu: commit_changes may have happened or not; the repository was asked: happened",
        "coder: a model was being asked; $0.1000 posted as assumed, asked again",
        "coder: read_file was under way; made again",
    ]


def test_what_nobody_could_tell_is_left_to_a_human() -> None:
    found = proof(
        ("run_a", started("lomu")),
        ("run_a", proposed("commit_changes")),
        ("run_a", RunRecovered(epoch=2, in_doubt=("c1-1",))),
        ("run_a", ToolUnknown(call="c1-1", reason=text("lost"))),
        ("run_a", ProbeCompleted(call="c1-1", verdict="unknown")),
    )
    assert list(in_doubt(found)) == [
        "lomu: commit_changes may have happened or not; a human has to say"
    ]


def test_a_take_over_with_nothing_in_doubt_says_so() -> None:
    found = proof(("run_a", RunRecovered(epoch=2)))
    assert list(in_doubt(found)) == ["lomu: nothing was under way"]
    assert list(in_doubt(proof(("run_a", started("lomu"))))) == []


def test_a_run_that_nobody_killed_is_no_proof() -> None:
    killed = [Life(5, -9, killed=True), Life(20, 0, killed=False)]
    assert all(claim.holds for claim in claims(killed, proof()))
    too_fast = [Life(49, 0, killed=False)]
    assert not any(claim.holds for claim in claims(too_fast, proof()))
    stuck = [Life(5, -9, killed=True), Life(20, 1, killed=False)]
    assert [claim.holds for claim in claims(stuck, proof())] == [True, False]
