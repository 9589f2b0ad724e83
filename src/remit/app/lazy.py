"""Things of a process that are made when they are first needed."""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache

from remit.ports import Model, Sandbox, Vault
from remit.values.command import Command, Finished, Program

_JITTER = 1_000_001


class WallClock:
    """The wall clock of this machine."""

    def now_ms(self) -> int:
        """Milliseconds since 1970, UTC."""
        return time.time_ns() // 1_000_000


class SystemDice:
    """The randomness of the operating system."""

    def entropy(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        return os.urandom(count)

    def jitter(self) -> int:
        """A number from 0 to 1,000,000."""
        return secrets.randbelow(_JITTER)


class ModelShelf:
    """Model adapters by provider; one that was not handed in is made on first use."""

    def __init__(self, given: Mapping[str, Model], make: Callable[[str], Model]) -> None:
        self._models = dict(given)
        self._make = make

    def get(self, provider: str) -> Model:
        """The adapter. Raises `ConfigError` for an unknown provider or a missing key."""
        if provider not in self._models:
            self._models[provider] = self._make(provider)
        return self._models[provider]

    async def close(self) -> None:
        """Release the connections of all of them."""
        for model in self._models.values():
            await model.close()


class LazyVault:
    """Loads what seals with the first secret: most processes meet none, and it is 7 MB."""

    def __init__(self, make: Callable[[], Vault]) -> None:
        self._made = cache(make)

    def placeholder(self, tenant: str, kind: str, secret: str) -> str:
        """The name that stands for a secret in texts."""
        return self._made().placeholder(tenant, kind, secret)

    def seal(self, tenant: str, placeholder: str, secret: str) -> bytes:
        """The secret, readable only with the vault's key."""
        return self._made().seal(tenant, placeholder, secret)

    def open(self, tenant: str, placeholder: str, sealed: bytes) -> str:
        """The secret. Raises `VaultSealBroken`."""
        return self._made().open(tenant, placeholder, sealed)


class LazySandbox:
    """Looks for a sandbox when the first program is to be run."""

    name = "lazy"

    def __init__(self, make: Callable[[], Sandbox]) -> None:
        self._make = make
        self._found: Sandbox | None = None
        self._lock = asyncio.Lock()

    async def run(self, command: Command) -> Finished:
        """Run confined. Raises `SandboxUnavailable` with the remedy."""
        return await (await self._sandbox()).run(command)

    @asynccontextmanager
    async def open(self, command: Command) -> AsyncIterator[Program]:
        """Start confined and keep. Raises `SandboxUnavailable` with the remedy."""
        async with (await self._sandbox()).open(command) as program:
            yield program

    async def _sandbox(self) -> Sandbox:
        async with self._lock:
            if self._found is None:
                self._found = await asyncio.to_thread(self._make)
        return self._found
