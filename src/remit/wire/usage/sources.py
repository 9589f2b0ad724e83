"""The reports that can be asked for, by provider, the newest kind first."""

from collections.abc import Mapping

from remit.wire.usage.anthropic_admin import ANTHROPIC_ADMIN
from remit.wire.usage.anthropic_analytics import ANTHROPIC_ANALYTICS
from remit.wire.usage.openai import OPENAI
from remit.wire.usage.report import Source

SOURCES: Mapping[str, tuple[Source, ...]] = {
    "anthropic": (ANTHROPIC_ANALYTICS, ANTHROPIC_ADMIN),
    "openai": (OPENAI,),
}
