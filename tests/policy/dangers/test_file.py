"""Paths that are dangerous are known as such, and those that look like them are not.

Nothing here is ever run: these are texts.
"""

import pytest

from remit.policy.dangers.file import file_danger

DANGEROUS = (
    "/etc/shadow",
    "/etc/passwd",
    "../../etc/shadow",
    "..",
    "docs/../../secret",
    "%2e%2e/%2e%2e/etc/shadow",
    "%252e%252e/x",
    "/etc//shadow",
    "/etc/./shadow",
    "/ETC/Shadow",
    "file:///etc/shadow",
    "file://localhost/etc/shadow",
    "..\\..\\windows",
    "/etc/sudoers.d/x",
    ".env",
    "app/.env.production",
    "config/.ENV",
    "~/.ssh/id_rsa",
    "/mnt/ann/.ssh/config",
    "keys/server.key",
    "cert.pem",
    "store.p12",
    "id_ed25519",
    "~/.aws/credentials",
    "~/.kube/config",
    "~/.docker/config.json",
    ".netrc",
    ".git-credentials",
    ".npmrc",
    ".git/config",
    ".git/hooks/pre-commit",
    "sub/.git/hooks/post-checkout",
    "~/.gitconfig",
    "/proc/self/environ",
    "/proc/1/mem",
    "/proc/self/root/etc/x",
    "/proc/self/fd/3",
    "/dev/sda",
    "/dev/mem",
    "/var/run/docker.sock",
    "/run/secrets/token",
    "/root",
    "/etc/cron.d/x",
    "~/.bash_history",
    "terraform.tfstate",
    "a\0b",
    "x/" * 3000,
)
HARMLESS = (
    "README.md",
    "src/main.py",
    "/srv/data/report.csv",
    "docs/../README.md",
    "a/./b//c",
    ".env.example",
    ".env.sample",
    "environment.md",
    "docs/env.md",
    "keyboard.py",
    "monkey.txt",
    "id_rsa.pub",
    "config.json",
    ".gitignore",
    ".github/workflows/ci.yml",
    "etc/hosts.md",
    "my.env.txt",
    "/etc/hostname",
    "/srv/x",
    "shadow.css",
    "passwd.md",
    "proc/notes",
    "..data/x",
    "100%/x",
)


@pytest.mark.requirement("PERM-1")
def test_the_dangerous_ones_are_told_and_the_others_left_alone() -> None:
    assert [text for text in DANGEROUS if not file_danger(text)] == []
    assert [text for text in HARMLESS if file_danger(text)] == []


@pytest.mark.parametrize(
    "path", ["/proc/self/cwd/../../etc/passwd", "/proc/1/root/srv/../../x", "/dev/fd/3/../x"]
)
def test_steps_up_from_where_a_process_stands(path: str) -> None:
    assert file_danger(path) == "it climbs from where a process stands"


def test_links_of_a_process_are_no_danger_by_themselves() -> None:
    assert file_danger("/dev/stdin") is None
