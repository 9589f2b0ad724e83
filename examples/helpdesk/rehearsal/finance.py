"""The people of finance, played by a rule: two look at what is asked, and at the books."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from remit import App
from remit.app.run import PendingApproval, Run

PEOPLE = ("fiona", "frank")
_USUAL = 3  # refunds of one customer after which nobody believes the next claim unseen


@dataclass(frozen=True, slots=True)
class Finance:
    """Who agrees, and to what. They see the books, not the ticket."""

    shop: Path

    async def look(self, app: App, run: Run[object]) -> None:
        """Say yes or no to everything that waits, each in their own name."""
        for pending in run.approvals:
            left = [name for name in PEOPLE if name not in pending.given]
            for person in left[: pending.needed - len(pending.given)]:
                if not self._plausible(run.tenant, pending):
                    comment = "that customer has had enough refunds; have it looked at"
                    await app.deny(pending.id, principal=person, tenant=run.tenant, comment=comment)
                    break
                await app.approve(pending.id, principal=person, tenant=run.tenant)

    def _plausible(self, tenant: str, pending: PendingApproval) -> bool:
        order = cast("dict[str, object]", json.loads(pending.arguments)).get("order")
        with closing(sqlite3.connect(self.shop)) as base:
            (count,) = base.execute(
                "SELECT count(*) FROM refunds r JOIN orders o ON o.tenant = r.tenant"
                " AND o.id = r.order_id WHERE r.tenant = ? AND o.customer ="
                " (SELECT customer FROM orders WHERE tenant = ? AND id = ?)",
                (tenant, tenant, order),
            ).fetchone()
        return int(count) < _USUAL
