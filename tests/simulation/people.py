"""People of the simulation: they agree, refuse, answer, cancel; twice, late, or wrongly."""

import asyncio
import json
from collections.abc import Awaitable

from remit.app.desk import Desk
from remit.app.run import (
    PendingApproval,
    pending_approvals,
    pending_delays,
    pending_doubts,
    pending_questions,
)
from remit.errors import NotAllowed, NotFound, StoreError
from remit.machine.state import State
from tests.simulation.process import Machine
from tests.simulation.world import Agreement, Violation, World, ensure

_LOOK = 0.03
PEOPLE = ("ann", "bob", "eve")
_TARGETS = ("tool:pay", "tool:note", "agent:clerk", "tenant:beta", "tenant:acme/tool:mail", "all")


async def act(world: World, node: Machine) -> None:
    """One round of what people do, at the desk of a process."""
    rng, desk = world.rng, node.desk
    try:
        states = list(world.store.states.values())
        if rng.random() < _LOOK:  # to look at everything costs real time; mostly they are told
            states = [*await _seen(desk, "acme"), *await _seen(desk, "beta")]
        for pending in [found for state in states for found in pending_approvals(state)]:
            if world.moods.absent and rng.random() < 0.95:
                continue
            await _decide(world, node, pending)
        for question in [found for state in states for found in pending_questions(state)]:
            value = json.dumps(rng.choice((1, 2, "many")) if not world.calm else 1)
            tenant = _tenant(world, question.run)
            await desk.answer(tenant, question.id, principal="ann", channel="sim", value=value)
        for doubt in [found for state in states for found in pending_doubts(state)]:
            key = f"{doubt.run}:{doubt.call}"
            if world.is_under_way(key):
                continue  # careful people wait until nobody can be at it any more
            happened = bool(world.by_key[key])
            tenant = _tenant(world, doubt.run)
            await desk.resolve(tenant, doubt.run, doubt.call, happened=happened, principal="bob")
            world.counts["resolved"] += 1
        await _recall(world, node, states)
        if world.chance(0.04):
            await _cancel(world, node)
        if world.chance(0.05):
            await _flip(world, node)
    except (StoreError, NotFound, NotAllowed):
        pass  # told so; they come again


async def _seen(desk: Desk, tenant: str) -> list[State]:
    """What the desk shows of a tenant; it must be the tenant's own."""
    runs = {pending.run for pending in await desk.approvals(tenant)}
    runs |= {pending.run for pending in await desk.questions(tenant)}
    states = [(await desk.reader.past_of(tenant, run)).state for run in sorted(runs)]
    for state in states:
        ensure(state.tenant == tenant, f"{tenant} sees {state.tenant}/{state.run}")
    return states


async def _decide(world: World, node: Machine, pending: PendingApproval) -> None:
    rng, desk = world.rng, node.desk
    tenant = _tenant(world, pending.run)
    who = rng.choice(PEOPLE)
    mood = rng.random()
    if mood < 0.1:
        await desk.deny(tenant, pending.id, principal=who, channel="sim", comment="no")
        return
    if mood < 0.15 and not world.calm:
        other = "beta" if tenant == "acme" else "acme"
        await _refused(desk.approve(other, pending.id, principal=who, channel="sim"))
        return
    if mood < 0.2:
        wrong = "0" * len(pending.digest)
        await _refused(desk.approve(tenant, pending.id, principal=who, channel="sim", digest=wrong))
        return
    call = pending.id.split(":")[1]
    key = f"{tenant}/{pending.run}:{call}"
    arguments: str | None = None
    if mood < 0.27 and pending.tool in ("pay", "wire"):
        arguments = json.dumps({"amount": rng.randrange(100)})
        given = Agreement(who, json.loads(arguments), None)
    else:
        given = Agreement(who, json.loads(pending.arguments), pending.digest)
    await asyncio.sleep(rng.random() * 3)  # they read it; things may change meanwhile
    world.agreed[key].append(given)
    for _ in range(rng.choice((1, 1, 2))):
        await desk.approve(
            tenant,
            pending.id,
            principal=who,
            channel="sim",
            digest=pending.digest if arguments is None else None,
            arguments=arguments,
        )
    world.counts["approved"] += 1


async def _refused(attempt: Awaitable[PendingApproval]) -> None:
    try:
        await attempt
    except (NotAllowed, NotFound):
        return
    raise Violation("the desk took an approval that is not one")


async def _recall(world: World, node: Machine, states: list[State]) -> None:
    for delay in [found for state in states for found in pending_delays(state)]:
        if world.rng.random() < 0.2:
            tenant = _tenant(world, delay.run)
            await node.desk.recall(tenant, delay.run, delay.call, principal="eve")
            world.counts["recalled"] += 1


async def _cancel(world: World, node: Machine) -> None:
    rows = await node.desk.living(None)
    if rows:
        row = world.rng.choice(rows)
        await node.desk.cancel(row.tenant, row.run, principal="ann", reason="enough")
        world.counts["cancels"] += 1


async def _flip(world: World, node: Machine) -> None:
    target = world.rng.choice(_TARGETS)
    await node.desk.switch_off(target, principal="ann", reason="test")
    world.counts["switched"] += 1
    await asyncio.sleep(world.rng.random() * 8)
    await switch_on(node, target)


async def switch_on(node: Machine, target: str) -> None:
    """Switch on again, whatever it takes."""
    while True:
        try:
            await node.desk.switch_on(target, principal="ann")
        except StoreError:
            await asyncio.sleep(0.5)
        else:
            return


async def all_on(node: Machine) -> None:
    """Nothing is switched off any more."""
    for target in _TARGETS:
        await switch_on(node, target)


def _tenant(world: World, run: str) -> str:
    return next(tenant for tenant, known in world.store.states if known == run)
