"""The world of the rehearsal: shop, mail server and ticket queue in a folder, on this machine."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from helpdesk.intake import take_in
from helpdesk.shop import Shop
from rehearsal.cases import cases
from rehearsal.letters import deliver
from rehearsal.post import PostOffice, post_office
from rehearsal.seed import TENANTS, seed
from rehearsal.zendesk import Zendesk, zendesk
from remit.policy.phase import Phase

HERE = Path(__file__).parent.parent
MAIL_DELAY = "1s"
"""Minutes on a real desk; nobody calls a mail back in a rehearsal."""
SETTINGS = ("remit.toml", "secret-rules.toml")
_DECLARED = "http://127.0.0.1:8026"
"""Where remit.toml says that the queue is."""


class Inputs(TypedDict, total=False):
    """Those of the agent, as `remit run -i` takes them."""

    shop: str
    smtp: str
    archive: str
    zendesk: str
    delay: str
    model: str
    phase: Phase


@dataclass(frozen=True, slots=True)
class World:
    """Everything that the agent can reach."""

    folder: Path
    office: PostOffice
    queue: Zendesk

    @property
    def shop(self) -> Path:
        """The database."""
        return self.folder / "shop.db"

    @property
    def inputs(self) -> Inputs:
        """Those of the agent."""
        return {
            "shop": str(self.shop),
            "smtp": self.office.address,
            "archive": str(self.office.folder),
            "zendesk": self.queue.url,
            "delay": MAIL_DELAY,
        }

    @property
    def variables(self) -> Mapping[str, str]:
        """The secrets that credentials are made of."""
        found = self.queue.client_secrets.items()
        return {f"ZENDESK_SECRET_{tenant.upper()}": secret for tenant, secret in found}


@asynccontextmanager
async def world(place: Path) -> AsyncIterator[World]:
    """A world in a folder: the 60 mails have come in and are tickets; one that is there goes on."""
    folder = _made(place)
    secrets = {tenant: f"rehearsal-{tenant}-client" for tenant in TENANTS}
    async with (
        post_office(folder / "post") as office,
        zendesk(secrets, folder / "queue.jsonl") as queue,
    ):
        made = World(folder, office, queue)
        for name in SETTINGS:
            shutil.copyfile(HERE / name, folder / name)
        settings = (folder / SETTINGS[0]).read_text(encoding="utf-8")
        (folder / SETTINGS[0]).write_text(settings.replace(_DECLARED, queue.url), encoding="utf-8")
        if not made.shop.exists():
            await asyncio.to_thread(_begin, made)
        yield made


def _begin(made: World) -> None:
    """Seed the shop, send the 60 mails to it, and take them in."""
    seed(made.shop)
    deliver(made.office.address, cases())
    shop = Shop(str(made.shop))
    for tenant, letter in TENANTS.items():
        take_in(shop, made.office.folder / f"support@{tenant}.example", tenant, letter)


def _made(place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    return place.resolve()
