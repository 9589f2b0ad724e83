"""Every attempt to leave a sandbox fails in each of them, and succeeds outside."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from remit.ports import Sandbox
from tests.adapters.sandbox.conftest import MAKERS, working
from tests.adapters.sandbox.world import Attack, a_world, attacks

pytestmark = pytest.mark.requirement("TOOL-5", "TOOL-17")

CORPUS = attacks()
_NAMES = [attack.name for attack in CORPUS]
_EVERY_SANDBOX = pytest.mark.parametrize("name", list(MAKERS))


@dataclass(frozen=True)
class Battle:
    """What every attack said in one sandbox, and what they did outside."""

    said: dict[str, str]
    touched: list[str]


_BATTLES: dict[str, Battle] = {}


async def _battle(name: str, base: Path) -> Battle:
    """All attacks in one sandbox, once for all tests."""
    sandbox: Sandbox = working(name)
    if name not in _BATTLES:
        os.environ["PLANTED_SECRET"] = "planted"
        with a_world(base) as world:
            world.remember()
            ended = await sandbox.run(world.whole_corpus())
            assert ended.exit_code == 0, ended
            said = dict(json.loads(line) for line in ended.stdout.splitlines())
            _BATTLES[name] = Battle(said, world.touched())
        del os.environ["PLANTED_SECRET"]
    return _BATTLES[name]


@_EVERY_SANDBOX
@pytest.mark.parametrize("attack", _NAMES)
async def test_it_is_blocked(attack: str, name: str, tmp_path: Path) -> None:
    battle = await _battle(name, tmp_path)
    assert "GOT" not in battle.said[attack]


@_EVERY_SANDBOX
async def test_nothing_outside_is_touched(name: str, tmp_path: Path) -> None:
    battle = await _battle(name, tmp_path)
    assert battle.touched == []
    assert list(battle.said) == _NAMES, "every attack was made"


@pytest.mark.parametrize("name", ["bubblewrap", "netns"])
async def test_a_way_out_to_one_host_opens_nothing_else(name: str, tmp_path: Path) -> None:
    """The whole corpus once more with a proxy in the sandbox's network."""
    with a_world(tmp_path) as world:
        world.remember()
        ended = await working(name).run(replace(world.whole_corpus(), hosts=("api.example.com",)))
        said = dict(json.loads(line) for line in ended.stdout.splitlines())
        assert list(said) == _NAMES, "every attack was made"
        assert [attack for attack, words in said.items() if "GOT" in words] == []
        assert world.touched() == []
        assert ended.refused == ()


@pytest.mark.parametrize("attack", CORPUS, ids=_NAMES)
def test_it_works_outside(attack: Attack, tmp_path: Path) -> None:
    """The control: without this the tests above could not fail."""
    if attack.why:
        pytest.skip(attack.why)
    if attack.root and os.geteuid() != 0:
        pytest.skip("only root's attempt works outside")
    with a_world(tmp_path) as world:
        world.remember()
        said = world.attack_unconfined(attack)
        assert "GOT" in said or world.touched(), said
