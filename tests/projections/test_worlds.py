"""Whole simulated worlds, with kills, people and budgets: every projection of them is complete."""

import pytest

from remit.app.audit import verify_journal
from remit.app.replay import read_past
from remit.journal.events import CallJudged, InputRequested, RunEnded, SubrunRequested
from remit.projections.audit import decisions, proposed
from remit.projections.redecide import redecide
from remit.projections.spend import entries, per_run, posted, spent_by
from remit.projections.timeline import Pair, timeline
from remit.projections.tree import decision_tree
from remit.runtime.reader import Reader
from remit.values.account import is_rate
from tests.simulation.checked import MACS, CheckedStore
from tests.simulation.scenario import collect, play

# The simulation's own suite plays thousands; these are enough to meet everything below.
_SEEDS = 40


@pytest.fixture(scope="module")
def worlds() -> list[CheckedStore]:
    found = [play(seed).store for seed in range(_SEEDS)]
    collect()
    return found


async def _pairs(store: CheckedStore) -> dict[tuple[str, str], list[Pair]]:
    reader = Reader(store)
    found: dict[tuple[str, str], list[Pair]] = {}
    for key, row in list(store._runs.items()):
        found[key] = list((await read_past(reader, row)).pairs)
    return found


@pytest.mark.requirement("AUD-5")
async def test_every_decision_is_made_again_the_same(worlds: list[CheckedStore]) -> None:
    made = 0
    for store in worlds:
        reader = Reader(store)
        for row in list(store._runs.values()):
            past = await read_past(reader, row)
            for each in redecide(past.before, past.pairs):
                assert each.same, (each.cause, each.problem, each.journalled, each.decided)
                made += 1
    assert made > 10 * _SEEDS


@pytest.mark.requirement("AUD-5")
async def test_a_replay_ends_where_the_drivers_left(worlds: list[CheckedStore]) -> None:
    for store in worlds:
        for row in list(store._runs.values()):
            past = await read_past(Reader(store), row)
            assert past.after == store.states[row.tenant, row.run]


@pytest.mark.requirement("PERM-3")
async def test_every_proposed_call_has_its_one_decision(worlds: list[CheckedStore]) -> None:
    count = 0
    for store in worlds:
        for pairs in (await _pairs(store)).values():
            judged = [each for each in decisions(pairs) if each.what == "judged"]
            assert len(judged) == proposed(pairs)
            assert all(each.arguments and each.rule and each.principal for each in judged)
            count += len(judged)
    assert count > _SEEDS


@pytest.mark.requirement("OBS-3")
async def test_the_sums_are_those_of_the_ledger(worlds: list[CheckedStore]) -> None:
    for store in worlds:
        found = await _pairs(store)
        for tenant in {name for name, _ in found}:
            lines = entries(
                pair for key, each in found.items() if key[0] == tenant for pair in each
            )
            ledger = {each.account: each.posted for each in await store.balances(tenant)}
            used = {name: amount for name, amount in posted(lines).items() if amount}
            money = {name: amount for name, amount in ledger.items() if not is_rate(name)}
            assert used == {name: amount for name, amount in money.items() if amount}
            for run, spent in spent_by(lines, per_run).items():
                below = [
                    each for each in lines if each.run == run or each.run.startswith(f"{run}.")
                ]
                assert ledger[f"run:{run}|total|nano"] == sum(each.spent.cost for each in below)
                assert spent.calls <= len(below)


@pytest.mark.requirement("ORC-5")
async def test_every_hand_over_call_and_ending_is_in_the_tree(worlds: list[CheckedStore]) -> None:
    for store in worlds:
        found = await _pairs(store)
        for (tenant, run), own in found.items():
            if "." in run:
                continue
            below = [
                pair
                for (other, name), pairs in found.items()
                if other == tenant and (name == run or name.startswith(f"{run}."))
                for pair in pairs
            ]
            nodes = list(decision_tree(below, run).walk())
            events = [told.event for told in timeline(below)]

            def count(*kinds: type) -> int:
                return sum(isinstance(event, kinds) for event in events)  # noqa: B023  # called at once

            assert own[0][0].run == nodes[0].run
            runs = [node for node in nodes if node.kind == "run"]
            assert len(runs) == 1 + count(SubrunRequested)
            assert sum(node.kind == "call" for node in nodes) == proposed(below)
            rules = [node for node in nodes if node.kind == "verdict" and node.label != "success"]
            assert len(rules) == count(CallJudged)
            assert sum(node.kind == "question" and bool(node.ref) for node in nodes) == count(
                InputRequested
            )
            assert sum(node.ended_ms is not None for node in runs) == count(RunEnded)


@pytest.mark.requirement("AUD-1", "AUD-3")
async def test_every_world_is_sound(worlds: list[CheckedStore]) -> None:
    key = bytes(range(32))
    for store in worlds:
        found = await verify_journal(store, key, MACS, now_ms=1)
        assert [each.damages for each in found] == [()] * len(found)
