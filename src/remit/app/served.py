"""What servers and auditors ask of an app: who may use it, and whether its journal is sound."""

from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from remit.app.access import Access
from remit.app.assemble import Parts
from remit.app.load import named
from remit.app.once import Once
from remit.app.sign_ins import SignIns
from remit.app.upgrade import UpgradeRequired
from remit.app.verification import KnownHead, Verification
from remit.machine.state import State

_Verify = Callable[..., Awaitable[list[Verification]]]


class Served:
    """Mixed into `App`."""

    @property
    def _open(self) -> Parts:
        """The parts of the open app."""
        raise NotImplementedError

    @property
    def access(self) -> Access:
        """API keys and users of the server."""
        services = self._open.engine.services
        return Access(
            store=services.store,
            books=self._open.books,
            clock=services.clock,
            dice=services.dice,
            redactor=self._open.engine.redactor,
        )

    @property
    def sign_ins(self) -> SignIns:
        """Who is signed in at the server."""
        return SignIns(access=self.access, books=self._open.books)

    @property
    def once(self) -> Once:
        """Runs that are started once for a key of their caller."""
        return self._open.once

    def upgrade_of(self, state: State) -> UpgradeRequired | None:
        """The notice of a run that ended because of its plan; None for any other."""
        return self._open.gate.upgrade_of(state)

    async def verify(
        self, *, tenants: Sequence[str] = (), heads: Sequence[KnownHead] = ()
    ) -> list[Verification]:
        """Check that the journal is what was written, for these tenants or for all.

        A sound tenant gets a new signed head. Raises `StoreError`.
        """
        keys, services = self._open.keys, self._open.engine.services
        verify_journal = cast("_Verify", named("remit.app.audit", "verify_journal", ""))
        return await verify_journal(
            services.store,
            keys.head,
            keys.macs,
            tenants=tenants,
            heads=heads,
            now_ms=services.clock.now_ms(),
        )
