"""Compares bills for people and programs, and each closed day of itself where settings say so."""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from remit.app.bill_settings import read_tolerance
from remit.app.billing import Secret, make_billing
from remit.app.config import Settings
from remit.app.reconcile import Reconciler, Wanted
from remit.errors import RemitError, StoreError
from remit.ports import Clock
from remit.projections.reconcile import Reconciliation, last_closed
from remit.values.statement import DAY

# Days that are caught up after a pause; older ones are compared by hand.
CATCH_UP = 7


class Bills:
    """The bills of one process. Keys are read when a report is asked for."""

    def __init__(
        self,
        settings: Settings,
        reconciler: Reconciler,
        clock: Clock,
        secret: Secret,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """`variables`: those of the process, unless others are given."""
        self._settings = settings
        self._reconciler = reconciler
        self._clock = clock
        self._variables = dict(os.environ) if variables is None else variables
        self._secret = secret

    async def compare(
        self,
        provider: str,
        day: date | None = None,
        *,
        tolerance: str | None = None,
        keys: tuple[str, ...] = (),
        tenant: str | None = None,
        file: Path | None = None,
        source: str = "",
    ) -> Reconciliation:
        """Compare a UTC day, by default the last closed one, and enter the result.

        tolerance: as `tokens=100,percent=0.5,usd=0.05`. keys: the provider's ids of API keys.
        tenant: compare its use alone. file: Google's billing export. source: one report of
        several, as `anthropic-admin`. What is not said comes from the settings. Raises
        `ConfigError` for what is missing, `ProviderError` when the report cannot be had or read.
        """
        chosen = self._settings.reconciliation
        limits = chosen.tolerance if tolerance is None else tolerance
        wanted = Wanted(
            provider=provider,
            day=last_closed(self._clock.now_ms()) if day is None else day,
            keys=keys or chosen.key_ids.get(provider, ()),
            tenant=tenant,
            tolerance=read_tolerance(limits),
        )
        billing = make_billing(
            provider, self._settings, self._variables, self._secret, file=file, kind=source
        )
        return await self._reconciler.reconcile(wanted, billing)

    @property
    def is_daily(self) -> bool:
        """Whether the settings name providers to be compared every day."""
        return bool(self._settings.reconciliation.daily)

    async def once(self) -> None:
        """Compare what has closed since it was last done; what fails is told in the journal.

        Whoever does it first, does it for all processes. Never raises: the next hour tries again.
        """
        newest = last_closed(self._clock.now_ms())
        for provider in self._settings.reconciliation.daily:
            try:
                for day in await self._undone(provider, newest):
                    await self._try(provider, day)
            except StoreError:
                continue  # the next look may succeed; drivers report their own errors

    async def _undone(self, provider: str, newest: date) -> list[date]:
        """The days to compare now, the oldest first: also those that failed while later ones did.

        From the first day on that was ever tried.
        """
        keys = self._settings.reconciliation.key_ids.get(provider, ())
        done, failed = await self._reconciler.days(provider, keys)
        first = min(done | failed, default=newest)
        late = min((newest - first) // DAY + 1, CATCH_UP)
        days = (newest - DAY * back for back in reversed(range(late)))
        return [day for day in days if day not in done]

    async def _try(self, provider: str, day: date) -> None:
        try:
            await self.compare(provider, day)
        except StoreError:
            raise
        except RemitError as exc:  # no key, no report, nothing readable: a fact for the operator
            await self._reconciler.failed(provider, day, exc)
