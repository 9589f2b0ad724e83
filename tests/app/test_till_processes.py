"""One payment in several processes, and a crash between any two steps, count once."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE

import pytest

from remit.errors import StoreGone
from remit.journal.events import PayerLinked, PaymentReceived
from tests.app.paying import (
    book,
    clerk,
    payer,
    reference_of,
    send,
    shop,
    stripe_secret,
)
from tests.runtime.stage import journal_at
from tests.wire.webhook.stripe_events import event, invoice, session

__all__ = ["stripe_secret"]
pytestmark = [pytest.mark.requirement("BIL-3"), pytest.mark.usefixtures("stripe_secret")]
NOW_S = int(time.time())
CLERK = clerk()


def checkout(reference: str) -> bytes:
    return event("checkout.session.completed", session(client_reference_id=reference), at_s=NOW_S)


async def test_two_processes_that_get_the_same_event_enter_it_once(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    async with shop(url, CLERK) as (one, _), shop(url, CLERK) as (two, _):
        reference = reference_of(await one.checkout_url("pro", tenant="acme", user="ann"))
        body = checkout(reference)
        outcomes = await asyncio.gather(*(send(app, body) for app in (one, two) * 5))
        assert sorted(each.result for each in outcomes) == ["applied"] + ["repeated"] * 9
        assert [each.type for each in await book(one)] == ["PaymentReceived", "PlanRaised"]
        for ref in ("sub_1", "cus_1"):
            assert [each.type for each in await payer(two, ref)] == ["PayerLinked"]


PROCESS = """
import asyncio, sys
from pathlib import Path
from remit import App
from tests.app.paying import PLANS, send

async def main(url, body):
    async with App(url, plans=PLANS) as app:
        print("ready", flush=True)
        sys.stdin.readline()
        print((await send(app, Path(body).read_bytes())).result)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_two_processes_of_the_operating_system_enter_an_event_once(tmp_path: Path) -> None:
    url, file = journal_at(tmp_path), tmp_path / "body.json"
    async with shop(url, CLERK) as (app, _):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        file.write_bytes(checkout(reference))
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with ExitStack() as stack:
            words = [sys.executable, "-c", PROCESS, url, str(file)]
            both = [
                stack.enter_context(
                    subprocess.Popen(
                        words, env=variables, text=True, stdin=PIPE, stdout=PIPE, cwd=tmp_path
                    )
                )
                for _ in "ab"
            ]
            for process in both:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            for process in both:
                assert process.stdin is not None
                process.stdin.write("go\n")
                process.stdin.flush()
            said = sorted(process.communicate()[0].strip() for process in both)
        assert said == ["applied", "repeated"]
        assert [each.type for each in await book(app)] == ["PaymentReceived", "PlanRaised"]


@pytest.mark.parametrize("writes", range(5))
async def test_a_crash_between_two_steps_is_made_good_when_the_event_is_sent_again(
    writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shop("memory:", CLERK) as (app, _):
        reference = reference_of(await app.checkout_url("pro", tenant="acme", user="ann"))
        waits = event("invoice.paid", invoice(), at_s=NOW_S)
        await send(app, waits)
        real, left = app.store.append, [writes]

        async def append(given: object) -> object:
            if left[0] == 0:
                raise StoreGone("the database vanished")
            left[0] -= 1
            return await real(given)  # type: ignore[arg-type]  # handed through

        body = checkout(reference)
        monkeypatch.setattr(app.store, "append", append)
        if writes < 4:  # the payment, two payers, and what waited
            with pytest.raises(StoreGone):
                await send(app, body)
        else:
            assert (await send(app, body)).result == "applied"
        monkeypatch.setattr(app.store, "append", real)
        outcome = await send(app, body)
        assert outcome.plan == "pro"
        kinds = [each.kind for each in await book(app) if isinstance(each, PaymentReceived)]
        assert kinds == ["checkout.session.completed", "invoice.paid"]
        assert [each.type for each in await book(app)].count("PlanRaised") == 1
        for ref in ("sub_1", "cus_1"):
            links = [each for each in await payer(app, ref) if isinstance(each, PayerLinked)]
            assert len(links) == 1
