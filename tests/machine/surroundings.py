"""What a run under any rules is made of: agents, calls, people and the state of the world."""

import os
from dataclasses import replace

from hypothesis import strategies as st

from remit.journal.events import AccountLimit
from remit.machine.agent import Agent, Remit
from remit.machine.spec import InputCount
from tests.machine.bench import MONEY, TOKENS, make_agent
from tests.machine.toolbox import (
    check_stock,
    commit_tree,
    look_up,
    pay_bill,
    read_doc,
    send_mail,
    set_flag,
    write_doc,
    writer,
)

# Enough to meet every rule in every phase; a nightly run raises it.
EXAMPLES = int(os.environ.get("REMIT_EXAMPLES", "200"))
STEPS = 50
LONG = 15
"""Inputs after which a run may also be stopped: before, too little has happened."""
WORLDS = st.sampled_from(["plain"] * 20 + ["stale", "poor", "broke", "last"] + ["crowded"] * 4)
HUMANS = st.sampled_from(["ann", "boss", "carl", "mallory"])
PATHS = st.sampled_from(["a", "b"])
CALLS = st.one_of(
    st.builds(lambda path: ("look_up", f'{{"path":"{path}"}}'), PATHS),
    st.builds(lambda path: ("read_doc", f'{{"path":"{path}"}}'), PATHS),
    st.builds(lambda path: ("write_doc", f'{{"path":"{path}"}}'), PATHS),
    st.sampled_from(
        [
            ("send_mail", '{"to":"x"}'),
            ("set_flag", '{"name":"x"}'),
            ("pay_bill", '{"amount":1.50}'),
            ("pay_bill", '{"amount":1.50}'),
            ("commit_tree", '{"name":"main"}'),
            ("ask_writer", '{"brief":"Write."}'),
            ("check_stock", '{"name":"x"}'),
            ("check_stock", '{"name":7}'),
            ("unheard_of", "{}"),
            ("look_up", '{"path":7}'),
            ("send_mail", "not json"),
        ]
    ),
)
GATED = st.sampled_from([("pay_bill", '{"amount":1.50}'), ("commit_tree", '{"name":"main"}')])
FIRST = st.one_of(st.lists(CALLS, max_size=3), st.lists(GATED, min_size=1, max_size=2))
CHANGED = {
    "pay_bill": '{"amount":"2"}',
    "commit_tree": '{"name":"other"}',
    "write_doc": '{"path":"b","text":"changed"}',
    "send_mail": '{"to":"y"}',
    "set_flag": '{"name":"y"}',
}
PLAIN = Remit(
    turns=8,
    tool_calls=8,
    parallel_calls=3,
    timeout="10m",
    approval_timeout="1h",
    approvals={write_doc: 0, send_mail: 0, set_flag: 0, pay_bill: 1, commit_tree: 2},
    approvers=["ann", "boss", "carl"],
)
REMITS = st.sampled_from(
    [
        PLAIN,
        PLAIN,
        replace(PLAIN, approvals={**PLAIN.approvals, pay_bill: 2, commit_tree: 1}),
        replace(PLAIN, delays={"*": "2s", "pay_bill": "5m"}),
        replace(PLAIN, rates={"*": ("2/second", "9/minute"), "pay_*": "1/hour"}),
        replace(PLAIN, success=bool),
        replace(PLAIN, phase="supervised", parallel_calls=1),
        replace(PLAIN, phase="shadow"),
    ]
)
ACCOUNTS = (
    AccountLimit(account=MONEY, limit=5_000_000),
    AccountLimit(account=TOKENS, limit=50_000),
)


COUNTS: st.SearchStrategy[InputCount] = st.sampled_from(["bound", "when-short", "always"])


def worker(remit: Remit, *, typed: bool, count: InputCount) -> Agent[object]:
    tools = (look_up, read_doc, check_stock, write_doc, send_mail, set_flag, pay_bill, commit_tree)
    return make_agent(
        *tools,
        remit=remit,
        agents=(writer,),
        output_type=int if typed else None,
        input_count=count,
    )
