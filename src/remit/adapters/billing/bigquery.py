"""Reads the Cloud Billing export from BigQuery with Google's own client, one UTC day at a time."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Protocol

from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from typing_extensions import override

from remit.errors import ProviderError
from remit.ports import Billing
from remit.values.statement import DAY, Statement
from remit.wire.failure import excerpt
from remit.wire.node import Node
from remit.wire.usage.google import MAX_ROWS, SERVICES, statement
from remit.wire.usage.report import rfc3339_start

TIMEOUT_S = 300.0  # a scan of a year's export takes some seconds
_MAX_BYTES_BILLED = 100 * 1024**3  # a mistaken table name costs half a dollar at most
# Rows come as JSON texts: amounts keep their digits and never become Python floats.
_QUERY = """
SELECT TO_JSON_STRING(STRUCT(
  service, sku, usage_start_time, export_time, cost, currency, usage, credits
)) AS line
FROM `{table}`
WHERE usage_start_time >= TIMESTAMP(@start) AND usage_start_time < TIMESTAMP(@end)
  AND service.description IN UNNEST(@services)
"""


class _Rows(Protocol):
    def result(self, *, timeout: float, max_results: int) -> Iterable[Mapping[str, str]]: ...


class Client(Protocol):
    """The part of `google.cloud.bigquery.Client` that is used."""

    def query(self, query: str, job_config: bigquery.QueryJobConfig, *, timeout: float) -> _Rows:
        """Start a query."""
        ...


class BillingExport(Billing):
    """The export table of a billing account. Its credentials are those of the environment."""

    def __init__(self, table: str, client: Client | None = None) -> None:
        """`table`: `project.dataset.table`, checked by the settings."""
        self._table = table
        self._client = client

    @override
    async def statement(self, day: date, keys: tuple[str, ...] = ()) -> Statement:
        """What the export says about a UTC day. Raises `ProviderError`; never hangs."""
        if keys:
            raise ProviderError(
                "the billing export names no API keys: leave the key ids out", kind="bad_request"
            )
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await asyncio.to_thread(self._read, day)
        except TimeoutError:
            failure = f"no answer within {TIMEOUT_S:g} s"
        except (GoogleAPIError, GoogleAuthError, OSError) as exc:  # no project is an OSError there
            failure = excerpt(str(exc))
        raise ProviderError(
            f"BigQuery table {self._table}: {failure}; check the table's name and the credentials "
            "of this machine (GOOGLE_APPLICATION_CREDENTIALS, GOOGLE_CLOUD_PROJECT)",
            kind="unknown",
        )

    def _read(self, day: date) -> Statement:
        made = bigquery.Client() if self._client is None else self._client
        config = bigquery.QueryJobConfig(
            query_parameters=[
                bigquery.ScalarQueryParameter("start", "STRING", rfc3339_start(day)),
                bigquery.ScalarQueryParameter("end", "STRING", rfc3339_start(day + DAY)),
                bigquery.ArrayQueryParameter("services", "STRING", list(SERVICES)),
            ],
            maximum_bytes_billed=_MAX_BYTES_BILLED,
        )
        job = made.query(_QUERY.format(table=self._table), config, timeout=TIMEOUT_S)
        rows = job.result(timeout=TIMEOUT_S, max_results=MAX_ROWS + 1)
        return statement(_nodes(rows), day)


def _nodes(rows: Iterable[Mapping[str, str]]) -> Iterator[Node]:
    for number, row in enumerate(rows, 1):
        yield Node.of(row["line"], kind="malformed", about=f"billing export, row {number}: ")
