"""The command `remit`: a table of commands, each imported when it is called."""

import click

from remit.cli.group import Entry, LazyGroup
from remit.cli.importing import import_named
from remit.cli.options import shared_options

_HELP = """Run agents under their remit, and read the journal that proves it.

Exit status: 0 good, 1 the answer is no, 2 wrongly called, 3 something outside failed.
"""


COMMANDS = {
    "demo": Entry("remit.cli.demo:demo", "Watch a coding agent work; needs no key."),
    "run": Entry("remit.cli.run:run", "Run an agent on a task."),
    "resume": Entry("remit.cli.run:resume", "Take a run up again."),
    "undo": Entry("remit.cli.undo:undo", "Take back what an ended run did."),
    "runs": Entry("remit.cli.runs:runs", "List runs, newest first."),
    "show": Entry("remit.cli.show:show", "Show the decision tree of a run."),
    "replay": Entry("remit.cli.replay:replay", "Replay a run from the journal, step by step."),
    "verify": Entry("remit.cli.verify:verify", "Check that the journal is what was written."),
    "approvals": Entry("remit.cli.approvals:approvals", "List calls that wait for a human."),
    "approve": Entry("remit.cli.approvals:approve", "Agree to a call."),
    "deny": Entry("remit.cli.approvals:deny", "Refuse a call."),
    "questions": Entry("remit.cli.people:questions", "List questions that wait for an answer."),
    "answer": Entry("remit.cli.people:answer", "Answer a question with JSON."),
    "resolve": Entry("remit.cli.people:resolve", "Say whether a call in doubt happened."),
    "recall": Entry("remit.cli.recall:recall", "Call back a delayed call before it leaves."),
    "cancel": Entry("remit.cli.people:cancel", "Ask that a run end."),
    "reconcile": Entry("remit.cli.reconcile:reconcile", "Compare the ledger with the bill."),
    "switch": Entry("remit.cli.switch:switch", "Switch agents, tools, tenants off and on."),
    "revert": Entry("remit.cli.revert:revert", "Revert the prompt or model of an agent."),
    "serve": Entry("remit.cli.serve:serve", "Serve the API and the console of an App."),
    "key": Entry("remit.cli.key:key", "Make, list and revoke API keys of the server."),
    "user": Entry("remit.cli.user:user", "Let people sign in at the server's console."),
    "simulate": Entry("remit.cli.simulate:simulate", "Serve a scripted model provider."),
    "ledger": Entry("remit.cli.ledger:ledger", "Show tokens and cost by who, what and when."),
    "budget": Entry("remit.cli.budget:budget", "Show what is left of budgets, and set them."),
    "plan": Entry("remit.cli.plan:plan", "Show plans, and give them by hand."),
    "policy": Entry("remit.cli.policy:policy", "Explain, test and compare rules."),
    "tools": Entry("remit.cli.tools:tools", "Look at tools of servers, and accept them."),
    "keys": Entry("remit.cli.keys:keys", "Make the keys of a journal."),
    "doctor": Entry("remit.cli.doctor:doctor", "Check this machine and its settings."),
}
"""A command is imported when it is called."""

remit = LazyGroup(
    COMMANDS,
    name="remit",
    text=_HELP,
    options=[
        *shared_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=lambda context, _, wanted: _show_version(context, wanted=wanted),
            help="Print the version and end.",
        ),
    ],
)


def _show_version(context: click.Context, *, wanted: bool) -> None:
    if wanted:
        click.echo(f"remit {import_named('remit').__version__}")
        context.exit()


def main() -> None:
    """Run the command line; ends the process with its status."""
    remit.main(prog_name="remit")
