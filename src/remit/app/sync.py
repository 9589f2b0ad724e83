"""A thin synchronous face: the same app, driven by an event loop in a thread of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from remit.app.app import App
from remit.app.people import LOCAL_TENANT, LOCAL_USER
from remit.app.ready import Readiness
from remit.app.run import Run
from remit.app.taking_in import Given
from remit.app.till import PaymentOutcome
from remit.errors import NotAllowed
from remit.machine.agent import Agent

T = TypeVar("T")


class SyncApp:
    """Wraps an `App` that is not open yet; use it as `with SyncApp(App(...)) as app`."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start the loop and open the app. Raises what `App` raises."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="remit-app", daemon=True
        )
        self._thread.start()
        try:
            self.wait_for(self.app.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the app and end the loop."""
        try:
            self.wait_for(self.app.__aexit__(kind, error, trace))
        finally:
            self._stop()

    def _stop(self) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    def wait_for(self, work: Coroutine[object, object, T]) -> T:
        """The result of any coroutine of the app, such as `app.desk.approvals()`."""
        if self._loop is None:
            work.close()
            raise NotAllowed("the app is not open: use it as `with SyncApp(App(...)) as app`")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def run(
        self,
        agent: Agent[T],
        text: Given,
        *,
        tenant: str = LOCAL_TENANT,
        user: str = LOCAL_USER,
        session: str | None = None,
        labels: Sequence[str] = (),
        roles: Sequence[str] = (),
    ) -> Run[T]:
        """See `App.run`."""
        work = self.app.run(
            agent, text, tenant=tenant, user=user, session=session, labels=labels, roles=roles
        )
        return self.wait_for(work)

    def ready(self) -> Readiness:
        """See `App.ready`."""
        return self.wait_for(self.app.ready())

    def payment_event(self, headers: Mapping[str, str], body: bytes) -> PaymentOutcome:
        """See `App.payment_event`."""
        return self.wait_for(self.app.payment_event(headers, body))

    def resume(self, run: str, *, tenant: str = LOCAL_TENANT) -> Run[object]:
        """See `App.resume`."""
        return self.wait_for(self.app.resume(run, tenant=tenant))
