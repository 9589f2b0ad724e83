"""`remit demo --serve`: the console on the demo's own journal, a plan that runs out, a checkout."""

import json
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import click
from rich.console import Console

from remit.app.app import App
from remit.app.config import Settings
from remit.app.load import make_model, named
from remit.cli import demo_stage
from remit.cli.demo_play import lomu
from remit.cli.demo_stage import Stage, lomu_folder
from remit.cli.options import Options
from remit.cli.output import cell
from remit.cli.person import principal
from remit.policy.allowance import Budget
from remit.policy.plan import Plan, Plans
from remit.simulator.checkout import Checkout, Product, selling

FREE_CALLS = 24
"""Model calls a day: the fix takes 21, and what is left is used up by asking about it."""

PAID_CALLS = 500
_DRAIN_S = 3.0  # whoever presses Ctrl-C waits; what is cut goes on with --resume
_PRODUCT = Product(plan="pro", link="plink_demo_pro", cents=900)
_VARIABLE = "REMIT_DEMO_WEBHOOK_SECRET"
_WISH = "Fix the receipt and commit it."

_Hosting = Callable[..., Awaitable[None]]


def check() -> None:
    """Raise `MissingExtra` now, where a server cannot be started."""
    named("remit.server.serving", "serve_here", "server")


def journal_of(options: Options, stage: Stage) -> str:
    """The journal of the stage, unless the command names one.

    Its own: what is "bought" here is no plan of anybody's elsewhere.
    """
    return options.db or f"sqlite:///{stage.folder / 'journal.db'}"


def plans(checkout: Checkout) -> Plans:
    """A small plan, and the one that the checkout sells."""
    free = Plan(name="free", limits=(Budget(of="user", window="day", calls=FREE_CALLS),))
    pro = Plan(
        name=_PRODUCT.plan,
        limits=(Budget(of="user", window="day", calls=PAID_CALLS),),
        checkout_url=checkout.link(_PRODUCT.plan),
        prices=(_PRODUCT.link,),
    )
    return Plans(plans=(free, pro), default=free.name, stripe_secret_env=(_VARIABLE,))


async def serve_demo(options: Options, stage: Stage, port: int, out: Console) -> None:
    """Serve the console until Ctrl-C. Raises `ConfigError` where the port cannot be had."""
    host = cast("_Hosting", named("remit.server.serving", "serve_here", "server"))
    place = cast("Callable[..., object]", named("remit.server.serving", "Place", "server"))
    settings = cast(
        "Callable[..., object]", named("remit.server.settings", "ServerSettings", "server")
    )
    url = journal_of(options, stage)
    async with demo_stage.provider(scenario(stage)) as variables, _shop() as checkout:

        def ready(address: str, link: str) -> None:
            checkout.target, checkout.home = f"{address}/payments", f"{address}/chat"
            provider = variables["ANTHROPIC_BASE_URL"]
            to_chat = f"{link}&{urlencode({'next': '/chat?agent=lomu'})}"
            _tell(options, out, _Served(stage, url, address, to_chat, provider))

        app = App(
            url,
            agents=[lomu(stage)],
            models={"anthropic": make_model("anthropic", Settings(), variables)},
            plans=plans(checkout),
            worker=True,  # runs of the process before, with --resume
        )
        kept = settings(person=principal(), drain_s=_DRAIN_S)
        await host(app, place(port=port), kept, ready=ready)
    words = f"\nended; the journal is {url}. Go on with: remit demo --serve --resume"
    out.print(cell(words), soft_wrap=True)


def scenario(stage: Stage) -> Path:
    """What the provider answers: small talk first, then the rules of the plain demo."""
    folder = lomu_folder() / "demo"
    parts = [(folder / name).read_text(encoding="utf-8") for name in ("chat.toml", "scenario.toml")]
    target = stage.folder / "scenario.toml"
    target.write_text("\n".join(parts), encoding="utf-8")
    return target


@asynccontextmanager
async def _shop() -> AsyncIterator[Checkout]:
    """The checkout, with a secret that it shares with this process's App alone."""
    os.environ[_VARIABLE] = secret = f"whsec_{secrets.token_urlsafe(32)}"
    try:
        async with selling([_PRODUCT], secret=secret) as checkout:
            yield checkout
    finally:
        os.environ.pop(_VARIABLE, None)


@dataclass(frozen=True, slots=True)
class _Served:
    """What can be found where."""

    stage: Stage
    journal: str
    address: str
    link: str
    provider: str


def _tell(options: Options, out: Console, served: _Served) -> None:
    """One line for programs, or what to do for people."""
    if options.json:
        told = {
            "url": served.address,
            "link": served.link,
            "pid": os.getpid(),
            "repository": str(served.stage.repo),
            "journal": served.journal,
            "provider": served.provider,
            "calls": FREE_CALLS,
        }
        click.echo(json.dumps(told))
        return
    for name, value in (
        ("repository", str(served.stage.repo)),
        ("journal", served.journal),
        ("provider", f"simulated, at {served.provider}"),
        ("console", served.address),
    ):
        out.print(cell(f"  {name:<11} {value}", "dim"), soft_wrap=True)
    out.print(cell("\nSign in, once, within 15 minutes:", "bold"))
    out.print(cell(f"  {served.link}"), soft_wrap=True)
    out.print(cell("\nThen", "bold"))
    for number, step in enumerate(_steps(served), start=1):
        out.print(cell(f"  {number}. {step}"), soft_wrap=True)
    out.print(cell("\nCtrl-C ends it; nothing is lost.", "dim"))
    out.file.flush()


def _steps(served: _Served) -> tuple[str, ...]:
    diff = f"git -C {served.stage.repo} diff"
    plan = f"Of the {FREE_CALLS} model calls a day of your plan the fix took 21"
    return (
        f"Chat: say “{_WISH}”",
        f"Approvals: look at the exact call, and agree or refuse. What it commits: {diff}",
        "Runs: open the run, and see the tree of every decision.",
        f"Chat: ask what was wrong. {plan}; soon a notice comes that no model wrote.",
        "Follow its link and pay at the simulator's checkout; no money moves. The chat goes on.",
    )
