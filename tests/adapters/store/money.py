"""What every store must do with holds and posts on limited accounts."""

import asyncio

import pytest

from remit.journal.events import EVENT, BudgetWarned
from remit.journal.rows import (
    Appended,
    Balance,
    Crossed,
    Exceeded,
)
from remit.ports import Store
from tests.adapters.store.chains import Chain, hold, post

ACCOUNT = "run:run_1|total|nano"


class MoneyContract:
    """Holds and posts on limited accounts."""

    @pytest.mark.requirement("BUD-1", "BUD-2")
    async def test_a_hold_is_released_and_real_use_entered(self, store: Store) -> None:
        chain = Chain()
        assert await chain.write(store, holds=(hold(60),)) == Appended()
        assert await store.balances("acme") == [Balance(ACCOUNT, 0, 60, 100)]
        assert await store.open_holds("acme", "run_1") == [hold(60)]
        assert await chain.write(store, posts=(post(25),)) == Appended()
        assert await store.balances("acme") == [Balance(ACCOUNT, 25, 0, 100)]
        assert await store.open_holds("acme", "run_1") == []

    @pytest.mark.requirement("BUD-1", "BUD-7")
    async def test_a_hold_above_the_limit_writes_nothing(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(60),))
        refused = await chain.write(store, holds=(hold(41, n=2),))
        assert refused == Exceeded((Balance(ACCOUNT, 0, 60, 100),))
        assert await chain.write(store, holds=(hold(40, n=2),)) == Appended()
        assert await store.balances("acme") == [Balance(ACCOUNT, 0, 100, 100)]

    async def test_holds_are_all_or_none_over_accounts(self, store: Store) -> None:
        chain = Chain()
        tokens = "run:run_1|total|tokens"
        refused = await chain.write(
            store, holds=(hold(10), hold(11, account=tokens, limit=10), hold(5, n=2))
        )
        assert refused == Exceeded((Balance(ACCOUNT, 0, 0, 100), Balance(tokens, 0, 0, 10)))
        assert await store.balances("acme") == []
        assert await store.run("acme", "run_1") is None

    async def test_several_holds_on_one_account_add_up(self, store: Store) -> None:
        chain = Chain()
        refused = await chain.write(store, holds=(hold(50), hold(51, n=2)))
        assert isinstance(refused, Exceeded)
        assert await chain.write(store, holds=(hold(50), hold(50, n=2))) == Appended()
        assert await store.balances("acme") == [Balance(ACCOUNT, 0, 100, 100)]
        await chain.write(store, posts=(post(1, n=2),))
        assert await store.open_holds("acme", "run_1") == [hold(50)]

    async def test_a_post_makes_room_for_a_hold_of_the_same_append(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(90),))
        answer = await chain.write(store, holds=(hold(90, n=2),), posts=(post(10),))
        assert answer == Appended()
        assert await store.balances("acme") == [Balance(ACCOUNT, 10, 90, 100)]
        refused = await chain.write(store, holds=(hold(90, n=3),), posts=(post(20, n=2),))
        assert refused == Exceeded((Balance(ACCOUNT, 30, 0, 100),))

    async def test_posting_twice_releases_once_and_enters_both(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(50), hold(20, n=2)))
        await chain.write(store, posts=(post(30),))
        await chain.write(store, posts=(post(-10),))
        assert await store.balances("acme") == [Balance(ACCOUNT, 20, 20, 100)]

    async def test_a_hold_opened_and_posted_in_one_append(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(50),), posts=(post(30),))
        assert await store.balances("acme") == [Balance(ACCOUNT, 30, 0, 100)]
        assert await store.open_holds("acme", "run_1") == []

    async def test_a_post_above_its_hold_is_entered_in_full(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(50),))
        assert await chain.write(store, posts=(post(130),)) == Appended(
            (Crossed(ACCOUNT, 130, 100),)
        )
        assert await store.balances("acme") == [Balance(ACCOUNT, 130, 0, 100)]
        assert isinstance(await chain.write(store, holds=(hold(0, n=2),)), Exceeded)

    async def test_a_post_on_an_unknown_account_has_no_limit_yet(self, store: Store) -> None:
        chain = Chain()
        assert await chain.write(store, posts=(post(30),)) == Appended()
        assert await store.balances("acme") == [Balance(ACCOUNT, 30, 0, 0)]
        assert await chain.write(store, holds=(hold(70),)) == Appended()
        assert await store.balances("acme") == [Balance(ACCOUNT, 30, 70, 100)]

    async def test_the_newest_hold_sets_the_limit(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(60),))
        assert isinstance(await chain.write(store, holds=(hold(1, n=2, limit=60),)), Exceeded)
        assert await chain.write(store, holds=(hold(60, n=2, limit=200),)) == Appended()
        await chain.write(store, posts=(post(60),))
        assert await store.balances("acme") == [Balance(ACCOUNT, 60, 60, 200)]

    @pytest.mark.requirement("BUD-4")
    async def test_eighty_percent_is_told_once(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(79), hold(5, n=2), hold(5, n=3)))
        assert await chain.write(store, posts=(post(79),)) == Appended()
        assert await store.inbox("acme", "run_1") == []
        crossed = Crossed(ACCOUNT, 80, 100)
        assert await chain.write(store, posts=(post(1, n=2),)) == Appended((crossed,))
        (row,) = await store.inbox("acme", "run_1")
        assert (row.letter.kind, row.letter.key) == ("crossed", f"crossed:{ACCOUNT}:100")
        assert EVENT.validate_json(row.letter.body) == BudgetWarned(
            account=ACCOUNT, used=80, limit=100
        )
        assert await chain.write(store, posts=(post(5, n=3),)) == Appended()
        assert len(await store.inbox("acme", "run_1")) == 1

    @pytest.mark.requirement("BUD-4")
    async def test_a_raised_limit_is_told_again_when_it_is_neared(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, posts=(post(85),))
        assert await chain.write(store, holds=(hold(5),)) == Appended((Crossed(ACCOUNT, 85, 100),))
        near = await chain.write(store, holds=(hold(1, n=2, limit=105),))
        assert near == Appended()
        far = await chain.write(store, holds=(hold(75, n=3, limit=200),))
        assert far == Appended()
        answer = await chain.write(store, posts=(post(75, n=3),))
        assert answer == Appended((Crossed(ACCOUNT, 160, 200),))
        assert [r.letter.key for r in await store.inbox("acme", "run_1")] == [
            f"crossed:{ACCOUNT}:100",
            f"crossed:{ACCOUNT}:200",
        ]

    @pytest.mark.requirement("BUD-7")
    async def test_calls_at_once_never_overspend_together(self, store: Store) -> None:
        account = "session:s|total|nano"
        chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(50)]
        answers = await asyncio.gather(
            *(c.write(store, holds=(hold(10, account=account, n=i),)) for i, c in enumerate(chains))
        )
        assert answers.count(Appended()) == 10
        assert sum(isinstance(answer, Exceeded) for answer in answers) == 40
        assert await store.balances("acme") == [Balance(account, 0, 100, 100)]

    @pytest.mark.requirement("BUD-3", "TEN-1")
    async def test_accounts_belong_to_their_tenant(self, store: Store) -> None:
        ours, theirs = Chain(), Chain(tenant="globex")
        await ours.write(store, holds=(hold(100),))
        assert await theirs.write(store, holds=(hold(100),)) == Appended()
        await theirs.write(store, posts=(post(7),))
        assert await store.balances("acme") == [Balance(ACCOUNT, 0, 100, 100)]
        assert await store.balances("globex") == [Balance(ACCOUNT, 7, 0, 100)]
        assert await store.open_holds("globex", "run_1") == []

    async def test_balances_by_prefix_in_the_order_of_names(self, store: Store) -> None:
        chain = Chain()
        names = ["run:a|total|nano", "session:b|total|nano", "run:B|total|tokens", "run:ä_%|x|nano"]
        await chain.write(store, holds=tuple(hold(1, account=name) for name in names))
        assert [b.account for b in await store.balances("acme")] == sorted(names)
        found = [b.account for b in await store.balances("acme", "run:")]
        assert found == sorted(n for n in names if n.startswith("run:"))
        assert [b.account for b in await store.balances("acme", "run:ä_%")] == ["run:ä_%|x|nano"]
        assert await store.balances("acme", "run:_") == []

    async def test_open_holds_are_those_of_the_run_alone(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(3),))
        child = Chain(run="run_1.c1", parent="run_1")
        own = hold(4)
        await child.write(store, holds=(type(own)("run_1.c1:c1:1", ACCOUNT, 4, 100),))
        other = Chain(run="run_10", session="s10")
        await other.write(store, holds=(type(own)("run_10:c1:1", ACCOUNT, 5, 100),))
        assert await store.open_holds("acme", "run_1") == [hold(3)]

    async def test_holds_left_open_at_the_end_stay_visible(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(60),))
        await chain.write(store, status="completed")
        assert await store.open_holds("acme", "run_1") == [hold(60)]
        assert await store.balances("acme") == [Balance(ACCOUNT, 0, 60, 100)]
