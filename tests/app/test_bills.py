"""Bills are compared on request and once a closed day, whatever fails on the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from typing_extensions import override

from remit.adapters.memory.store import MemoryStore
from remit.app import bills as module
from remit.app.bill_settings import Billing as Provider
from remit.app.bill_settings import ReconciliationConfig
from remit.app.bills import Bills
from remit.app.config import Settings
from remit.errors import ConfigError, ProviderError, RemitError, StoreBusy
from remit.journal.events import ReconciliationFailed, ReconciliationFinished
from remit.journal.record import Record
from remit.ports import Billing
from remit.values.account import OPERATOR
from remit.values.statement import Statement
from tests.app.bills import DAY, USAGE, ByHand, Office, answered, asked, office, told, write

DAY_MS = 86_400_000


def bills(at: Office, *daily: Provider, **config: object) -> Bills:
    settings = Settings(
        reconciliation=ReconciliationConfig.model_validate({"daily": daily, **config})
    )
    secrets = {"ANTHROPIC_ADMIN_KEY": "k"}
    return Bills(settings, at.reconciler, at.clock, secrets.get, {})


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[[Statement | RemitError], ByHand]:
    """Let every provider say this."""

    def say(what: Statement | RemitError) -> ByHand:
        billing = ByHand(what)

        def make(*_args: object, **_options: object) -> Billing:
            return billing

        monkeypatch.setattr(module, "make_billing", make)
        return billing

    return say


async def days(at: Office) -> list[str]:
    pages = await at.books.read(OPERATOR, "bill:anthropic")
    return [page.event.day for page in pages if isinstance(page.event, ReconciliationFinished)]


Say = Callable[[Statement | RemitError], ByHand]


@pytest.mark.requirement("BIL-2")
async def test_the_last_closed_day_is_compared_unless_another_is_said(says: Say) -> None:
    at = await office()
    billing = says(told())
    compared = await bills(at).compare("anthropic")
    assert compared.day == date(2026, 11, 22)  # the clock says the 24th
    await bills(at).compare("anthropic", DAY, keys=("k",))
    assert billing.asked == [(date(2026, 11, 22), ()), (DAY, ("k",))]


@pytest.mark.requirement("BIL-2")
async def test_what_is_not_said_comes_from_the_settings(says: Say) -> None:
    at = await office()
    await write(at.store, asked("c1"), answered("c1"))
    billing = says(told(nano=None))
    strict = bills(at, key_ids={"anthropic": ["apikey_1"]})
    assert not (await strict.compare("anthropic", DAY)).agrees
    assert billing.asked == [(DAY, ("apikey_1",))]
    assert (await strict.compare("anthropic", DAY, tolerance="tokens=100")).agrees
    assert (await bills(at, tolerance="tokens=100").compare("anthropic", DAY)).agrees
    with pytest.raises(ConfigError, match="tolerance"):
        await strict.compare("anthropic", DAY, tolerance="lots")


@pytest.mark.requirement("BIL-2")
async def test_without_a_key_it_says_which(tmp_path: Path) -> None:
    at = await office()
    with pytest.raises(ConfigError, match="OPENAI_ADMIN_KEY"):
        await bills(at).compare("openai", DAY)
    with pytest.raises(ConfigError, match="cannot be read"):
        await bills(at).compare("google", DAY, file=tmp_path / "none")


# ---------------------------------------------------------------- every day


@pytest.mark.requirement("BIL-2", "ALR-1")
async def test_each_closed_day_is_compared_once(says: Say) -> None:
    at = await office()
    billing = says(told(USAGE))
    one, other = bills(at, "anthropic"), bills(at, "anthropic")
    assert one.is_daily
    assert not bills(at).is_daily
    await one.once()
    await other.once()
    await one.once()
    assert len(billing.asked) == 1
    at.clock.now += DAY_MS
    await other.once()
    assert await days(at) == ["2026-11-22", "2026-11-23"]


@pytest.mark.requirement("BIL-2")
async def test_missed_days_are_caught_up_within_bounds(says: Say) -> None:
    at = await office()
    billing = says(told())
    daily = bills(at, "anthropic")
    await daily.once()
    at.clock.now += 3 * DAY_MS
    await daily.once()
    assert await days(at) == ["2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25"]
    at.clock.now += 100 * DAY_MS
    await daily.once()
    assert len(billing.asked) == 4 + module.CATCH_UP
    newest = billing.asked[-1][0]
    assert newest == date(2026, 11, 25) + timedelta(days=100)


@pytest.mark.requirement("BIL-2", "ALR-1")
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ProviderError("not now", kind="overloaded"), "overloaded"),
        (ConfigError("no key"), "ConfigError"),
    ],
)
async def test_a_failure_is_told_once_and_tried_again(
    error: RemitError, kind: str, says: Say
) -> None:
    at = await office()
    says(error)
    daily = bills(at, "anthropic")
    await daily.once()
    await daily.once()
    pages = await at.books.read(OPERATOR, "bill:anthropic")
    assert [page.event.kind for page in pages if isinstance(page.event, ReconciliationFailed)] == [
        kind
    ]
    says(told())
    await daily.once()
    assert await days(at) == ["2026-11-22"]


@pytest.mark.requirement("BIL-2")
async def test_a_day_that_failed_is_not_passed_over_when_a_later_one_succeeds(
    says: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await office()
    says(told())
    daily = bills(at, "anthropic")
    await daily.once()  # the 22nd
    at.clock.now += 3 * DAY_MS

    class Flaky(Billing):
        broken: date | None = date(2026, 11, 24)

        @override
        async def statement(self, day: date, keys: tuple[str, ...] = ()) -> Statement:
            if day == self.broken:
                raise ProviderError("not now", kind="server")
            return replace(told(), day=day)

    flaky = Flaky()
    monkeypatch.setattr(module, "make_billing", lambda *_, **__: flaky)
    await daily.once()
    assert await days(at) == ["2026-11-22", "2026-11-23", "2026-11-25"]
    flaky.broken = None
    await daily.once()
    await daily.once()
    assert await days(at) == ["2026-11-22", "2026-11-23", "2026-11-25", "2026-11-24"]


@pytest.mark.requirement("BIL-2")
async def test_the_first_day_of_all_is_caught_up_too(says: Say) -> None:
    at = await office()
    says(ProviderError("not now", kind="server"))
    daily = bills(at, "anthropic")
    await daily.once()
    at.clock.now += DAY_MS
    says(told())
    await daily.once()
    assert await days(at) == ["2026-11-22", "2026-11-23"]


@pytest.mark.requirement("BIL-2")
async def test_a_day_of_one_key_does_not_stand_for_the_whole_organization(says: Say) -> None:
    at = await office()
    billing = says(told())
    daily = bills(at, "anthropic")
    await daily.compare("anthropic", date(2026, 11, 22), keys=("key-1",))
    await daily.once()
    assert [keys for _, keys in billing.asked] == [("key-1",), ()]


async def test_one_provider_does_not_keep_another(says: Say) -> None:
    at = await office()
    says(ProviderError("no", kind="auth"))
    await bills(at, "anthropic", "openai").once()
    for provider in ("anthropic", "openai"):
        assert len(await at.books.read(OPERATOR, f"bill:{provider}")) == 1


async def test_a_store_that_fails_ends_nothing(says: Say) -> None:
    class Busy(MemoryStore):
        @override
        async def records(self, tenant: str, run: str, after: int = 0) -> list[Record]:
            raise StoreBusy("locked")

    at = await office(Busy())
    billing = says(told())
    await bills(at, "anthropic").once()
    assert billing.asked == []
