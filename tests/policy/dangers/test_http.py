"""URLs and hosts that are dangerous are known as such, and those that look like them are not.

Nothing here is ever run: these are texts.
"""

import pytest

from remit.policy.dangers.http import http_danger, metadata_danger

DANGEROUS = (
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://localhost/",
    "http://LOCALHOST.:8080/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://0/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://10.0.0.1/",
    "http://172.16.5.4/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://printer.local/",
    "http://db.internal/",
    "http://10.0.0.1.nip.io/",
    "http://evil.localtest.me/",
    "http://kubernetes.default.svc/",
    "http://good.example@127.0.0.1/",
    "http://user:pw@good.example/",
    "http://good.example\\@127.0.0.1/",
    "http://127.0.0.1%2f@good.example/",
    "http:/127.0.0.1",
    "ht\ntp://127.0.0.1/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127\u30020\u30020\u30021/",
    "http://[::1",
    "http://[::1]x/",
    "http:// /",
    "http://a:b/",
    "http://256.1.1.1/",
    "http://1.2.3.4.5/",
    "http://xn--\udc80/",
    "//127.0.0.1/x",
    "\\\\127.0.0.1\\x",
    "file:///etc/passwd",
    "FILE:/etc/passwd",
    "gopher://127.0.0.1:25/",
    "dict://x/",
    "ftp://x/",
    "ldap://x/",
    "javascript:alert(1)",
    "data:text/html,x",
    "169.254.169.254",
    "169.254.169.254/latest",
    "127.0.0.1:8080",
    "localhost:3000/admin",
    "metadata",
    "2130706433",
    "0x7f000001",
    "017700000001",
    "[::1]:80",
    "see http://169.254.169.254/latest for more",
    "http://" + "a" * 300 + ".example/",
    "http://x.example/" + "a" * 9000,
)
HARMLESS = (
    "https://api.example.com/v1",
    "https://example.org:8443/x?y=127.0.0.1",
    "https://example.org/http://x",
    "http://8.8.8.8/",
    "http://[2606:4700:4700::1111]/",
    "https://bücher.example/",
    "wss://stream.example.com/",
    "https://localhost.example.com/",
    "https://my-localhost.com/",
    "https://10.example.com/",
    "hello",
    "hello world",
    "page 2",
    "12",
    "2026",
    "1.5.2",
    "note: see below",
    "see https://docs.example.com for more",
    "a/b/c",
    "C:/x",
    "mailto:ann@example.com",
    "",
    "3fff",
)
METADATA = (
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254:443/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://metadata.google.internal/",
    "http://METADATA.google.internal./",
    "http://100.100.100.200/",
    "169.254.169.254",
    "http://169.254.170.2/v2/credentials",
)
NO_METADATA = (
    "https://api.example.com/v1",
    "http://10.0.0.1/",
    "http://localhost/",
    "http://user@169.254.169.254/",
    "169.254.169.253",
    "about 169.254.169.254",
    "hello",
    "x" * 9000,
)


@pytest.mark.requirement("PERM-1")
def test_the_dangerous_ones_are_told_and_the_others_left_alone() -> None:
    assert [text for text in DANGEROUS if not http_danger(text)] == []
    assert [text for text in HARMLESS if http_danger(text)] == []


@pytest.mark.requirement("PERM-1")
def test_metadata_services_are_known_in_every_notation() -> None:
    assert [text for text in METADATA if not metadata_danger(text)] == []
    assert [text for text in NO_METADATA if metadata_danger(text)] == []
