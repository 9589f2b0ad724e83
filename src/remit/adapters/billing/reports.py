"""Fetches a provider's usage and cost reports over HTTP: pages, rate limits, bounded waits."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Protocol, TypedDict
from urllib.parse import urlencode

import aiohttp
from typing_extensions import override

from remit.errors import ProviderError
from remit.ports import Billing
from remit.values.statement import CostLine, Statement, TokenLine
from remit.wire.failure import excerpt
from remit.wire.usage.report import Page, Report, Source, Want

MAX_PAGES = 500  # of up to a thousand rows each: far more models than any organization uses
MAX_BYTES = 32 * 1024**2  # of one page; a thousand rows are below 2 MB
MAX_ERROR_BYTES = 64 * 1024
TRIES = 5  # of one page: a provider that refuses five times has a bad day
# The reports may be asked about once a minute, so a refusal is over after one.
MAX_WAIT_MS = 90_000
FIRST_WAIT_MS = 1_000  # doubled at each try, where the provider names no time
TOTAL_S = 600.0  # for a whole statement, waits included
_OK = 200
_CONNECT_S = 10.0
READ_S = 60.0  # a report of a large organization takes some seconds
_AGAIN = frozenset({"rate_limited", "overloaded", "server", "timeout", "connection"})
# What an organization without the newer reports is answered.
_ABSENT = frozenset({403, 404})


class Key(Protocol):
    """A key that shows itself only when asked; see `remit.adapters.models.key`."""

    def reveal(self) -> str:
        """The key itself."""
        ...

    def scrub(self, text: str) -> str:
        """`text` without the key."""
        ...


class Way(TypedDict, total=False):
    """What aiohttp is told with each question; see `remit.adapters.models.proxy`."""

    proxy: str


class Reports(Billing):
    """Asks a provider about a day. Makes its connections anew each time: it is used once a day."""

    def __init__(
        self,
        sources: Sequence[Source],
        key: Key,
        *,
        base_url: str,
        way: Way | None = None,
    ) -> None:
        """`sources`: the reports in the order they are tried, the newest first.

        `way`: through which proxy; straight on without one.
        """
        self._sources = tuple(sources)
        self._key = key
        self._base = base_url
        self._way: Way = way or {}

    @override
    async def statement(self, day: date, keys: tuple[str, ...] = ()) -> Statement:
        """What the provider reports about a UTC day. Raises `ProviderError`; never hangs."""
        failure: ProviderError
        try:
            async with asyncio.timeout(TOTAL_S):
                return await self._first_that_exists(day, keys)
        except TimeoutError:
            failure = ProviderError(
                f"{self._where()} gave no complete report within {TOTAL_S:g} s", kind="timeout"
            )
        except ProviderError as exc:
            failure = ProviderError(
                self._key.scrub(str(exc)),
                kind=exc.kind,
                status=exc.status,
                retry_after_ms=exc.retry_after_ms,
                request_id=self._key.scrub(exc.request_id),
            )
        raise failure  # out here, or the context would hold the request's headers and the key

    async def _first_that_exists(self, day: date, keys: tuple[str, ...]) -> Statement:
        notes: tuple[str, ...] = ()
        *newer, last = self._sources
        for source in newer:
            try:
                return await self._of(source, day, keys)
            except ProviderError as exc:
                if exc.status not in _ABSENT:
                    raise
                notes += (f"{source.name} is not open to this key ({exc.status})",)
        found = await self._of(last, day, keys)
        return replace(found, notes=notes + found.notes)

    async def _of(self, source: Source, day: date, keys: tuple[str, ...]) -> Statement:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=READ_S)
        async with aiohttp.ClientSession(
            timeout=timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"accept-encoding": "identity", "user-agent": "remit"},
        ) as session:
            want = Want(day=day, keys=keys)
            tokens: list[TokenLine] = []
            costs: list[CostLine] = []
            reached: list[int] = []
            notes: tuple[str, ...] = ()
            for page in await self._pages(session, source, source.tokens, want):
                tokens.extend(page.tokens)
                reached.extend([] if page.refreshed_ms is None else [page.refreshed_ms])
            with_costs = source.costs_by_key or not keys
            if not with_costs:
                notes = (f"{source.name} gives no costs of single API keys: tokens only",)
            else:
                for page in await self._pages(session, source, source.costs, want):
                    costs.extend(page.costs)
                    reached.extend([] if page.refreshed_ms is None else [page.refreshed_ms])
        return Statement(
            provider=source.provider,
            source=source.name,
            day=day,
            tokens=tuple(tokens),
            costs=tuple(costs) if with_costs else None,
            refreshed_ms=min(reached, default=None),
            notes=notes,
        )

    async def _pages(
        self, session: aiohttp.ClientSession, source: Source, report: Report, want: Want
    ) -> list[Page]:
        pages: list[Page] = []
        asked = {""}
        while True:
            page = await self._page(session, source, report, want)
            pages.append(page)
            if not page.next_page:
                return pages
            if page.next_page in asked or len(pages) >= MAX_PAGES:
                raise ProviderError(
                    f"{self._where()}: {report.path} names page {page.next_page[:80]!r} again, or "
                    f"has more than {MAX_PAGES}",
                    kind="malformed",
                )
            asked.add(page.next_page)
            want = replace(want, page=page.next_page)

    async def _page(
        self, session: aiohttp.ClientSession, source: Source, report: Report, want: Want
    ) -> Page:
        """One page; refusals that pass are waited for."""
        wait_ms = FIRST_WAIT_MS
        for tries_left in reversed(range(TRIES)):
            try:
                return report.decode(await self._ask(session, source, report, want), want)
            except ProviderError as exc:
                if exc.kind not in _AGAIN or not tries_left:
                    raise
                asked_ms = exc.retry_after_ms
            if asked_ms is not None and asked_ms > MAX_WAIT_MS:
                raise ProviderError(
                    f"{self._where()} wants {asked_ms // 1000} s of patience; ask again then",
                    kind="rate_limited",
                    retry_after_ms=asked_ms,
                )
            await asyncio.sleep((wait_ms if asked_ms is None else asked_ms) / 1000)
            wait_ms *= 2
        raise ProviderError(f"{self._where()} refused {TRIES} times", kind="rate_limited")

    async def _ask(
        self, session: aiohttp.ClientSession, source: Source, report: Report, want: Want
    ) -> bytes:
        url = f"{self._base}{report.path}?{urlencode(report.ask(want))}"
        failure: ProviderError
        try:
            async with session.get(
                url,
                headers=source.headers(self._key.reveal()),
                allow_redirects=False,
                **self._way,
            ) as response:
                body = await _bounded(response)
                if response.status == _OK:
                    return body
                headers = {name.lower(): value for name, value in response.headers.items()}
                now_ms = time.time_ns() // 1_000_000
                raise source.decode_error(response.status, headers, body, now_ms)
        except TimeoutError:  # before the other: aiohttp's timeouts are both
            failure = ProviderError(
                f"{self._where()} sent nothing for {READ_S:g} s", kind="timeout"
            )
        except aiohttp.ClientError as exc:
            told = exc.strerror if isinstance(exc, aiohttp.ClientOSError) else None
            what = excerpt(told or type(exc).__name__)
            failure = ProviderError(
                f"{self._where()} cannot be asked ({what}); check the base URL and the network",
                kind="connection",
            )
        raise failure

    def _where(self) -> str:
        return f"{self._sources[0].provider} at {self._base}"


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The whole body of an answer, the beginning of an error's."""
    limit = MAX_BYTES if response.status == _OK else MAX_ERROR_BYTES
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            if response.status != _OK:
                return bytes(body[:limit])
            raise ProviderError(f"a report of more than {limit} bytes", kind="malformed")
    return bytes(body)
