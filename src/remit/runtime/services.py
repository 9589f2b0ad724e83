"""What drivers share in one process: ports, registered agents, limits of the process itself."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Literal

from remit.machine.agent import Agent
from remit.machine.hooks import Hook
from remit.policy.allowance import Budget
from remit.policy.mode import Modes
from remit.policy.secret_scan import SecretRules
from remit.ports import Clock, Dice, Model, Prices, Sandbox, Store, Vault
from remit.runtime.credentials import CredentialDesk
from remit.runtime.health import HealthBoard
from remit.runtime.hooking import Hooking
from remit.runtime.hub import Hub
from remit.runtime.last_good import LastGood
from remit.runtime.media import MediaCache
from remit.runtime.switchboard import Switchboard
from remit.runtime.threads import CutThreads, DaemonThreads
from remit.values.windows import UTC, Calendar

Attachments = Literal["all", "text", "none"]
"""What runs may be given besides words; `text`: only what can be searched for secrets."""

# A lease that is not renewed for this long is over; renewals come three times as often.
LEASE_MS = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """The key that authenticates records."""

    key: bytes = field(repr=False)
    key_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything outside that a driver reaches, handed to it once."""

    store: Store
    clock: Clock
    dice: Dice
    vault: Vault
    signer: Signer
    prices: Prices
    model: Callable[[str], Model]
    """The adapter of a provider, the part of a model's name before the colon."""
    agents: Mapping[str, Agent[object]]
    """By name, sub-agents too."""
    hub: Hub
    switchboard: Switchboard
    health: HealthBoard
    owner: str
    """Name of this process as a driver."""
    secret_rules: Callable[[], SecretRules]
    """What is secret, as of now: the app's own secrets are known once they were read."""
    environment: str = "dev"
    credentials: CredentialDesk | None = None
    """What tools show to the systems they call."""
    sandbox: Sandbox | None = None
    hidden: tuple[str, ...] = ()
    """Host paths no sandboxed program may see: journal and keys."""
    budgets: tuple[Budget, ...] = ()
    """Limits of the settings, beside those that agents declare."""
    calendar: Callable[[str, int], Calendar] = lambda _tenant, _now_ms: UTC
    """The calendar of a tenant, for a run that starts at this instant."""
    modes: Modes = field(default_factory=Modes)
    """Modes of tenants and users."""
    floating_models: tuple[str, ...] = ()
    """Globs of model names that an operator lets float."""
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    """Of the app and of all agents, by name."""
    attachments: Attachments = "all"
    media: MediaCache = field(default_factory=MediaCache)
    threads: Executor = field(default_factory=DaemonThreads)
    """For synchronous tools of all runs of this process."""
    last_good: LastGood = field(default_factory=LastGood)
    cut_threads: CutThreads = field(default_factory=CutThreads)

    @property
    def hooking(self) -> Hooking:
        """What asks the hooks."""
        return Hooking(self.hooks, self.threads)
