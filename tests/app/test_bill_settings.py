"""Settings of reconciliation are checked when they are read, and say what is wrong."""

from pathlib import Path

import pytest

from remit.app.bill_settings import read_tolerance
from remit.app.config import read_settings
from remit.errors import ConfigError
from remit.projections.reconcile import EXACT, Tolerance


@pytest.mark.requirement("BIL-2")
def test_a_tolerance_is_read() -> None:
    assert read_tolerance("") == EXACT
    assert read_tolerance("tokens=100, percent=0.5, usd=0.05") == Tolerance(
        tokens=100, ppm=5000, nano=50_000_000
    )
    assert read_tolerance("usd=0") == Tolerance(nano=0)
    assert read_tolerance("percent=100") == Tolerance(ppm=1_000_000)


@pytest.mark.requirement("BIL-2")
@pytest.mark.parametrize(
    "text",
    [
        "tokens",
        "tokens=",
        "tokens=-1",
        "tokens=1.5",
        "percent=101",
        "percent=-1",
        "percent=0.00001",
        "percent=NaN",
        "percent=x",
        "usd=-1",
        "usd=much",
        "money=3",
        "7",
    ],
)
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        read_tolerance(text)


def test_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "remit.toml").write_text(
        """
[reconciliation]
daily = ["anthropic", "google"]
tolerance = "tokens=5"
google_table = "my-project.billing.gcp_billing_export_v1_0123AB_4567CD_89EF01"

[reconciliation.key_ids]
anthropic = ["apikey_1"]
""",
        encoding="utf-8",
    )
    found = read_settings(variables={}, folder=tmp_path).reconciliation
    assert found.daily == ("anthropic", "google")
    assert found.key_ids == {"anthropic": ("apikey_1",)}
    assert found.google_table is not None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('daily = ["somebody"]', "daily"),
        ('tolerance = "lots"', "tolerance 'lots'"),
        ('google_table = "a.b.c` WHERE TRUE; --"', "google_table"),
        ('google_table = "billing"', "google_table"),
        ("weekly = true", r"known keys: .*reconciliation\.\{daily"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "remit.toml").write_text(f"[reconciliation]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_settings(variables={}, folder=tmp_path)
