"""Notices for the tests of their forms."""

from dataclasses import replace

from remit.values.notice import AnswerLinks, Notice

APPROVAL = Notice(
    key="ntc_1",
    kind="approval",
    tenant="acme",
    run="run_1",
    ref="run_1:c1-1",
    agent="clerk",
    tool="refund",
    text='{"to":"<!channel> & ```x```"}',
    user="ann",
    digest="d" * 64,
    needed=2,
    given=("zoe",),
    rule="far",
    reason="it is far",
    expires_ms=1_795_000_000_999,
    person="bob",
    links=AnswerLinks(approve="https://r.example/a?token=1", deny="https://r.example/a?token=2"),
)
QUESTION = Notice(
    key="ntc_2",
    kind="question",
    tenant="acme",
    run="run_1",
    ref="run_1:c1-1:q1",
    agent="clerk",
    tool="pack",
    text="How many?",
    user="ann",
    answer_schema='{"type":"integer"}',
)


def changed(notice: Notice, **fields: object) -> Notice:
    return replace(notice, **fields)  # type: ignore[arg-type]  # fields of a notice
