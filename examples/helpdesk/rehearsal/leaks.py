"""Looks in every event of the journal and every mail for what customers should not write."""

from email.message import EmailMessage

from rehearsal.cases import cases, planted
from rehearsal.seed import TENANTS
from rehearsal.world import World
from remit import App
from remit.journal.events import EVENT

_RUNS = 1_000  # of a tenant: more than a rehearsal has


async def leaks(app: App, world: World) -> list[str]:
    """Where planted secrets stand in clear: runs and mails, by what was found."""
    found = []
    for tenant in TENANTS:
        for row in await app.store.runs(tenant, limit=_RUNS):
            past = await app.engine.reader.past(row)
            texts = (EVENT.dump_json(e).decode() for body in past.bodies for e in body.events)
            written = "\n".join(texts)
            found += [f"{name} in run {row.run}" for name in _secrets_in(written)]
    for sender in sorted({case.sender for case in cases()}):
        for mail in world.office.mails(sender):
            found += [f"{name} in a mail to {sender}" for name in _secrets_in(_text(mail))]
    return found


def _secrets_in(text: str) -> list[str]:
    return [name for name, value in planted().items() if value in text]


def _text(mail: EmailMessage) -> str:
    return f"{mail['Subject']}\n{mail.get_content()}"
