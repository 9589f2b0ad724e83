"""What may be connected to: declared hosts and ports, and no address of anybody's inside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.errors import SpecError
from remit.policy.reach import MAX_HOSTS, Reachable, checked_host, refusal

pytestmark = pytest.mark.requirement("TOOL-5", "TOOL-17")


@pytest.mark.parametrize(
    ("host", "port", "declared"),
    [
        ("api.example.com", 443, "api.example.com"),
        ("api.example.com", 8443, "API.example.com.:8443"),
        ("deep.api.example.com", 443, "*.example.com"),
        ("192.0.43.7", 443, "192.0.43.7"),
        ("2606:4700::1", 443, "[2606:4700::1]"),
        ("2606:4700::1", 8443, "[2606:4700::1]:8443"),
    ],
)
def test_what_is_declared_may_be_reached(host: str, port: int, declared: str) -> None:
    assert Reachable((declared,), private=False).refusal(host, port) is None


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("api.example.com", 80),
        ("api.example.com", 8443),
        ("example.com", 443),
        ("evilapi.example.com", 443),
        ("api.example.com.evil.net", 443),
        ("192.0.43.7", 443),
        ("", 443),
    ],
)
def test_nothing_else_may(host: str, port: int) -> None:
    assert Reachable(("api.example.com",), private=False).refusal(host, port)
    assert Reachable((), private=True).refusal(host, port) == "it is not declared"


def test_the_name_itself_is_not_beneath_it() -> None:
    assert Reachable(("*.example.com",), private=False).refusal("example.com", 443)


@pytest.mark.parametrize(
    "declared",
    [
        "",
        "*",
        "*.com",
        "https://example.com",
        "example.com/path",
        "user@example.com",
        "example.com:0",
        "example.com:65536",
        "example.com:x",
        "exa mple.com",
        "a.*.example.com",
        "10.0.0.1",
        "localhost",
        "169.254.169.254",
        "metadata.google.internal",
    ],
)
def test_what_is_no_public_host_is_refused(declared: str) -> None:
    with pytest.raises(SpecError, match="hosts: "):
        Reachable((declared,), private=False)


def test_private_hosts_must_be_said_and_metadata_never() -> None:
    assert Reachable(("10.0.0.1:8080",), private=True).refusal("10.0.0.1", 8080) is None
    with pytest.raises(SpecError, match="tells machines their secrets"):
        Reachable(("169.254.169.254:80",), private=True)


def test_an_address_is_looked_at_too() -> None:
    reachable = Reachable(("api.example.com",), private=False)
    assert reachable.refusal_of_address("192.0.43.7") is None
    for inside in ("127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "169.254.169.254"):
        assert reachable.refusal_of_address(inside)


def test_a_list_that_nobody_reads_is_refused() -> None:
    names = tuple(f"h{number}.example.com" for number in range(MAX_HOSTS + 1))
    with pytest.raises(SpecError, match="a list to review"):
        Reachable(names, private=False)


@given(st.lists(st.sampled_from(["a.example.com", "*.example.org", "b.example.net:8443"])))
def test_declaring_more_never_allows_less(more: list[str]) -> None:
    few = Reachable(("a.example.com",), private=False)
    many = Reachable(("a.example.com", *more), private=False)
    for host, port in (("a.example.com", 443), ("x.example.org", 443), ("b.example.net", 8443)):
        assert few.refusal(host, port) is not None or many.refusal(host, port) is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://example.com", "plain http"),
        ("https://10.0.0.1/x", "private network"),
        ("https://169.254.169.254", "tells machines"),
        ("https://user:pw@example.com", "names a host"),
        ("https://example.com/?a=b", "query"),
        ("https://example.com/#a", "fragment"),
        ("ftp://example.com", "https://"),
        ("example.com", "https://"),
    ],
)
def test_an_address_of_a_tool(url: str, says: str) -> None:
    with pytest.raises(SpecError, match=says) as caught:
        checked_host("url", url, private=False)
    assert "pw" not in str(caught.value)


def test_a_good_address_has_a_host() -> None:
    assert checked_host("url", "https://Example.com/v1", private=False) == "example.com"
    assert checked_host("url", "https://example.com/?a=b", private=False, query=True)
    assert checked_host("url", "http://10.0.0.1/", private=True) == "10.0.0.1"
    assert refusal("example.com", private=False) is None
