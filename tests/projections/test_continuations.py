"""What answers are made of: every billed token is in one piece, kept or dropped."""

import pytest

from remit.journal.record import Header
from remit.machine.agent import Remit
from remit.projections.continuations import answers, lengthened
from remit.projections.spend import entries, total
from remit.projections.timeline import Pair
from remit.values.usage import Usage
from tests.machine.bench import Bench, make_agent
from tests.machine.toolbox import look_up

LOOK = ("look_up", '{"path":"a"}')


def begun(*, ceiling: int = 4_000, remit: Remit | None = None) -> Bench:
    bench = Bench(make_agent(look_up, output_ceiling=ceiling, remit=remit))
    bench.start()
    return bench


def cut(bench: Bench, tokens: int) -> None:
    bench.answer("Part.", stop="max_tokens", usage=Usage(input=100, output=tokens))


def pairs_of(bench: Bench) -> list[Pair]:
    return [
        (
            Header(tenant="acme", run="run_1", version=number, epoch=1, time_ms=number, engine="1"),
            body,
        )
        for number, body in enumerate(bench.bodies, start=1)
    ]


@pytest.mark.requirement("OBS-6", "STOP-6")
def test_the_tokens_of_all_pieces_are_those_of_the_ledger() -> None:
    bench = begun()
    cut(bench, 1_000)  # dropped for a larger limit
    cut(bench, 4_000)
    cut(bench, 3_000)
    bench.answer("", LOOK, usage=Usage(input=100, output=20))
    bench.done()
    bench.answer("The end.", usage=Usage(input=100, output=7))
    found = answers(pairs_of(bench))
    assert [[piece.tokens for piece in each.pieces] for each in found] == [
        [1_000, 4_000, 3_000, 20],
        [7],
    ]
    assert [piece.kept for piece in found[0].pieces] == [False, True, True, True]
    assert [piece.limit for piece in found[0].pieces] == [1_000, 4_000, 4_000, 4_000]
    first = found[0]
    assert (first.tokens, first.kept_tokens) == (8_020, 7_020)
    assert (first.continuations, first.escalations) == (2, 1)
    spent = total(entries(pairs_of(bench)))
    assert sum(each.tokens for each in found) == spent.usage.output
    assert lengthened(found) == [first]


@pytest.mark.requirement("OBS-6", "STOP-4")
def test_an_answer_that_did_not_get_on_says_so() -> None:
    bench = begun(ceiling=1_000, remit=Remit(continuations=9))
    for tokens in (1_000, 50, 40):
        cut(bench, tokens)
    (only,) = answers(pairs_of(bench))
    assert (only.stopped, only.continuations) == ("diminishing-returns", 2)
    assert lengthened([only]) == [only]


@pytest.mark.requirement("OBS-6")
def test_a_run_without_an_answer_has_none() -> None:
    bench = begun()
    bench.cancel()
    bench.model_fails("cancelled")
    assert answers(pairs_of(bench)) == []
