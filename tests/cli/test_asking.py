"""What a run waits for is told to whoever can answer; the terminal itself is shown in test_run."""

from typing import cast

import pytest

from remit.cli.asking import as_json, at_terminal
from remit.cli.journal import short
from tests.cli.terminal import Remit


def test_text_becomes_json_and_json_stays() -> None:
    assert as_json("3") == "3"
    assert as_json('{"a": 1}') == '{"a": 1}'
    assert as_json("yes, please") == '"yes, please"'
    assert as_json("") == '""'


def test_a_pipe_is_no_terminal() -> None:
    assert not at_terminal()


@pytest.mark.requirement("APR-2")
def test_every_question_is_told_with_the_words_that_answer_it(shop_file: object) -> None:
    result = Remit()("run", f"{shop_file}:clerk", "gift", "--detach")
    assert "wrap_gift asks: How many sheets?" in result.stderr
    (question,) = cast("list[dict[str, str]]", Remit().tree("questions")["questions"])
    assert f"remit answer {short(question['id'])} JSON" in result.stderr
    doubt = Remit()("run", f"{shop_file}:clerk", "ship", "--detach")
    assert "nobody knows whether this happened" in doubt.stderr
    assert "c1-1 --happened   or   --not-happened" in doubt.stderr


@pytest.mark.requirement("APR-2", "PERM-7")
def test_what_a_call_would_do_is_told_where_it_is_asked(shop_file: object) -> None:
    result = Remit()("run", f"{shop_file}:clerk", "refund 17", "--detach")
    lines = result.stderr.split("\n")
    place = lines.index("  what it would do (+1 -1):")
    assert lines[place + 1 : place + 5] == [
        "  │@ order 17",
        "  │@ @@ -1 +1 @@",
        "  │- paid: 12.50",
        '  │+ paid: "0.00 \\u001b[2J"',
    ]
    assert "remit approve " in lines[place + 5]
