"""The synchronous face: the same app from a program without an event loop."""

import threading
import time
from pathlib import Path

import pytest

from remit import App, Remit, ScriptedModel, SyncApp, tool
from remit.errors import ConfigError, NotAllowed, SpecError
from tests.app.paying import PLANS, SECRET, SECRET_ENV, reference_of, signed
from tests.runtime.stage import PRICES, Script, an_agent, journal_at
from tests.wire.webhook.stripe_events import event, session


@tool(access="write")
def ship_order(order: int) -> str:
    """Ship an order."""
    return f"shipped {order}"


SHIPPER = an_agent("shipper", tools=[ship_order], remit=Remit(approvals={ship_order: 1}))


def sync(url: str, *script: Script, environment: str | None = None) -> SyncApp:
    app = App(
        url,
        agents=[SHIPPER],
        models={"scripted": ScriptedModel(*script)},
        prices=PRICES,
        environment=environment,
    )
    return SyncApp(app)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "remit-app"]


def test_runs_approvals_and_resumes_from_plain_code(tmp_path: Path) -> None:
    with sync(journal_at(tmp_path), {"ship_order": {"order": 1}}, "done") as app:
        run = app.run(SHIPPER, "Ship", tenant="acme", user="ann", session="s1", labels=["red"])
        assert (run.status, run.tenant) == ("waiting", "acme")
        (pending,) = app.wait_for(app.app.desk.approvals("acme"))
        app.wait_for(app.app.approve(pending.id, principal="bob", tenant="acme"))
        assert app.resume(run.id, tenant="acme").output == "done"
    assert threads() == []


@pytest.mark.requirement("BIL-3")
def test_payments_and_the_notice_reach_plain_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_ENV, SECRET)
    models = {"scripted": ScriptedModel("one", "two")}
    talker = an_agent("talker")
    plain = App("memory:", agents=[talker], models=models, prices=PRICES, plans=PLANS)
    with SyncApp(plain) as app:
        assert app.run(talker, "Go", user="ann").upgrade is None
        notice = app.run(talker, "Go", user="ann").upgrade
        assert notice is not None
        thing = session(client_reference_id=reference_of(notice.checkout_url))
        body = event("checkout.session.completed", thing, at_s=int(time.time()))
        assert app.payment_event(signed(body), body).plan == "pro"
        assert app.run(talker, "Go", user="ann").status == "completed"


def test_errors_come_through() -> None:
    with sync("memory:", "ok") as app:
        with pytest.raises(SpecError, match="not registered"):
            app.run(an_agent("stranger"), "Go")
        assert app.run(SHIPPER, "Go").output == "ok"  # and the app lives on


def test_an_app_that_cannot_open_leaves_nothing_behind() -> None:
    app = sync("memory:", "ok", environment="production")
    with pytest.raises(ConfigError, match="production"), app:
        pass
    assert threads() == []
    with pytest.raises(NotAllowed, match="with SyncApp"):
        app.run(SHIPPER, "Go")


def test_it_works_only_while_it_is_open() -> None:
    app = sync("memory:", "ok")
    with pytest.raises(NotAllowed, match="with SyncApp"):
        app.run(SHIPPER, "Go")
    with app:
        assert app.run(SHIPPER, "Go").output == "ok"
    with pytest.raises(NotAllowed, match="with SyncApp"):
        app.resume("run_x")
