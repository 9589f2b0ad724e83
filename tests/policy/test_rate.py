"""Rates are a number of calls in a window, for each tool, tenant and user, or for some together."""

import pytest
from pydantic import ValidationError

from remit.policy.rate import Rate, RateLimit, drawn, rate_of

TEN = Rate(rate="10/minute")


def of(*rates: Rate, tool: str = "send_mail", server: str = "", user: str = "ann") -> list[str]:
    """The accounts and limits of one list."""
    found = drawn([rates], tool=tool, server=server, tenant="acme", user=user)
    return [f"{each.account} {each.limit}" for each in found]


@pytest.mark.requirement("TOOL-15")
def test_a_rate_is_a_number_of_calls_in_a_window() -> None:
    assert (TEN.calls, TEN.every) == (10, "minute")
    assert rate_of("2/second") == Rate(rate="2/second")
    assert rate_of(TEN) is TEN
    for wrong in ("0/minute", "10", "10/week", "10 / minute", "-1/day", "1.5/hour", "12345678/day"):
        with pytest.raises(ValidationError, match="is not a rate such as"):
            Rate(rate=wrong)


@pytest.mark.requirement("TOOL-15", "TEN-1")
def test_what_has_the_rate_for_itself_is_in_the_name_of_its_account() -> None:
    def account(*per: str, tool: str = "*") -> list[str]:
        return of(Rate.model_validate({"rate": "5/hour", "per": per, "tool": tool}))

    assert account("tool", "tenant", "user") == ["rate:send_mail,ann|hour|calls 5"]
    assert account("tool", "tenant") == ["rate:send_mail|hour|calls 5"]
    assert account("tool") == ["global-rate:send_mail|hour|calls 5"]
    assert account("tenant", tool="send_*") == ["rate:send_*|hour|calls 5"]
    assert account("tenant", "user", tool="send_*") == ["rate:send_*,ann|hour|calls 5"]
    assert account(tool="send_*") == ["global-rate:send_*|hour|calls 5"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"per": ("tool", "user")}, "per 'user' needs 'tenant'"),
        ({"per": ("tool", "tool")}, "names a part twice"),
        ({"per": ("tool",), "tenant": "acme"}, "tenant='acme' has the rate for itself"),
        ({"per": ("tool", "tenant"), "user": "ann"}, "user='ann' has the rate for itself"),
        ({"tenant": "a|b"}, "tenant 'a|b': use 1 to 128"),
        ({"tool": "a|b"}, "String should match pattern"),
        ({"when": "later"}, "Input should be 'wait' or 'refuse'"),
        ({"rates": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_rate_that_makes_no_sense_is_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message.replace("|", r"\|")):
        Rate.model_validate({"rate": "5/hour", **fields})


@pytest.mark.requirement("TOOL-15")
def test_a_rate_covers_tools_by_glob_and_only_those_it_is_for() -> None:
    assert of(Rate(rate="5/hour", tool="send_*")) != []
    assert of(Rate(rate="5/hour", tool="read_*")) == []
    assert of(Rate(rate="5/hour", tool="crm/*")) == []
    assert of(Rate(rate="5/hour", tool="crm/*"), server="crm") != []
    assert of(Rate(rate="5/hour", tenant="beta")) == []
    assert of(Rate(rate="5/hour", user="bob")) == []
    assert of(Rate(rate="5/hour", tenant="acme", user="ann")) != []


@pytest.mark.requirement("TOOL-15")
def test_in_one_list_the_special_rate_counts_and_of_equals_the_strictest() -> None:
    each, acme = Rate(rate="5/hour"), Rate(rate="50/hour", tenant="acme")
    ann = Rate(rate="500/hour", tenant="acme", user="ann")
    for rates in ((each, acme), (acme, each)):
        assert of(*rates) == ["rate:send_mail,ann|hour|calls 50"]
    assert of(each, ann, acme) == ["rate:send_mail,ann|hour|calls 500"]
    for rates in ((each, Rate(rate="4/hour")), (Rate(rate="4/hour"), each)):
        assert of(*rates) == ["rate:send_mail,ann|hour|calls 4"]


@pytest.mark.requirement("TOOL-15")
def test_of_what_several_lists_say_the_strictest_counts_and_windows_are_combined() -> None:
    lists = [
        (Rate(rate="2/second"), Rate(rate="30/minute", when="refuse")),
        (Rate(rate="20/minute"),),
        (Rate(rate="99/minute", tenant="acme"),),
    ]
    found = drawn(lists, tool="send_mail", server="", tenant="acme", user="ann")
    assert found == (
        RateLimit(account="rate:send_mail,ann|second|calls", limit=2, when="wait", rate="2/second"),
        RateLimit(
            account="rate:send_mail,ann|minute|calls", limit=20, when="wait", rate="20/minute"
        ),
    )
