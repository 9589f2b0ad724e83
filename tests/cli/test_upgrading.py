"""The notice of a plan is shown in words and in keys that do not change."""

import pytest

from remit.app.upgrade import UpgradeRequired
from remit.cli.upgrading import print_upgrade, upgrade_json

NOTICE = UpgradeRequired(
    plan="free\x1b[31m",
    what="limit",
    account="user:ann|day:2026-11-21|calls",
    unit="calls",
    used=1,
    limit=1,
    needed=1,
    resets_ms=0,
    offer="pro",
    checkout_url="https://pay.example/pro",
)


@pytest.mark.requirement("BIL-3")
def test_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade_json(None) is None
    tree = upgrade_json(NOTICE)
    assert tree is not None
    assert (tree["used"], tree["resets"], tree["name"]) == (1, "1970-01-01T00:00:00.000Z", None)
    print_upgrade(None)
    print_upgrade(NOTICE)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "The plan free allows 1 calls today" in printed.err
