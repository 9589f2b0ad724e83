"""The billing export is asked through Google's own client, for one day, with bounds."""

import time
from collections.abc import Iterable, Mapping
from datetime import date

import pytest
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from typing_extensions import override

from remit.adapters.billing import bigquery as adapter
from remit.adapters.billing.bigquery import BillingExport
from remit.errors import ProviderError
from remit.values.statement import OUTPUT, TokenLine
from remit.wire.usage.google import SERVICES, encode

DAY = date(2026, 11, 19)
LINE = TokenLine(model="gemini-2.5-flash", token_class=OUTPUT, tokens=7)


class Job:
    def __init__(self, rows: Iterable[Mapping[str, str]]) -> None:
        self.rows = rows

    def result(self, *, timeout: float, max_results: int) -> Iterable[Mapping[str, str]]:
        assert timeout > 0
        assert max_results > 0
        return self.rows


class Client:
    """Stands for `google.cloud.bigquery.Client`; the job's settings are the real ones."""

    def __init__(self, *lines: str, error: Exception | None = None) -> None:
        self.rows = [{"line": line} for line in lines]
        self.error = error
        self.asked: list[tuple[str, bigquery.QueryJobConfig]] = []

    def query(self, query: str, job_config: bigquery.QueryJobConfig, *, timeout: float) -> Job:
        self.asked.append((query, job_config))
        if self.error is not None:
            raise self.error
        return Job(self.rows)


@pytest.mark.requirement("BIL-2")
async def test_one_day_of_the_services_with_models() -> None:
    client = Client(*encode([LINE], [], DAY).splitlines())
    found = await BillingExport("p.d.t", client).statement(DAY)
    assert found.tokens == (LINE,)
    [(query, config)] = client.asked
    assert "FROM `p.d.t`" in query
    sent = config.to_api_repr()["query"]
    values = [each["parameterValue"] for each in sent["queryParameters"]]
    assert values[0] == {"value": "2026-11-19T00:00:00Z"}
    assert values[1] == {"value": "2026-11-20T00:00:00Z"}
    assert [each["value"] for each in values[2]["arrayValues"]] == list(SERVICES)
    assert int(sent["maximumBytesBilled"]) > 0


@pytest.mark.requirement("BIL-2")
async def test_rows_that_make_no_sense_are_named() -> None:
    with pytest.raises(ProviderError, match="billing export, row 1: usage_start_time"):
        await BillingExport("p.d.t", Client("{}")).statement(DAY)


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize("refusal", [GoogleAPIError, GoogleAuthError, OSError])
async def test_what_google_refuses(refusal: type[Exception]) -> None:
    error = refusal("no such table, no credentials here")
    with pytest.raises(ProviderError, match=r"BigQuery table p\.d\.t: .*no .*; check the"):
        await BillingExport("p.d.t", Client(error=error)).statement(DAY)


async def test_keys_cannot_be_told_apart() -> None:
    with pytest.raises(ProviderError, match="names no API keys"):
        await BillingExport("p.d.t", Client()).statement(DAY, ("k",))


async def test_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "TIMEOUT_S", 0.01)

    class Slow(Client):
        @override
        def query(self, query: str, job_config: bigquery.QueryJobConfig, *, timeout: float) -> Job:
            time.sleep(0.2)
            return super().query(query, job_config, timeout=timeout)

    with pytest.raises(ProviderError, match=r"no answer within 0\.01 s"):
        await BillingExport("p.d.t", Slow()).statement(DAY)
