"""Keys of notices tell channel, tenant, request and person apart, and are ids of webhooks."""

import re

from remit.values.notice import MAX_TEXT, Notice, notice_key


def test_a_key_is_the_same_each_time_and_another_for_each() -> None:
    names = [
        ("hook", "acme", "run_1:c1", "ann"),
        ("slack", "acme", "run_1:c1", "ann"),
        ("hook", "globex", "run_1:c1", "ann"),
        ("hook", "acme", "run_1:c2", "ann"),
        ("hook", "acme", "run_1:c1", "bob"),
        ("hook", "acmerun_1:c1", "", "ann"),
    ]
    keys = [notice_key(*each) for each in names]
    assert len(set(keys)) == len(names)
    assert keys[0] == notice_key(*names[0])
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,128}", key) for key in keys)


def test_what_is_shown_is_bounded() -> None:
    notice = Notice(
        key="k",
        kind="question",
        tenant="t",
        run="r",
        ref="q",
        agent="clerk",
        tool="pack",
        text="x" * MAX_TEXT,
        user="ann",
    )
    assert notice.shown == notice.text
    assert notice.title == "clerk asks a question (pack)"
