"""Settings of reconciliation: which providers are compared, how exactly, and whether every day."""

import re
from decimal import Decimal, InvalidOperation
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from remit.errors import ConfigError
from remit.projections.reconcile import PPM, Tolerance
from remit.values.money import usd

Billing = Literal["anthropic", "openai", "google"]
# PROJECT.DATASET.TABLE; a project may have an old organization's domain before a colon.
TABLE = r"^[A-Za-z0-9][A-Za-z0-9.:_-]{0,99}\.[A-Za-z0-9_]{1,200}\.[A-Za-z0-9_]{1,200}$"
_PERCENT = PPM // 100


class ReconciliationConfig(BaseModel):
    """How the ledger is compared with what providers report. No key stands here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    daily: tuple[Billing, ...] = ()
    """Providers whose last closed day is compared once a day by whoever has the app open."""
    tolerance: str = ""
    """As on the command line: `tokens=100,percent=0.5,usd=0.05`."""
    key_ids: dict[str, tuple[str, ...]] = {}
    """By provider: its ids of the API keys that this journal's runs use; none: all of them."""
    google_table: str | None = Field(default=None, pattern=TABLE)
    """The billing export in BigQuery: `project.dataset.gcp_billing_export_v1_…`."""

    @field_validator("tolerance")
    @classmethod
    def _readable(cls, text: str) -> str:
        try:
            read_tolerance(text)
        except ConfigError as exc:
            raise ValueError(str(exc)) from exc
        return text


def read_tolerance(text: str) -> Tolerance:
    """The tolerance of `tokens=100,percent=0.5,usd=0.05`; what is not named keeps its default.

    Raises `ConfigError`.
    """
    found = Tolerance()
    tokens, ppm, nano = found.tokens, found.ppm, found.nano
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = part.partition("=")
        if name == "tokens" and re.fullmatch(r"\d{1,15}", value, re.ASCII):
            tokens = int(value)
        elif name == "percent":
            ppm = _ppm(value)
        elif name == "usd":
            nano = usd(value)
        else:
            raise ConfigError(
                f"tolerance {part!r}: write tokens=NUMBER, percent=NUMBER, usd=AMOUNT, with commas "
                "between them"
            )
    return Tolerance(tokens=tokens, ppm=ppm, nano=nano)


def _ppm(text: str) -> int:
    try:
        exact = Decimal(text) * _PERCENT
    except InvalidOperation:
        exact = Decimal(-1)
    if not (exact.is_finite() and 0 <= exact <= PPM and exact == int(exact)):
        raise ConfigError(
            f"tolerance percent={text}: a number from 0 to 100 with at most 4 decimals"
        )
    return int(exact)
