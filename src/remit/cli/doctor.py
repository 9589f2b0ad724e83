"""`remit doctor`: looks whether this machine has what Remit needs and is set up rightly."""

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import click

from remit.app.app import App
from remit.app.config import FILE, Settings, read_settings
from remit.app.keyring import open_keys
from remit.app.lazy import WallClock
from remit.app.load import make_model, make_sandbox, make_store, providers, sqlite_path
from remit.app.plan_settings import plans_of
from remit.app.ready import Readiness
from remit.app.secrets import make_source
from remit.cli.agents import load_agent
from remit.cli.group import GOOD, NO
from remit.cli.importing import import_named
from remit.cli.options import Options
from remit.cli.output import print_json
from remit.cli.plain import printable
from remit.errors import ConfigError, OutsideError, RemitError, UsageError
from remit.machine.agent import Agent

_OLDEST = (3, 11)
# A journal grows by about half a megabyte in a thousand turns; with less than this it may stop
# within a day of heavy use.
_FREE_BYTES = 256 * 1024 * 1024
_MARKS = {"good": ("ok", "green"), "note": ("note", "yellow"), "bad": ("bad", "red")}
_CURSOR = "remit.doctor"
_INPUT = "An input of the agent's function."
Result = Literal["good", "note", "bad"]
_RESULTS: dict[tuple[bool, bool], Result] = {
    (True, False): "good",
    (True, True): "note",
    (False, False): "bad",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; a note is no fault, but something will not work."""

    name: str
    result: Result
    text: str
    remedy: str = ""


@click.command("doctor")
@click.argument("agent", metavar="[MODULE:AGENT]", required=False)
@click.option("-i", "--input", "inputs", metavar="KEY=VALUE", multiple=True, help=_INPUT)
@click.pass_obj
def doctor(options: Options, *, agent: str | None, inputs: tuple[str, ...]) -> int:
    """Check Python, settings, journal, keys, sandbox and providers; nothing is repaired.

    With an agent its start is tried, too: its models are asked for (which bills nothing), its
    tools' checks are run, and the journal is made if there is none.
    """
    if inputs and agent is None:
        raise UsageError("-i is an input of an agent's function: name the agent, MODULE:AGENT")
    named = None if agent is None else load_agent(agent, inputs)
    found = list(_look(options, dict(os.environ)))
    if named is not None and all(each.result != "bad" for each in found):
        found += _start(options, named)
    healthy = all(each.result != "bad" for each in found)
    if options.json:
        print_json({"healthy": healthy, "findings": [asdict(each) for each in found]})
        return GOOD if healthy else NO
    for each in found:
        word, colour = _MARKS[each.result]
        mark = click.style(f"{word:<4}", fg=colour)
        text = f"{each.text}; {each.remedy}" if each.remedy else each.text
        click.echo(f"{mark} {each.name:<10} {' '.join(printable(text).split())}")
    return GOOD if healthy else NO


def _look(options: Options, variables: dict[str, str]) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    new_enough = sys.version_info >= _OLDEST
    remit = import_named("remit").__version__
    where = f"remit {remit}, python {version}, {platform.system()} {platform.release()}"
    yield Finding("python", "good" if new_enough else "bad", where)
    try:
        settings = read_settings(url=options.db, variables=variables)
    except RemitError as exc:
        yield Finding("settings", "bad", str(exc))
        return
    file = FILE if Path(FILE).is_file() else f"no {FILE} here"
    yield Finding("settings", "good", f"{file}; environment {settings.environment}")
    try:
        path = sqlite_path(settings.url) if settings.url.startswith("sqlite:") else None
    except ConfigError as exc:
        yield Finding("journal", "bad", str(exc))
        return
    if path is not None:
        yield _space(path)
    yield _journal(settings.url, path)
    yield _keys(settings, variables, path)
    yield from _plans(settings, variables)
    yield _sandbox()
    for provider in providers():
        yield _provider(provider, settings, variables)


def _start(options: Options, agent: Agent[object]) -> list[Finding]:
    """What a process that serves this agent would find when it starts."""
    try:
        checks = asyncio.run(_ready(options, agent)).checks
    except RemitError as exc:
        return [Finding("start", "bad", str(exc))]
    return [
        Finding(each.name, _RESULTS[each.ok, each.warning], each.detail, each.remedy)
        for each in checks
    ]


async def _ready(options: Options, agent: Agent[object]) -> Readiness:
    async with App(options.db, agents=[agent]) as app:
        return await app.ready()


def _folder(path: Path) -> Path:
    """The nearest folder of the journal that is there already."""
    return next(each for each in path.absolute().parents if each.is_dir())


def _space(path: Path) -> Finding:
    folder = _folder(path)
    free = shutil.disk_usage(folder).free
    result: Result = "good" if free >= _FREE_BYTES else "bad"
    return Finding("space", result, f"{free // 1024**2:,} MB free in {folder}")


def _journal(url: str, path: Path | None) -> Finding:
    if path is not None and not path.exists():
        folder = _folder(path)
        if os.access(folder, os.W_OK | os.X_OK):
            return Finding("journal", "note", f"{path} does not exist; the first run makes it")
        why = f"{path} does not exist, and {folder} may not be written"
        return Finding("journal", "bad", why)
    try:
        return Finding("journal", "good", asyncio.run(_use(url)))
    except RemitError as exc:
        return Finding("journal", "bad", str(exc))


async def _use(url: str) -> str:
    """Read and write the journal; what it holds."""
    store = make_store(url)
    await store.open()
    try:
        await store.set_cursor(_CURSOR, WallClock().now_ms())
        living = len(await store.runs(None, status=("running", "waiting"), limit=1_000))
        off = len(await store.switches())
        switched = f"; {off} switched off or reverted (remit switch list)" if off else ""
        return f"{store.url} can be read and written; {living} runs are alive{switched}"
    finally:
        await store.close()


def _keys(settings: Settings, variables: dict[str, str], path: Path | None) -> Finding:
    named = variables.get("REMIT_KEYS") or variables.get("REMIT_KEY_FILE")
    made = not named and path is not None and settings.environment != "production"
    if made and path is not None and not path.exists():
        return Finding("keys", "note", "the first run makes them beside the journal")
    try:
        keys = open_keys(settings, variables)
    except RemitError as exc:
        return Finding("keys", "bad", str(exc))
    where = "REMIT_KEYS" if variables.get("REMIT_KEYS") else "a file only its owner can read"
    return Finding("keys", "good", f"{where}; MAC key {keys.signer.key_id}")


def _plans(settings: Settings, variables: dict[str, str]) -> Iterator[Finding]:
    """The price list, if there is one, and whether payments for it can be verified."""
    try:
        plans = plans_of(settings.billing, settings.plans, FILE)
        if plans is None:
            return
        source = make_source(variables.get("REMIT_SECRETS") or settings.secrets.source, variables)
        named = (*plans.stripe_secret_env, *plans.webhook_secret_env)
        missing = [name for name in named if not source.read(name)]
    except RemitError as exc:
        yield Finding("plans", "bad", str(exc))
        return
    known = ", ".join(plan.name for plan in plans.plans)
    sold = any(plan.checkout_url for plan in plans.plans)
    if missing:
        text = f"{known}; payments cannot be verified: there is no secret {', '.join(missing)}"
        yield Finding("plans", "bad", text)
    elif sold and not named:
        text = f"{known}; payments are not taken: billing.stripe_secret_env names no secret"
        yield Finding("plans", "note", text)
    else:
        yield Finding("plans", "good", f"{known}; default {plans.default}")


def _sandbox() -> Finding:
    try:
        return Finding("sandbox", "good", make_sandbox().name)
    except OutsideError as exc:
        return Finding("sandbox", "note", f"tools that run programs will refuse: {exc}")


def _provider(name: str, settings: Settings, variables: dict[str, str]) -> Finding:
    try:
        make_model(name, settings, variables)
    except ConfigError as exc:
        return Finding(name, "note", str(exc))
    return Finding(name, "good", "its key is set (it was not tried)")
