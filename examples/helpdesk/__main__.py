"""The helpdesk's rehearsal: `python examples/helpdesk` triages 60 tickets without a key."""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from agent import MODEL
from rehearsal.play import Wish, play
from rehearsal.report import summary
from rehearsal.seed import TENANTS

_CRASH_AFTER = 20  # of 58 mails: in the middle


def main() -> int:
    """Play it. Exit status 0 if everything is as expected, 1 if not."""
    words = argparse.ArgumentParser(prog="python examples/helpdesk", description=__doc__)
    words.add_argument("--folder", type=Path, help="of the world: new, or one to go on in")
    words.add_argument("--crash", action="store_true", help="kill the process on the way")
    words.add_argument("--after", type=int, default=_CRASH_AFTER, help="mails before the kill")
    words.add_argument("--shop", default="", choices=["", *TENANTS], help="only its tickets")
    words.add_argument("--live", action="store_true", help="ask a real provider; costs money")
    words.add_argument("--model", default=MODEL, help="of --live")
    words.add_argument("--json", action="store_true", help="print the summary as JSON only")
    given = words.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="helpdesk-"))
    if folder.exists() and any(folder.iterdir()) and not (folder / "shop.db").exists():
        words.error(f"{folder} is neither empty nor the folder of an earlier rehearsal")
    wish = Wish(
        folder=folder,
        crash_after=given.after if given.crash else 0,
        tenant=given.shop,
        model=given.model if given.live else "",
        quiet=given.json,
    )
    report = asyncio.run(play(wish))
    if given.json:
        print(json.dumps(report.tree(), indent=2, ensure_ascii=False))
    else:
        print("\n".join(summary(report)))
        print(f"look further: cd {folder} && remit ledger --by tenant --by user --by model")
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
