"""Whatever a process keeps of users, sessions and runs does not grow with them (BUD-9)."""

import asyncio
from collections import deque
from pathlib import Path
from types import FunctionType, MethodType, ModuleType

import pytest

from remit import Budget, Remit
from remit.app.app import App
from remit.runtime import engine
from remit.values.model import ModelAnswer, ModelRequest, RawText
from remit.values.usage import Usage
from tests.runtime.stage import PRICES, an_agent, journal_at

AGENT = an_agent(remit=Remit(session_alert_usd="9"))
_LEAVES = (str, bytes, int, float, type, ModuleType, FunctionType, MethodType, type(None))


class QuietModel:
    """Keeps nothing of what it was asked."""

    provider = "scripted"

    async def answer(
        self, request: ModelRequest, *, deadline_s: float, emit: object
    ) -> ModelAnswer:
        del deadline_s, emit
        usage = Usage(input=9, output=9)
        return ModelAnswer(parts=(RawText("ok"),), stop="end", usage=usage, model=request.model)

    async def close(self) -> None: ...


def sizes(root: object) -> dict[str, int]:
    """How much is in every container that can be reached from an object of ours, by its path."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    todo: deque[tuple[str, object]] = deque([("app", root)])
    while todo:
        path, each = todo.popleft()
        if id(each) in seen or isinstance(each, _LEAVES):
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            found[path] = len(each)
            todo += [(f"{path}[]", value) for value in each.values()]
        elif isinstance(each, list | set | tuple | frozenset | deque):
            found[path] = len(each)
            todo += [(f"{path}[]", value) for value in each]
        elif type(each).__module__.startswith(("remit.", "tests.")):
            slots = [name for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ())]
            names = {*slots, *getattr(each, "__dict__", {})}
            todo += [(f"{path}.{name}", getattr(each, name, None)) for name in sorted(names)]
    return found


async def crowd(app: App, users: range) -> None:
    """Users that never came before, each with a session and a label of its own."""

    async def one(number: int) -> None:
        run = await app.run(
            AGENT,
            f"go {number}",
            tenant=f"t{number % 3}",
            user=f"u{number}",
            session=f"s{number}",
            labels=[f"l{number}"],
        )
        assert run.status == "completed"

    for first in range(users.start, users.stop, 20):
        await asyncio.gather(*(one(n) for n in range(first, min(users.stop, first + 20))))


@pytest.mark.requirement("BUD-9")
async def test_no_container_of_a_process_grows_with_its_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_CACHE", 8)
    budgets = [Budget(of="user", window="day", cost_usd="5", calls=9)]
    app = App(
        journal_at(tmp_path),
        agents=[AGENT],
        models={"scripted": QuietModel()},
        prices=PRICES,
        budgets=budgets,
    )
    async with app:
        await crowd(app, range(40))
        before = sizes(app)
        await crowd(app, range(40, 160))
        after = sizes(app)
        grown = {path: (before.get(path, 0), size) for path, size in after.items() if size > 20}
        assert {path: pair for path, pair in grown.items() if pair[1] > pair[0] + 20} == {}
        assert len(before) > 50  # it has looked around
        for number in range(60):
            app.engine.services.hub.listen("t", f"u{number}")
        assert any("_channels" in path for path, size in sizes(app).items() if size >= 60)
