"""Writes the parts of the docs that are made from code: state diagrams, requirements and proofs.

python scripts/write_docs.py          write them
python scripts/write_docs.py --check  fail when they are out of date
"""

import argparse
import ast
import sys
from collections import defaultdict
from pathlib import Path

from remit.machine.transitions import diagram
from remit.readiness.catalogue import requirements

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURE = ROOT / "docs" / "architecture.md"
TABLE = ROOT / "docs" / "reference" / "requirements.md"
_MARK = "<!-- diagram -->"
_HEAD = """# Requirements and their proofs

Each row of the catalogue (`remit.readiness.catalogue`) with the test files that prove it today. A
row without a file is not built yet. Made by `scripts/write_docs.py`.

| ID | Requirement | Proved in |
|---|---|---|
"""


def architecture() -> str:
    """The page with today's diagrams between its two marks."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_MARK)
    after = rest.rpartition(_MARK)[2] if _MARK in rest else rest
    blocks = "\n\n".join(f"```mermaid\n{one}\n```" for one in diagram().split("\n\n"))
    return f"{before}{_MARK}\n\n{blocks}\n\n{_MARK}{after}"


def marks(file: Path) -> set[str]:
    """The requirement ids that a test file names in its markers."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=names):
                found |= {str(name.value) for name in names if isinstance(name, ast.Constant)}
            case _:
                pass
    return found


def table() -> str:
    """The table of requirements and the test files that name them."""
    proofs: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("*.py")):
        if "tidy" not in file.parts:
            for name in marks(file):
                proofs[name].append(file.relative_to(ROOT).as_posix())
    rows = []
    for name, row in requirements().items():
        links = ", ".join(f"[{Path(p).name}](../../{p})" for p in proofs[name])
        rows.append(f"| {name} | {row.text.replace('|', '&#124;')} | {links} |")
    return _HEAD + "\n".join(rows) + "\n"


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    stale = []
    for path, text in ((ARCHITECTURE, architecture()), (TABLE, table())):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT).as_posix())
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run python scripts/write_docs.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
