"""Hosts in every notation, and what of them is private."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.policy.address import Hosts, address_of, carried, host_of, is_private, scheme_of


def notations(address: IPv4Address) -> list[str]:
    number = int(address)
    a, b, c, d = address.packed
    return [
        str(address),
        str(number),
        hex(number),
        f"0{number:o}",
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"0x{a:x}.0{b:o}.{c}.0x{d:X}",
        f"[::ffff:{address}]",
        f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}",
        f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
        f"{address}.",
    ]


@pytest.mark.requirement("PERM-1")
@given(address=st.ip_addresses(v=4))
def test_an_address_is_as_private_in_every_notation(address: IPv4Address) -> None:
    assert {is_private(each) for each in notations(address)} == {is_private(address)}


@pytest.mark.requirement("PERM-1")
@given(address=st.ip_addresses())
def test_nothing_that_the_registries_call_private_is_open(
    address: IPv4Address | IPv6Address,
) -> None:
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        mapped = carried(address)
        assert is_private(str(address)) or (mapped is not None and not mapped.is_private)


@pytest.mark.parametrize(
    "public",
    ["8.8.8.8", "2606:4700:4700::1111", "example.com", "bücher.example", "a-b.example.org."],
)
def test_the_open_internet_is_not_private(public: str) -> None:
    assert not is_private(public)


def test_what_is_odd_counts_as_private() -> None:
    odd = "|a b|a..b|1.2.3.4.5|0x|256.1|09.1.1.1.1|\u2024\udc80.x|::x|localhost|x.local|a.svc"
    odd += "|1.2.3.999|168.63.129.16|3fff::1|::"
    assert [each for each in (*odd.split("|"), "x" * 300, "1" * 5000) if not is_private(each)] == []


def test_octal_and_decimal_after_a_leading_zero() -> None:
    assert address_of("010.1") == ip_address("8.0.0.1")
    assert address_of("08.1") == ip_address("8.0.0.1")
    assert address_of("1.2.3.256") is None
    assert address_of("300.1") is None
    assert address_of("1x.2") is None
    assert address_of("fe80::1%eth0") == ip_address("fe80::1")
    assert carried(ip_address("8.8.8.8")) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Example.COM:443/x?a=b#c", "example.com"),
        ("//example.com/x", "example.com"),
        ("example.com:80", "example.com"),
        ("http://[::1]:80/", "::1"),
        ("http://[::1]x", None),
        ("http://[::1", None),
        ("http://a@b/", None),
        ("http://a\\b/", None),
        ("http://a%41/", None),
        ("http://a b/", None),
        ("http://a:x/", None),
        ("http://a:²/", None),
        ("http:///x", None),
        ("http://BÜCHER.example/", "xn--bcher-kva.example"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://fa\u00df.example/", None),
        ("http://a\u200db.example/", None),
        ("http://" + "ü" * 70 + ".example/", None),
        ("http://a:80:80/", None),
        ("http://[a:b]/", None),
        ("::1", "::1"),
        ("1a://x", None),
        ("http:a", None),
        ("http://a\x7fb/", None),
        ("ht\ttp://a\n.example", "a.example"),
    ],
)
def test_the_host_that_a_url_names(url: str, host: str | None) -> None:
    assert host_of(url) == host


def test_schemes() -> None:
    assert [scheme_of(each) for each in ("HTTPS://x", " a+b:c", "x", "1:2")] == [
        "https",
        "a+b",
        "",
        "",
    ]


def test_wanted_hosts_by_name_address_and_ending() -> None:
    hosts = Hosts(["Good.example", "127.0.0.1", "*.api.example"])
    assert "good.example" in hosts
    assert "127.1" in hosts
    assert "v1.api.example" in hosts
    assert "api.example" not in hosts
    assert "8.8.8.8" not in hosts
    assert "x.example" not in Hosts(["y.example"])


@pytest.mark.parametrize("wanted", ["bücher.example", "XN--bcher-kva.example", "*.bücher.example"])
def test_a_name_is_the_same_in_both_its_notations(wanted: str) -> None:
    hosts = Hosts([wanted])
    start = "a." if wanted.startswith("*") else ""
    for url in (f"https://{start}bücher.example/x", f"{start}xn--bcher-kva.example:443"):
        host = host_of(url)
        assert host is not None
        assert host in hosts


def test_an_address_is_the_same_in_both_its_versions() -> None:
    assert "::ffff:10.0.0.1" in Hosts(["10.0.0.1"])
    assert "10.0.0.1" in Hosts(["::ffff:a00:1"])
    assert "::a00:1" not in Hosts(["10.0.0.1"])
