"""`remit switch` turns things off and on for every process that uses the journal."""

import asyncio
from pathlib import Path

import pytest

from remit.cli.person import principal
from remit.cli.switch import instant
from remit.errors import UsageError
from tests.cli.shop import clerk, shop
from tests.cli.terminal import Remit

_LOOKS = 200  # far more than the second that a switch may take
NOW_MS = 1_700_000_000_000


@pytest.mark.requirement("OPS-1", "TEN-3")
def test_off_list_on(remit: Remit) -> None:
    assert remit.good("switch", "list") == "nothing is switched off\n"
    text = remit.good("switch", "off", "tenant:acme/agent:clerk", "--reason", "it is broken")
    assert text == f"tenant:acme/agent:clerk is off, by {principal()}\n"
    made = remit.tree("switch", "off", "tool:refund_order", "--reason", "x", "--until", "2h")
    assert made["until"] is not None
    rows = remit.rows("switch", "list")
    assert [row["target"] for row in rows] == ["tenant:acme/agent:clerk", "tool:refund_order"]
    assert (rows[0]["reason"], rows[0]["principal"]) == ("it is broken", principal())
    text = remit.good("switch", "list")
    assert "it is broken" in text
    assert remit.good("switch", "on", "tool:refund_order") == "tool:refund_order is on\n"
    again = remit.tree("switch", "on", "tool:refund_order")
    assert again == {"target": "tool:refund_order", "was_off": False}
    assert remit.good("switch", "on", "all") == "all was not off\n"


@pytest.mark.requirement("OPS-1", "TEN-3")
async def test_a_running_process_follows(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    url = ("--db", f"sqlite:///{path}")
    words = ("switch", "off", "tenant:local/agent:clerk", "--reason", "broken")
    async with shop(path) as app:
        assert (await app.run(clerk, "look")).status == "completed"
        assert (await Remit().elsewhere(*words, *url)).exit_code == 0
        reasons = set()
        for _ in range(_LOOKS):
            reasons.add((await app.run(clerk, "look")).reason)
            if "switched-off" in reasons:
                break
            await asyncio.sleep(0.05)
        assert "switched-off" in reasons
        elsewhere = await app.run(clerk, "look", tenant="acme")
        assert elsewhere.status == "completed"


def test_what_cannot_be_switched(remit: Remit) -> None:
    result = remit("switch", "off", "everything", "--reason", "x")
    assert result.exit_code == 1
    assert "'everything' cannot be switched" in result.stderr
    assert remit("switch", "off", "all").exit_code == 2, "it needs a reason"
    assert remit("switch").exit_code == 2


def test_until_when() -> None:
    assert instant("90s", NOW_MS) == NOW_MS + 90_000
    assert instant("2033-05-18T03:33:20Z", NOW_MS) == 2_000_000_000_000
    assert instant("2033-05-18T05:33:20+02:00", NOW_MS) == 2_000_000_000_000
    for text, what in (
        ("soon", "a duration such as 2h"),
        ("2033-05-18T03:33:20", "has no zone"),
        ("2001-01-01T00:00:00Z", "is past"),
    ):
        with pytest.raises(UsageError, match=what):
            instant(text, NOW_MS)


def test_a_switch_that_is_over_says_so(remit: Remit, monkeypatch: pytest.MonkeyPatch) -> None:
    remit.good("switch", "off", "all", "--reason", "x", "--until", "1ms")
    assert "(over)" in remit.good("switch", "list")
