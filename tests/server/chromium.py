"""A real browser for tests: Debian's chromium through Playwright, whose console is watched."""

import gzip
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    async_playwright,
    expect,
)

from tests.server.stage import Grants, Served, signed_in

CHROMIUM = Path(os.environ.get("REMIT_CHROMIUM", "/usr/bin/chromium"))
needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(),
    reason=f"there is no {CHROMIUM}: apt-get install chromium (.ci/run does it as root)",
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
PATIENCE_MS = 20_000  # on two busy cores; a hang says where
DESKTOP = (1280, 860)
PHONE = (390, 844)
Scheme = Literal["light", "dark"]


@dataclass
class Seen:
    """What a browser complained of, and whom it asked besides the server."""

    url: str
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def hear(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings: a violation of the CSP is one."""
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def see(self, request: Request) -> None:
        """Keep requests to others."""
        if not request.url.startswith((self.url, "data:")):
            self.elsewhere.append(request.url)


@asynccontextmanager
async def browser(
    found: Served | str,
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: Scheme = "light",
    script: bool = True,
    bypass_csp: bool = False,
) -> AsyncIterator[tuple[BrowserContext, Seen]]:
    """A browser with a profile of its own; what it complained of fails the test at its end.

    `found`: the server, or the address of one in another process.
    """
    seen = Seen(found if isinstance(found, str) else found.url)
    async with async_playwright() as player:
        chromium = await player.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=script,
            bypass_csp=bypass_csp,
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        context.on("console", seen.hear)
        context.on("weberror", lambda fault: seen.complaints.append(str(fault.error)))
        context.on("request", seen.see)
        try:
            yield context, seen
        finally:
            await context.close()
            await chromium.close()
    assert seen.complaints == []
    assert seen.elsewhere == []


async def faults_of(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, one line for each element."""
    await page.evaluate(_axe())
    found = await page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',"
        " 'best-practice']})"
    )
    return [
        f"{rule['id']} {node['target']}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def too_wide(page: Page) -> list[str]:
    """What makes the page scroll sideways; nothing where it does not."""
    found: list[str] = await page.evaluate(
        """document.documentElement.scrollWidth <= innerWidth ? [] :
        [...document.querySelectorAll("body *")]
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
          .map((each) => each.outerHTML.slice(0, 120)).slice(0, 8).concat("it is too wide")"""
    )
    return found


@cache
def _axe() -> str:
    """axe-core 4.14.1 of npm, unchanged (MPL-2.0)."""
    content = gzip.decompress((Path(__file__).parent / "axe" / "axe.min.js.gz").read_bytes())
    assert hashlib.sha256(content).hexdigest() == AXE_SHA256
    return content.decode()


async def sign_in(context: BrowserContext, found: Served, path: str = "/switches") -> Page:
    """A page of who started the server, signed in by the one-time link."""
    page = await context.new_page()
    await page.goto(f"{found.url}/login?token={found.server.state.link.make()}&next={path}")
    return page


async def visit(context: BrowserContext, found: Served, name: str, grants: Grants) -> Page:
    """A page of somebody who is signed in with these roles."""
    cookie = (await signed_in(found, name, grants)).headers["cookie"]
    at, _, value = cookie.partition("=")
    await context.add_cookies([{"name": at, "value": value, "url": found.url}])
    return await context.new_page()
