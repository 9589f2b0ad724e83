"""Remit: the production runtime for LLM agents. The public face; names load when first used."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from remit.app.answer_route import AnswerRoute
    from remit.app.app import App
    from remit.app.attachments import Document, Image
    from remit.app.mcp import mcp_tools
    from remit.app.offered import EchoModel, FileRoot, ScriptedModel, declare
    from remit.app.openapi import openapi_tools
    from remit.app.payment_route import PaymentRoute
    from remit.app.run import Run
    from remit.app.sync import SyncApp
    from remit.app.upgrade import UpgradeRequired
    from remit.errors import RemitError, ToolError
    from remit.machine.agent import Agent, Prompt
    from remit.machine.call import Call
    from remit.machine.declaring import tool
    from remit.machine.hooks import (
        AfterAnswer,
        BeforeAnswer,
        HookedCall,
        HookedResult,
        after_tool,
        before_tool,
    )
    from remit.machine.remit import Remit
    from remit.machine.tools import Tool, probe
    from remit.policy.allowance import Budget
    from remit.policy.hours import Hours
    from remit.policy.permission import ArgumentPattern, Rule
    from remit.policy.plan import Plan, Plans
    from remit.policy.rate import Rate
    from remit.policy.roster import Person
    from remit.policy.rule import Example
    from remit.policy.where import Where
    from remit.simulator.provider import SimulatedProvider
    from remit.values.command import Command, Finished
    from remit.values.notice import Notice
    from remit.values.preview import Preview

__version__ = "0.1.0"

_HOMES = {
    "AfterAnswer": "remit.machine.hooks",
    "Agent": "remit.machine.agent",
    "AnswerRoute": "remit.app.answer_route",
    "App": "remit.app.app",
    "ArgumentPattern": "remit.policy.permission",
    "BeforeAnswer": "remit.machine.hooks",
    "Budget": "remit.policy.allowance",
    "Call": "remit.machine.call",
    "Command": "remit.values.command",
    "Document": "remit.app.attachments",
    "EchoModel": "remit.app.offered",
    "Example": "remit.policy.rule",
    "FileRoot": "remit.app.offered",
    "Finished": "remit.values.command",
    "HookedCall": "remit.machine.hooks",
    "HookedResult": "remit.machine.hooks",
    "Hours": "remit.policy.hours",
    "Image": "remit.app.attachments",
    "Notice": "remit.values.notice",
    "PaymentRoute": "remit.app.payment_route",
    "Person": "remit.policy.roster",
    "Plan": "remit.policy.plan",
    "Plans": "remit.policy.plan",
    "Preview": "remit.values.preview",
    "Prompt": "remit.machine.agent",
    "Rate": "remit.policy.rate",
    "Remit": "remit.machine.remit",
    "RemitError": "remit.errors",
    "Rule": "remit.policy.permission",
    "Run": "remit.app.run",
    "ScriptedModel": "remit.app.offered",
    "SimulatedProvider": "remit.simulator.provider",
    "SyncApp": "remit.app.sync",
    "Tool": "remit.machine.tools",
    "ToolError": "remit.errors",
    "UpgradeRequired": "remit.app.upgrade",
    "Where": "remit.policy.where",
    "after_tool": "remit.machine.hooks",
    "before_tool": "remit.machine.hooks",
    "declare": "remit.app.offered",
    "mcp_tools": "remit.app.mcp",
    "openapi_tools": "remit.app.openapi",
    "probe": "remit.machine.tools",
    "tool": "remit.machine.declaring",
}

__all__ = [
    "AfterAnswer",
    "Agent",
    "AnswerRoute",
    "App",
    "ArgumentPattern",
    "BeforeAnswer",
    "Budget",
    "Call",
    "Command",
    "Document",
    "EchoModel",
    "Example",
    "FileRoot",
    "Finished",
    "HookedCall",
    "HookedResult",
    "Hours",
    "Image",
    "Notice",
    "PaymentRoute",
    "Person",
    "Plan",
    "Plans",
    "Preview",
    "Prompt",
    "Rate",
    "Remit",
    "RemitError",
    "Rule",
    "Run",
    "ScriptedModel",
    "SimulatedProvider",
    "SyncApp",
    "Tool",
    "ToolError",
    "UpgradeRequired",
    "Where",
    "after_tool",
    "before_tool",
    "declare",
    "mcp_tools",
    "openapi_tools",
    "probe",
    "tool",
]


def __getattr__(name: str) -> object:
    """A public name, imported when it is first used (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'remit' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
