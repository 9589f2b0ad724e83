"""The simulated usage and cost reports: what was really answered, told as the providers tell it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from remit.app.load import make_prices
from remit.errors import ProviderError
from remit.ports import Prices
from remit.simulator.distortion import Distortion, distorted, refusal, spoiled
from remit.simulator.usage_ledger import UsageLedger, cost_lines, token_lines
from remit.values.statement import CostLine, TokenLine
from remit.wire.usage.google import PROVIDER, encode
from remit.wire.usage.report import Page, Report, Source, Want, read_day
from remit.wire.usage.sources import SOURCES

EXPORT = "/_simulator/billing-export/{day}"
"""Google has no report to ask for: its billing export as a file of JSON lines."""


def _packaged() -> Prices:
    return make_prices(None)


@dataclass(slots=True)
class UsageDesk:
    """Answers questions about usage and cost."""

    distortions: Sequence[Distortion] = ()
    ledger: UsageLedger = field(default_factory=lambda: UsageLedger(_packaged))
    _seen: dict[str, int] = field(default_factory=dict)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Serve every report that is known, and the billing export."""
        for sources in SOURCES.values():
            for source in sources:
                for report in (source.tokens, source.costs):
                    self._add(router, source, report)
        router.add_get(EXPORT, self._export)

    def _add(self, router: web.UrlDispatcher, source: Source, report: Report) -> None:
        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                body = self._answer(source, report, request)
            except ProviderError as exc:
                failure = source.encode_error(exc)
                return web.Response(
                    status=failure.status, headers=failure.headers, body=failure.body
                )
            return web.Response(body=body, content_type="application/json")

        router.add_get(report.path, serve)

    def _answer(self, source: Source, report: Report, request: web.Request) -> bytes:
        _check_key(request)
        seen = self._seen.get(report.path, 0)
        self._seen[report.path] = seen + 1
        active = [one for one in self.distortions if one.applies(report.path, seen)]
        refused = refusal(active)
        if refused is not None:
            raise refused
        want = report.want(tuple(request.query.items()))
        page = self._page(source, report, want, active)
        return spoiled(report.encode(page, want), active)

    def _page(
        self, source: Source, report: Report, want: Want, active: Sequence[Distortion]
    ) -> Page:
        told = distorted(self.ledger.models(source.provider, want.day), active)
        names = list(told)
        following = ""
        if any(one.kind == "pages" for one in active):  # one model a page
            place = names.index(want.page) if want.page in names else 0
            following = names[place + 1] if place + 1 < len(names) else ""
            names = names[place : place + 1]
        now_ms = time.time_ns() // 1_000_000
        tokens: list[TokenLine] = []
        costs: list[CostLine] = []
        for name in names:
            if report is source.tokens:
                tokens.extend(token_lines(name, told[name]))
            else:
                costs.extend(cost_lines(name, told[name]))
        return Page(
            tokens=tuple(tokens), costs=tuple(costs), next_page=following, refreshed_ms=now_ms
        )

    async def _export(self, request: web.Request) -> web.StreamResponse:
        day = read_day(f"{request.match_info['day']}T00:00:00Z")
        if day is None:
            return web.Response(status=400, text="the day is written as 2026-11-19")
        tokens: list[TokenLine] = []
        costs: list[CostLine] = []
        active = [one for one in self.distortions if one.applies(EXPORT, 0)]
        for name, row in distorted(self.ledger.models(PROVIDER, day), active).items():
            tokens.extend(token_lines(name, row))
            costs.extend(cost_lines(name, row))
        return web.Response(text=encode(tokens, costs, day), content_type="application/jsonl")


def _check_key(request: web.Request) -> None:
    given = request.headers.get("x-api-key") or request.headers.get("authorization")
    if not given:
        raise ProviderError("x-api-key header is required", kind="auth")
