"""Credentials of tools: who may have which; fetched once for all who wait, kept in memory only."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from remit.errors import ConfigError, NoCredential, NotAllowed
from remit.ports import Clock, Credentials
from remit.values.credential import Credential, Wanted

FETCH_S = 15.0
"""A token server answers in a fraction of a second; a call waits no longer than this for one."""
_KEPT = 4_096  # tenants times tools of one process that are busy at once
_EARLY_MS = 60_000  # a call that begins now should end before its token does
_EARLY_PART = 5  # of short-lived ones a fifth of their life


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """One credential: where it comes from, and globs of those who may have it."""

    source: Credentials
    tools: tuple[str, ...] = ("*",)
    tenants: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class _Kept:
    credential: Credential
    until_ms: int


class CredentialDesk:
    """Gives credentials to calls. Belongs to one event loop."""

    def __init__(self, declared: Mapping[str, Declared], clock: Clock) -> None:
        self._declared = dict(declared)
        self._clock = clock
        self._kept: OrderedDict[Wanted, _Kept] = OrderedDict()
        self._under_way: dict[Wanted, asyncio.Task[Credential]] = {}

    async def get(self, wanted: Wanted) -> Credential:
        """The credential of a call.

        Raises `NotAllowed` for a tool or tenant that may not have it, `ConfigError` where nobody
        declared it, `NoCredential` where it cannot be had.
        """
        declared = self._permitted(wanted)
        kept = self._kept.get(wanted)
        if kept is not None and self._clock.now_ms() < kept.until_ms:
            self._kept.move_to_end(wanted)
            return kept.credential
        task = self._under_way.get(wanted)
        if task is None:
            task = asyncio.create_task(self._fetch(wanted, declared.source))
            self._under_way[wanted] = task
            task.add_done_callback(lambda done: self._arrived(wanted, done))
        # One call that is cut must not take it from the others who wait.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Forget everything."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._kept.clear()

    def _permitted(self, wanted: Wanted) -> Declared:
        declared = self._declared.get(wanted.name)
        if declared is None:
            known = ", ".join(sorted(self._declared)) or "none"
            raise ConfigError(
                f"there is no credential {wanted.name!r} for the tool {wanted.tool!r}: declare it "
                f"under [credentials.{wanted.name}] in remit.toml; there are: {known}"
            )
        for what, value, globs in (
            ("tool", wanted.tool, declared.tools),
            ("tenant", wanted.tenant, declared.tenants),
        ):
            if not any(fnmatchcase(value, glob) for glob in globs):
                raise NotAllowed(
                    f"the {what} {value!r} may not have the credential {wanted.name!r}: it is for "
                    f"{', '.join(globs)}"
                )
        return declared

    async def _fetch(self, wanted: Wanted, source: Credentials) -> Credential:
        limit = asyncio.timeout(FETCH_S)
        try:
            async with limit:
                found = await source.get(wanted)
        except TimeoutError:
            raise NoCredential(
                f"the credential {wanted.name!r} could not be had within {FETCH_S:g} s"
            ) from None
        now_ms = self._clock.now_ms()
        if found.expires_ms is not None:
            left_ms = found.expires_ms - now_ms
            until_ms = found.expires_ms - min(_EARLY_MS, left_ms // _EARLY_PART)
            self._kept[wanted] = _Kept(found, until_ms)
            self._kept.move_to_end(wanted)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return found

    def _arrived(self, wanted: Wanted, task: asyncio.Task[Credential]) -> None:
        self._under_way.pop(wanted, None)
        if not task.cancelled():
            task.exception()  # whoever waited is told; nobody may wait any more
