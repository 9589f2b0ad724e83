"""Whose budget is meant, from what somebody typed."""

import pytest

from remit.app.holders import holder_named, settable
from remit.errors import ConfigError, NotAllowed, UsageError


@pytest.mark.parametrize(
    ("text", "holder"),
    [
        ("user:ann", "user:ann"),
        ("user:*", "user:*"),
        ("tenant", "tenant:acme"),
        ("tenant:acme", "tenant:acme"),
        ("global", "global:all"),
        ("global:all", "global:all"),
        ("label:red", "label:red"),
        ("run:run_1", "run:run_1"),
    ],
)
def test_holders_by_the_names_people_use(text: str, holder: str) -> None:
    assert holder_named("acme", text) == holder


@pytest.mark.requirement("TEN-1")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ann", UsageError),
        ("", UsageError),
        ("user", UsageError),
        ("user:", UsageError),
        ("user:a/b", ConfigError),
        ("tenant:globex", UsageError),
        ("tenant:*", UsageError),
        ("global:some", UsageError),
    ],
)
def test_what_names_nobody(text: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        holder_named("acme", text)


def test_whose_limits_nobody_sets() -> None:
    assert settable("acme", "session:s1") == "session:s1"
    assert settable("*", "global") == "global:all"
    for text, kind in (("run:run_1", NotAllowed), ("label:*", UsageError)):
        with pytest.raises(kind):
            settable("acme", text)
    with pytest.raises(UsageError, match="name a tenant"):
        settable("*", "user:ann")
