"""Starts a run: who pays, what is priced, which conversation goes on; then a driver has it."""

from collections.abc import Sequence
from dataclasses import dataclass

from remit.app.plan_desk import PlanDesk
from remit.app.reverting import under_reverts
from remit.app.taking_in import Given, check_room, check_taken, items_of, take_in
from remit.errors import NotAllowed, NotFound
from remit.journal.admit import LIVE
from remit.journal.events import RunStarted
from remit.machine.agent import Agent
from remit.machine.spec import AgentSpec
from remit.policy.allowance import Spender
from remit.runtime.cleaning import Cleaner
from remit.runtime.engine import Engine
from remit.runtime.lease import Seat
from remit.runtime.starting import (
    accounts_of,
    check_startable,
    environment_of,
    limit_prefixes,
    prices_of,
    session_is_active,
)
from remit.values.account import OWN
from remit.values.ids import ENTROPY_BYTES, check_name, made_ms, make_id, root_of
from remit.values.message import Message, Origin

MAX_ROLES = 64  # they are journalled with each run; nobody has so many
MAX_LABELS = 16  # each is an account that every model call of the run locks


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a caller asks for: an input, and in whose name."""

    text: Given
    """Or texts with images and documents."""
    tenant: str
    user: str
    session: str | None
    labels: tuple[str, ...]
    roles: tuple[str, ...] = ()
    interactive: bool = False
    """Somebody follows the run and waits for its words."""
    undoes: str = ""
    """The run whose writes it takes back."""
    run: str = ""
    """The id that was reserved for it; empty: any."""


def wish_of(  # a wish has that many words
    text: Given,
    tenant: str,
    user: str,
    session: str | None,
    labels: Sequence[str],
    roles: Sequence[str] = (),
    *,
    interactive: bool = False,
) -> Wish:
    """The wish in a caller's words."""
    return Wish(
        text=text,
        tenant=tenant,
        user=user,
        session=session,
        labels=tuple(labels),
        roles=tuple(roles),
        interactive=interactive,
    )


async def launch(
    engine: Engine,
    agent: Agent[object],
    spec: AgentSpec,
    wish: Wish,
    plans: PlanDesk,
) -> str:
    """Hand a new run to a driver and return its id. Raises for what cannot work."""
    services, tenant = engine.services, wish.tenant
    items = items_of(wish.text)
    check_taken(items, services.attachments)
    _check(wish)
    if wish.interactive and spec.limits.unattended:
        raise NotAllowed(
            f"agent {spec.name!r} is unattended: an outage is sat out until its deadline, so "
            "nobody may be made to wait for it; use `start`, or `remit run --detach`"
        )
    spec, reverts = await under_reverts(services, spec, tenant)
    check_startable(services, spec)
    now_ms = services.clock.now_ms()
    entropy = services.dice.entropy(ENTROPY_BYTES)
    run, before = wish.run or make_id("run", now_ms, entropy), None
    history: tuple[Message, ...] = ()
    session = wish.session
    if session is None:
        session = run.replace("run_", "ses_")
    else:
        before, history = await _before(engine, tenant, check_name("session", session))
        if before is not None and run <= before:  # ids tell the order of a session's runs
            run = _id_after(before, wish, entropy)
    cleaner = Cleaner(engine.redactor(tenant), services.vault, tenant, run)
    taken = await take_in(items, Origin(kind="user", name=wish.user), cleaner)
    check_room(history, taken.parts)
    spender = Spender(
        tenant=tenant,
        user=wish.user,
        session=session,
        agent=spec.name,
        run=OWN,
        labels=wish.labels,
    )
    set_limits = await services.store.limits(tenant, limit_prefixes(spender))
    started = RunStarted(
        agent=spec.name,
        spec=spec.digest,
        user=wish.user,
        session=session,
        input=taken.parts,
        continues=before,
        root=run,
        deadline_ms=now_ms + spec.limits.timeout_ms,
        environment=environment_of(services),
        roles=wish.roles,
        mode=services.modes.of(tenant, wish.user, spec.mode),
        prices=prices_of(services, spec),
        accounts=accounts_of(spec, spender, budgets=services.budgets, set_limits=set_limits),
        undoes=wish.undoes,
        labels=wish.labels,
        calendar=services.calendar(tenant, now_ms),
        # No plan sells that something is taken back, and it is an operator who does it.
        plan=None if wish.undoes else await plans.terms(spender),
        reverts=reverts,
    )
    engine.mine.add((tenant, run))
    seat = Seat(tenant=tenant, run=run, vault=cleaner.rows, blobs=taken.blobs)
    engine.start(agent, spec, seat, started, history)
    if started.plan is not None:
        await engine.begun(tenant, run)
        await plans.catch_up(run, spender, started.plan)
    return run


def _check(wish: Wish) -> None:
    check_name("tenant", wish.tenant)
    check_name("user", wish.user)
    for label in wish.labels:
        check_name("label", label)
    for role in wish.roles:
        check_name("role", role)
    if len(set(wish.roles)) > MAX_ROLES:
        raise NotAllowed(f"roles: at most {MAX_ROLES}, got {len(wish.roles)}")
    if len(set(wish.labels)) != len(wish.labels) or len(wish.labels) > MAX_LABELS:
        raise NotAllowed(f"labels: at most {MAX_LABELS} different ones, got {wish.labels!r}")


def _id_after(before: str, wish: Wish, entropy: bytes) -> str:
    """An id that sorts after the session's last run. Raises `NotAllowed`: one was reserved."""
    if wish.run:
        raise NotAllowed(
            f"another run of the session {wish.session} came before this request could begin: send "
            "it again under another key"
        )
    return make_id("run", made_ms(before) + 1, entropy)


async def _before(
    engine: Engine, tenant: str, session: str
) -> tuple[str | None, tuple[Message, ...]]:
    """The last run of a session and what was said. Raises `NotAllowed` while it is active."""
    store = engine.services.store
    newest = await store.runs(tenant, session=session, limit=1)
    if not newest:
        return None, ()
    root = root_of(newest[0].run)
    last = await store.run(tenant, root)
    if last is None:
        raise NotFound(f"there is no run {root} of tenant {tenant}")
    if last.status in LIVE:
        raise session_is_active(session, last.run)
    return last.run, await engine.reader.history(tenant, last.run)
