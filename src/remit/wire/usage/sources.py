"""Who bills the models of a prefix, and which reports it has, the newest kind first."""

from collections.abc import Mapping

from remit.wire.usage.anthropic_admin import ANTHROPIC_ADMIN
from remit.wire.usage.anthropic_analytics import ANTHROPIC_ANALYTICS
from remit.wire.usage.openai import OPENAI
from remit.wire.usage.report import Source

SOURCES: Mapping[str, tuple[Source, ...]] = {
    "anthropic": (ANTHROPIC_ANALYTICS, ANTHROPIC_ADMIN),
    "openai": (OPENAI,),
}

PREFIXES: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("anthropic",),
    "openai": ("openai", "openai-chat"),
    "google": ("google", "gemini", "vertex"),
}
"""The prefixes that models of a biller have in the ledger."""


def biller(prefix: str) -> str:
    """Who bills the models of this prefix; a stranger bills its own."""
    return next((name for name, prefixes in PREFIXES.items() if prefix in prefixes), prefix)
