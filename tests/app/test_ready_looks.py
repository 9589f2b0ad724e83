"""The looks one by one: a journal that fails, clocks that are wrong, sandboxes that are none."""

from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from remit import App, EchoModel, Finished
from remit.app.ready_looks import SKEW_MS, Looks, Sight
from remit.errors import SandboxUnavailable, StoreFull
from remit.machine.spec import AgentSpec
from remit.policy.permission import Rule
from remit.ports import Store
from remit.runtime.services import Services
from remit.values.command import Command, Program
from remit.values.model import ModelCard
from tests.runtime.stage import PRICES, an_agent

NAME = "scripted:x"


class Fixed:
    """A clock that stands."""

    def __init__(self, now_ms: int) -> None:
        self.at_ms = now_ms

    def now_ms(self) -> int:
        return self.at_ms


class Carded(EchoModel):
    """A provider whose clock says something."""

    told_ms: int | None = None

    async def check(self, model: str, *, deadline_s: float) -> ModelCard | None:
        return ModelCard(name=model, told_ms=self.told_ms)


async def seen(looks: Looks) -> dict[str, Sight]:
    rows = [await look() for _, look in looks.all()]
    return {row.name: row for row in looks.judged(rows)}


def app_of(model: EchoModel) -> App:
    return App("memory:", agents=[an_agent()], models={"scripted": model}, prices=PRICES)


async def looked(app: App, **changes: object) -> dict[str, Sight]:
    services: Services = replace(app.engine.services, **changes)  # type: ignore[arg-type]  # parts of a test's own
    return await seen(Looks(services, tuple(app.specs.values()), lambda _: "KEY"))


@pytest.mark.requirement("PROV-7")
async def test_a_clock_behind_the_journal_or_never_set() -> None:
    async with app_of(EchoModel()) as app:
        assert (await looked(app))["clock"].wrong == ""
        await app.run(app._roots["worker"], "hello")
        now_ms = app.engine.services.clock.now_ms()
        assert (await looked(app))["clock"].wrong == ""
        behind = await looked(app, clock=Fixed(now_ms - 2 * SKEW_MS))
        assert behind["clock"].wrong == "lasting"
        assert "NTP" in behind["clock"].remedy
        assert "before 2026" in (await looked(app, clock=Fixed(0)))["clock"].detail


@pytest.mark.requirement("PROV-7")
async def test_the_clocks_of_providers_are_compared() -> None:
    model = Carded()
    async with app_of(model) as app:
        now_ms = app.engine.services.clock.now_ms()
        for off_ms, wrong, words in (
            (0, "", "right by the providers'"),
            (600_000, "lasting", "600 s behind the providers'"),
            (-600_000, "lasting", "600 s ahead of the providers'"),
        ):
            model.told_ms = now_ms + off_ms
            clock = (await looked(app, clock=Fixed(now_ms)))["clock"]
            assert clock.wrong == wrong
            assert words in clock.detail


@pytest.mark.requirement("PROV-7")
async def test_a_journal_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(name: str, position: int) -> None:
        raise StoreFull("no space left for the journal")

    async with app_of(EchoModel()) as app:
        store: Store = app.store
        monkeypatch.setattr(store, "set_cursor", full)
        journal = (await looked(app))["journal"]
    assert (journal.wrong, journal.detail) == ("lasting", "no space left for the journal")


class Box:
    """A sandbox that ends in one way."""

    name = "box"

    def __init__(self, exit_code: int | None) -> None:
        self.exit_code = exit_code

    async def run(self, command: Command) -> Finished:
        if self.exit_code is None:
            raise SandboxUnavailable("install bubblewrap")
        return Finished(
            exit_code=self.exit_code,
            stdout=b"",
            stderr=b"",
            truncated=False,
            ended="exited",
            confinement="box",
        )

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        raise AssertionError(f"nothing is kept open: {command}")


@pytest.mark.requirement("PROV-7")
async def test_sandboxes() -> None:
    async with app_of(EchoModel()) as app:
        for sandbox, wrong, words in (
            (None, "lasting", "none works"),
            (Box(None), "lasting", "install bubblewrap"),
            (Box(1), "lasting", "ended with 1"),
            (Box(0), "", "ran confined"),
        ):
            services = replace(app.engine.services, sandbox=sandbox)
            sight = await Looks(services, (), str)._sandbox()
            assert sight.wrong == wrong
            assert words in sight.detail


def test_a_model_that_no_agent_has_besides_is_not_forgiven() -> None:
    away = Sight(f"model {NAME}", "passing", "overloaded", "wait", NAME)
    spec = an_agent().spec(str)
    looks = Looks(None, (spec,), str)  # type: ignore[arg-type]  # judging asks nobody
    assert list(looks.judged([away])) == [away]


@pytest.mark.requirement("PERM-8", "PROV-7")
async def test_production_is_told_where_people_are_asked_and_nobody_is_told() -> None:
    async with app_of(EchoModel()) as app:
        spec = replace_rules(app)
        services = replace(app.engine.services, environment="production")
        looks = Looks(services, (spec,), str)
        (sight,) = [await look() for named, look in looks.all() if named.name == "channels"]
        assert sight.wrong == "lasting"
        assert "worker asks people, and nobody is told" in sight.detail
        assert "[channels.NAME]" in sight.remedy
        told = await Looks(services, (spec,), str, channels=1)._channels()
        assert told.wrong == ""
        for quiet in (
            Looks(services, tuple(app.specs.values()), str),
            Looks(replace(services, environment="dev"), (spec,), str),
        ):
            assert [named.name for named, _ in quiet.all() if named.name == "channels"] == []


def replace_rules(app: App) -> AgentSpec:
    """The agent of an app, with a rule that asks."""
    rule = Rule(id="ask-all", effect="ask", tool="*")
    return app.specs["worker"].model_copy(update={"rules": (rule,)})
