"""The helpdesk: one agent that triages one support ticket of a shop under its remit.

remit run examples/helpdesk/agent.py:support "Ticket A-001 came in." --tenant aurora
"""

from helpdesk.answer import Triage
from helpdesk.prompts import SUPPORT
from helpdesk.tools import Desk, make_tools
from remit import Agent, Remit
from remit.policy.phase import Phase

MODEL = "anthropic:claude-haiku-4-5-20251001"  # pinned: a run must not change under its feet


def support(  # each is an input of `remit run`
    *,
    shop: str = "shop.db",
    smtp: str = "127.0.0.1:8025",
    archive: str = "post",
    zendesk: str = "http://127.0.0.1:8026",
    delay: str = "5m",
    model: str = MODEL,
    phase: Phase = "autonomous",
) -> Agent[Triage]:
    """The agent for one desk; the session of a run is the ticket.

    shop: the SQLite database. smtp: host and port of the mail server. archive: the Maildirs with
    the desk's own copies. zendesk: where the API lies. delay: how long a mail can be called back
    before it leaves. phase: shadow records what would be written, supervised asks a human before
    each write, autonomous follows the rules.
    """
    tools, hooks = make_tools(Desk(shop, smtp, archive, zendesk, delay))
    return Agent(
        "support",
        model=model,
        instructions=SUPPORT,
        description="Triages support tickets.",
        tools=tools,
        output_type=Triage,
        remit=Remit(
            cost_usd="0.25",  # a ticket costs about two cents
            tool_calls=8,
            turns=12,
            timeout="5m",
            approvers={
                "refund": ["role:finance"],  # and what takes a refund back
                "hook.check_mail": ["role:lead"],
            },
            hooks=hooks,
            approval_timeout="2d",
            settings_rules=True,  # the authority stands in remit.toml
            phase=phase,
            owner="support-oncall@aurora.example",
            systems=["shop", "mail", "zendesk"],
        ),
        max_output_tokens=1024,
    )
