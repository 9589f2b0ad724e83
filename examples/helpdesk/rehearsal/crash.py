"""Kills the desk's process at the worst moment: its mail is taken, and it never hears so."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from email.message import EmailMessage
from pathlib import Path

from rehearsal.world import HERE, World

_LIFE_S = 120.0  # of the process; the triage takes seconds


class Killer:
    """Kills a process while the mail server holds its n-th mail and has not answered yet."""

    def __init__(self, process: asyncio.subprocess.Process, after_mails: int) -> None:
        self._process = process
        self._left = after_mails

    async def on_mail(self, _mail: EmailMessage) -> None:
        """Called with each mail, when it is filed."""
        self._left -= 1
        if self._left == 0:
            self._process.kill()
            await self._process.wait()


async def live(
    world: World, variables: Mapping[str, str], after_mails: int, tenant: str = ""
) -> int:
    """Let a process work until it is killed; its exit status, -9 where it was."""
    path = f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            str(Path(__file__).with_name("work.py")),
            json.dumps(world.inputs),
            tenant,
        ),
        cwd=world.folder,
        env={**os.environ, **variables, **world.variables, "PYTHONPATH": path},
        stdin=asyncio.subprocess.DEVNULL,
    )
    world.office.on_mail = Killer(process, after_mails).on_mail
    try:
        async with asyncio.timeout(_LIFE_S):
            return await process.wait()
    finally:
        world.office.on_mail = None
        if process.returncode is None:
            process.kill()
            await process.wait()
