"""Clock, dice, and what is made only when it is first needed."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager

import pytest

from remit.adapters.scripted import EchoModel
from remit.adapters.vault import AeadVault
from remit.app.lazy import LazySandbox, LazyVault, ModelShelf, SystemDice, WallClock
from remit.errors import ConfigError, SandboxUnavailable
from remit.ports import Model, Vault
from remit.values.command import Command, Finished, Program

COMMAND = Command(argv=("true",), cwd="/")


class Box:
    """A sandbox that notes what it is given."""

    name = "box"

    def __init__(self, ran: list[Command]) -> None:
        self.ran = ran

    async def run(self, command: Command) -> Finished:
        self.ran.append(command)
        raise SandboxUnavailable("it is a box only")

    def open(self, command: Command) -> AbstractAsyncContextManager[Program]:
        self.ran.append(command)
        raise SandboxUnavailable("it is a box only")


def test_the_clock_tells_milliseconds_of_today() -> None:
    before = time.time_ns() // 1_000_000
    assert before <= WallClock().now_ms() <= time.time_ns() // 1_000_000


def test_the_dice_are_unpredictable_and_within_bounds() -> None:
    dice = SystemDice()
    assert len(dice.entropy(10)) == 10
    assert dice.entropy(16) != dice.entropy(16)
    assert all(0 <= dice.jitter() <= 1_000_000 for _ in range(100))


async def test_a_model_is_made_once_and_only_when_it_is_used() -> None:
    made: list[str] = []
    given = EchoModel()

    def make(provider: str) -> Model:
        made.append(provider)
        if provider == "nobody":
            raise ConfigError("unknown provider 'nobody'")
        return EchoModel()

    shelf = ModelShelf({"echo": given}, make)
    assert made == []
    assert shelf.get("echo") is given
    assert shelf.get("other") is shelf.get("other")
    assert made == ["other"]
    with pytest.raises(ConfigError):
        shelf.get("nobody")
    await shelf.close()


async def test_a_sandbox_is_looked_for_once_however_many_ask_at_once() -> None:
    made: list[int] = []
    ran: list[Command] = []

    def make() -> Box:
        made.append(1)
        return Box(ran)

    sandbox = LazySandbox(make)
    assert made == []
    results = await asyncio.gather(
        *(sandbox.run(COMMAND) for _ in range(5)), return_exceptions=True
    )
    assert [type(result) for result in results] == [SandboxUnavailable] * 5
    assert len(made) == 1
    assert ran == [COMMAND] * 5
    with pytest.raises(SandboxUnavailable):
        async with sandbox.open(COMMAND):
            pass
    assert len(made) == 1


@pytest.mark.requirement("SEC-1")
def test_the_vault_is_made_with_the_first_secret_and_seals_as_itself() -> None:
    made: list[Vault] = []

    def make() -> Vault:
        made.append(AeadVault(bytes(32)))
        return made[-1]

    vault = LazyVault(make)
    assert not made
    name = vault.placeholder("acme", "token", "abc")
    assert name == AeadVault(bytes(32)).placeholder("acme", "token", "abc")
    assert vault.open("acme", name, vault.seal("acme", name, "abc")) == "abc"
    assert len(made) == 1
