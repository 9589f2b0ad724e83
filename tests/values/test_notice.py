"""Keys of notices tell channel, tenant, request and person apart, and are ids of webhooks."""

import re
from dataclasses import replace

from remit.values.clean import Clean
from remit.values.notice import MAX_PREVIEW, MAX_TEXT, Notice, notice_key
from remit.values.preview import Previewed


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


def previewing(*lines: str, more: int = 0) -> Notice:
    preview = Previewed(text=Clean.vouch("\n".join(lines)), lines=len(lines) + more)
    return Notice(
        key="k",
        kind="approval",
        tenant="t",
        run="r",
        ref="a",
        agent="clerk",
        tool="pack",
        text="{}",
        user="ann",
        preview=preview,
    )


def test_what_a_call_would_do_is_carried_in_whole_lines_and_the_rest_is_named() -> None:
    whole = previewing("@ box", "+paper")
    assert (whole.would_do, whole.unshown) == ("@ box\n+paper", "")
    line = "+" + "x" * (MAX_PREVIEW // 2 - 1)
    cut = previewing(line, line, more=3)
    assert cut.would_do == line
    assert cut.unshown.startswith("not all of it is here (4 more lines)")
    assert previewing("+" + "x" * MAX_PREVIEW).would_do == ""


def test_a_call_without_a_preview_says_nothing_of_one() -> None:
    told = replace(previewing("@ box"), preview=None)
    assert (told.would_do, told.unshown) == ("", "")
