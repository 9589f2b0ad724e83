"""Metadata services are known in every notation, and nothing else is taken for one."""

import pytest

from remit.policy.metadata_host import is_metadata


@pytest.mark.requirement("TOOL-5")
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "::ffff:169.254.169.254",
        "[::ffff:a9fe:a9fe]",
        "2002:a9fe:a9fe::1",
        "64:ff9b::a9fe:a9fe",
        "fd00:ec2::254",
        "fe80::1",
        "100.100.100.200",
        "168.63.129.16",
        "metadata.google.internal",
        "metadata",
    ],
)
def test_they_are_known(host: str) -> None:
    assert is_metadata(host)


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "127.0.0.1", "::1", "8.8.8.8", "2606:4700::1", "fd12::1", "crm.example.com"],
)
def test_nothing_else_is(host: str) -> None:
    assert not is_metadata(host)
