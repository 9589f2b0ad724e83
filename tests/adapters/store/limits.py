"""What every store must do with limits set by operators, alerts and accounts of everybody."""

import asyncio

import pytest

from remit.journal.events import EVENT, CostAlerted
from remit.journal.rows import Appended, Balance, Conflict, Crossed, Exceeded, LimitLine
from remit.ports import Store
from remit.values.account import OPERATOR, scope_of
from tests.adapters.store.chains import Chain, book, hold, post

DAY = "user:ann|day|nano"
TODAY = "user:ann|day:2026-11-21|nano"
TOMORROW = "user:ann|day:2026-11-22|nano"
WORLD = "global:all|month:2026-11|nano"
ALERT = "session:s1|alert|nano"


class LimitContract:
    """Limits that operators set, alerts, calls, and what all tenants share."""

    @pytest.mark.requirement("BUD-3", "BUD-4")
    async def test_a_set_limit_is_in_force_at_once_for_an_open_window(self, store: Store) -> None:
        chain, operator = Chain(), book()
        assert await chain.write(store, holds=(hold(60, account=TODAY),)) == Appended()
        assert (
            await operator.write(store, status="completed", limits=(LimitLine(DAY, 70),))
            == Appended()
        )
        refused = await chain.write(store, holds=(hold(20, account=TODAY, n=2),))
        assert refused == Exceeded((Balance(TODAY, 0, 60, 70),))
        await operator.write(store, status="completed", limits=(LimitLine(DAY, 300),))
        assert await chain.write(store, holds=(hold(200, account=TODAY, n=2),)) == Appended()
        assert await store.balances("acme") == [Balance(TODAY, 0, 260, 300)]
        await operator.write(store, status="completed", limits=(LimitLine(DAY, None),))
        refused = await chain.write(store, holds=(hold(1, account=TODAY, n=3),))
        assert refused == Exceeded((Balance(TODAY, 0, 260, 100),))
        assert await chain.write(store, holds=(hold(100, account=TOMORROW, n=3),)) == Appended()
        assert await store.limits("acme") == []

    @pytest.mark.requirement("BUD-1", "BUD-4")
    async def test_a_limit_of_nothing_locks_and_a_lowered_one_keeps_what_is_held(
        self, store: Store
    ) -> None:
        chain, operator = Chain(), book()
        await chain.write(store, holds=(hold(60, account=TODAY),))
        await operator.write(store, status="completed", limits=(LimitLine(DAY, 0),))
        locked = await chain.write(store, holds=(hold(1, account=TODAY, n=2),))
        assert locked == Exceeded((Balance(TODAY, 0, 60, 0),))
        assert await store.open_holds("acme", "run_1") == [hold(60, account=TODAY)]
        await chain.write(store, posts=(post(50, account=TODAY),))
        (balance,) = await store.balances("acme")
        assert (balance.posted, balance.held) == (50, 0)

    @pytest.mark.requirement("BUD-3")
    async def test_the_limit_of_a_holder_goes_before_the_limit_for_each(self, store: Store) -> None:
        operator = book()
        each, own = LimitLine("user:*|day|nano", 10), LimitLine("user:bob|day|nano", 30)
        await operator.write(store, status="completed", limits=(each, own))

        async def room(user: str, amount: int) -> bool:
            account = f"user:{user}|day:2026-11-21|nano"
            chain = Chain(run=f"run_{user}{amount}", session=f"{user}{amount}")
            answer = await chain.write(
                store, status="completed", holds=(hold(amount, account=account, run=chain.run),)
            )
            return isinstance(answer, Appended)

        assert [await room("ann", 11), await room("ann", 10)] == [False, True]
        assert [await room("bob", 31), await room("bob", 30)] == [False, True]
        gone = (LimitLine(own.account, None), LimitLine("user:zoe|day|nano", 50))
        await operator.write(store, status="completed", limits=gone)
        assert [await room("bob", 1), await room("zoe", 50), await room("eve", 11)] == [
            False,
            True,
            False,
        ]
        assert await store.limits("acme") == [each, LimitLine("user:zoe|day|nano", 50)]

    async def test_the_last_of_two_limits_in_one_append_is_in_force(self, store: Store) -> None:
        limits = (LimitLine(DAY, 5), LimitLine(DAY, None), LimitLine(DAY, 7))
        await book().write(store, status="completed", limits=limits)
        assert await store.limits("acme") == [LimitLine(DAY, 7)]

    async def test_a_set_limit_is_that_of_its_window_unit_tenant_and_never_of_a_run(
        self, store: Store
    ) -> None:
        names = (
            *("user:ann|month|nano", "user:ann|day|tokens", "user:ann|total|nano"),
            *("agent:ann|day|nano", "run:run_1|total|nano", "run:*|total|nano"),
        )
        lines = tuple(LimitLine(name, 1) for name in names)
        await book().write(store, status="completed", limits=lines)
        await book("globex").write(store, status="completed", limits=(LimitLine(DAY, 2),))
        holds = (hold(100, account=TODAY), hold(100))
        assert await Chain().write(store, holds=holds) == Appended()

    async def test_a_refused_append_sets_no_limit(self, store: Store) -> None:
        first, second = book(), book()
        await first.write(store, status="completed", limits=(LimitLine(DAY, 5),))
        second.salt = b"x" * 16
        refused = await second.write(store, status="completed", limits=(LimitLine(DAY, 9),))
        assert isinstance(refused, Conflict)
        assert await store.limits("acme") == [LimitLine(DAY, 5)]

    async def test_a_limit_counts_from_the_next_append_on(self, store: Store) -> None:
        chain = Chain()
        await chain.write(store, holds=(hold(90, account=TODAY),), limits=(LimitLine(DAY, 10),))
        assert await store.balances("acme") == [Balance(TODAY, 0, 90, 100)]
        refused = await chain.write(store, holds=(hold(1, account=TODAY, n=2),))
        assert refused == Exceeded((Balance(TODAY, 0, 90, 10),))

    async def test_limits_by_prefix_in_the_order_of_names(self, store: Store) -> None:
        names = ["user:ann|day|nano", "user:ann2|day|nano", "user:B|day|nano", "agent:a|day|nano"]
        lines = tuple(LimitLine(name, 1) for name in (*names, "global:all|day|nano"))
        await book().write(store, status="completed", limits=lines)

        async def found(*prefixes: str, limit: int = 1000) -> list[str]:
            return [line.account for line in await store.limits("acme", prefixes, limit)]

        assert await found("") == sorted(names)
        assert await found("user:ann|", "user:ann|") == ["user:ann|day|nano"]
        assert await found("agent:", "user:ann") == sorted([names[3], names[0], names[1]])
        assert await found("global:", "agent:") == ["agent:a|day|nano", "global:all|day|nano"]
        assert await found("", limit=2) == sorted(names)[:2]
        assert await found("user:_") == []

    @pytest.mark.requirement("BUD-7")
    async def test_holds_at_once_keep_the_limit_that_is_lowered_among_them(
        self, store: Store
    ) -> None:
        chains = [Chain(run=f"run_{n}", session=f"s{n}") for n in range(40)]
        operator = book()

        async def spend(number: int, chain: Chain) -> None:
            for turn in range(3):
                holds = (hold(1, account=TODAY, n=turn, limit=1000, run=f"run_{number}"),)
                await chain.write(store, holds=holds)

        async def lower() -> None:
            await asyncio.sleep(0)
            await operator.write(store, status="completed", limits=(LimitLine(DAY, 30),))

        await asyncio.gather(*(spend(n, c) for n, c in enumerate(chains)), lower())
        order = [item.record.header.run for item in await store.feed()]
        before = order.index(operator.run)
        (balance,) = await store.balances("acme")
        assert balance.held == len(order) - 1  # each append but the operator's holds 1
        assert balance.held == max(30, before)

    # ------------------------------------------------------------ what all tenants share

    @pytest.mark.requirement("BUD-7")
    async def test_tenants_at_once_share_what_belongs_to_everybody(self, store: Store) -> None:
        tenants = ["acme", "globex", "initech"]
        chains = [Chain(run=f"run_{n}", session=f"s{n}", tenant=tenants[n % 3]) for n in range(60)]

        async def spend(chain: Chain) -> bool:
            holds = (
                hold(5, account=WORLD, run=chain.run),
                hold(5, account=TODAY, run=chain.run, limit=1000),
            )
            return isinstance(await chain.write(store, holds=holds), Appended)

        admitted = await asyncio.gather(*(spend(chain) for chain in chains))
        assert admitted.count(True) == 20
        assert await store.balances(OPERATOR) == [Balance(WORLD, 0, 100, 100)]
        own = [await store.balances(tenant) for tenant in tenants]
        assert [[each.account for each in found] for found in own] == [[TODAY]] * 3
        assert sum(found[0].held for found in own) == 100

    async def test_holds_on_what_belongs_to_everybody_stay_with_their_run(
        self, store: Store
    ) -> None:
        ours, theirs = Chain(), Chain(tenant="globex")
        await ours.write(store, holds=(hold(60, account=WORLD),))
        await theirs.write(store, holds=(hold(40, account=WORLD),))
        assert await store.open_holds("acme", "run_1") == [hold(60, account=WORLD)]
        assert await store.open_holds("globex", "run_1") == [hold(40, account=WORLD)]
        assert await store.open_holds(OPERATOR, "run_1") == []
        await ours.write(store, posts=(post(10, account=WORLD),))
        assert await store.balances(OPERATOR) == [Balance(WORLD, 10, 40, 100)]
        assert await store.open_holds("globex", "run_1") == [hold(40, account=WORLD)]

    async def test_one_limit_for_everybody_whoever_sets_it(self, store: Store) -> None:
        line = LimitLine("global:all|month|nano", 50)
        await book(OPERATOR).write(store, status="completed", limits=(line,))
        for tenant in ("acme", "globex", OPERATOR):
            assert await store.limits(tenant, ("global:",)) == [line]
        assert await store.limits("acme", ("user:", "tenant:")) == []
        assert await Chain().write(store, holds=(hold(50, account=WORLD),)) == Appended()
        refused = await Chain(tenant="globex").write(store, holds=(hold(1, account=WORLD),))
        assert refused == Exceeded((Balance(WORLD, 0, 50, 50),))
        gone = LimitLine(line.account, None)
        await book("globex", "x").write(store, status="completed", limits=(gone,))
        assert await store.limits(OPERATOR) == []

    async def test_the_tenant_whose_run_crosses_is_told(self, store: Store) -> None:
        ours, theirs = Chain(), Chain(tenant="globex")
        await ours.write(store, holds=(hold(40, account=WORLD),))
        await theirs.write(store, holds=(hold(40, account=WORLD),))
        assert await ours.write(store, posts=(post(40, account=WORLD),)) == Appended()
        crossed = await theirs.write(store, posts=(post(40, account=WORLD),))
        assert crossed == Appended((Crossed(WORLD, 80, 100),))
        assert await store.inbox("acme", "run_1") == []
        assert len(await store.inbox("globex", "run_1")) == 1

    # ------------------------------------------------------------ alerts and calls

    @pytest.mark.requirement("BUD-8")
    async def test_an_alert_never_refuses_and_is_told_once_at_all_of_it(self, store: Store) -> None:
        chain = Chain()
        assert await chain.write(store, holds=(hold(400, account=ALERT),)) == Appended()
        assert await chain.write(store, posts=(post(99, account=ALERT),)) == Appended()
        for number, amount, told in ((2, 1, (Crossed(ALERT, 100, 100),)), (3, 500, ())):
            await chain.write(store, holds=(hold(900, account=ALERT, n=number),))
            answer = await chain.write(store, posts=(post(amount, account=ALERT, n=number),))
            assert answer == Appended(told)
        (row,) = await store.inbox("acme", "run_1")
        assert EVENT.validate_json(row.letter.body) == CostAlerted(
            account=ALERT, used=100, limit=100
        )
        refused = await chain.write(store, holds=(hold(1, account=ALERT, n=4), hold(101, n=4)))
        assert refused == Exceeded((Balance("run:run_1|total|nano", 0, 0, 100),))

    @pytest.mark.requirement("BUD-3")
    async def test_calls_are_counted_one_by_one(self, store: Store) -> None:
        account = "label:team-a|hour:2026-11-21T14|calls"
        chain = Chain()
        for number in range(3):
            holds = (hold(1, account=account, n=number, limit=3),)
            assert await chain.write(store, holds=holds) == Appended()
        more = (hold(1, account=account, n=9, limit=3),)
        assert isinstance(await chain.write(store, holds=more), Exceeded)
        await chain.write(store, posts=(post(0, account=account),))  # a call that did not happen
        assert await chain.write(store, holds=more) == Appended()
        assert await store.balances("acme") == [Balance(account, 0, 3, 3)]

    # ------------------------------------------------------------ paging

    async def test_balances_page_by_page(self, store: Store) -> None:
        names = sorted(f"{scope}:{n:02}|total|nano" for scope in ("run", "user") for n in range(15))
        lines = tuple(hold(1, account=name) for name in names)
        await Chain().write(store, holds=lines)
        for prefix in ("", "user:", "user:1"):
            wanted = [name for name in names if name.startswith(prefix)]
            seen: list[str] = []
            while page := await store.balances(
                "acme", prefix, after=seen[-1] if seen else "", limit=4
            ):
                assert len(page) <= 4
                seen += [each.account for each in page]
            assert seen == wanted
        assert [each.account for each in await store.balances("acme", "user:", after="a")] == [
            name for name in names if scope_of(name) == "user"
        ]
        assert await store.balances("acme", "run:", after="t") == []
