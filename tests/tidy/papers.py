"""House rules about everything that is not code: locks, addresses, secrets, changelog, links."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath

from tests.tidy.tree import Tree

FACE = "src/remit/__init__.py"
REFERENCE = "docs/reference/python.md"
"""Every public name has a heading here: ### `Name`."""

FRAGMENT_KINDS = ("added", "changed", "fixed", "removed", "security")

# Files that resolvers write with addresses in them; only requirements*.lock are committed.
_REFUSED_FILES = frozenset({"uv.lock", "poetry.lock", "Pipfile.lock"})
_LOCK = re.compile(r"(?:^|/)(?:requirements|constraints)[^/]*\.(?:lock|txt|in)$")
_ADDRESS = re.compile(r"://|--(?:extra-)?index-url|--find-links|--trusted-host")
# Brackets around one letter, or this file would find itself.
_MACHINE = re.compile(r"(?<![\w.~-])/(?:wor[k]/|roo[t]/|hom[e]/(?!user\b)\w+/|User[s]/\w+/)")
_SECRETS = re.compile(
    r"\bAKIA[0-9A-Z]{16}\b|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|\bgh[pousr]_[A-Za-z0-9]{36}"
    r"|\bxox[abprs]-[0-9A-Za-z-]{10,}|\bAIza[0-9A-Za-z_-]{35}\b|\b[rs]k_live_[0-9A-Za-z]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----\s*\n?[A-Za-z0-9+/=]{20,}"
)
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]\[]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)


def _texts(tree: Tree) -> Iterator[tuple[str, str]]:
    """Yield every file that is text."""
    for path in tree.paths:
        try:
            yield path, tree.read(path)
        except UnicodeDecodeError:
            continue


def locks(tree: Tree) -> list[str]:
    """Locks hold names, versions and hashes, never an address."""
    found = []
    for path in tree.paths:
        name = PurePosixPath(path).name
        if name in _REFUSED_FILES or re.fullmatch(r"pylock.*\.toml", name):
            found.append(f"{path}: holds addresses; only requirements*.lock are committed")
        if not _LOCK.search(path):
            continue
        text = tree.read(path)
        for number, line in enumerate(text.splitlines(), start=1):
            if _ADDRESS.search(line):
                found.append(f"{path}:{number}: an address in a lock: {line.strip()}")
        for name, rest in re.findall(r"^([a-z0-9][^=\s]*)==(.*(?:\n .*)*)", text, re.MULTILINE):
            if "--hash=sha256:" not in rest:
                found.append(f"{path}: {name} has no hash")
    return found


def machine_paths(tree: Tree) -> list[str]:
    """No file names a folder of the machine it was written on."""
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: names a machine's folder: {match[0]}"
        for path, text in _texts(tree)
        for match in _MACHINE.finditer(text)
    ]


def secrets(tree: Tree) -> list[str]:
    """Nothing looks like a real credential; tests put theirs together while they run."""
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: looks like a real credential"
        for path, text in _texts(tree)
        for match in _SECRETS.finditer(text)
    ]


def changelog(tree: Tree) -> list[str]:
    """A fragment is one file per change: `slug.kind.md`, whole sentences, no heading."""
    found = []
    for path in tree.paths:
        if not path.startswith("changelog.d/") or path == "changelog.d/README.md":
            continue
        if not re.fullmatch(rf"[a-z0-9-]+\.(?:{'|'.join(FRAGMENT_KINDS)})\.md", path[12:]):
            kinds = "|".join(FRAGMENT_KINDS)
            found.append(f"{path}: the name must be lower-case-words.({kinds}).md")
            continue
        text = tree.read(path).strip()
        if not re.match(r"[A-Z`]", text) or not text.endswith((".", "`")) or "\n#" in text:
            found.append(f"{path}: write whole sentences without a heading")
    return found


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as the usual hosts make them."""
    made: Counter[str] = Counter()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        again = made[slug]
        made[slug] += 1
        if again:
            made[f"{slug}-{again}"] += 1
    return set(made)


def links(tree: Tree) -> list[str]:
    """A link in a page leads to a file, and a heading, that exist."""
    found = []
    pages = [path for path in tree.paths if path.endswith(".md")]
    folders = {str(parent) for path in tree.paths for parent in PurePosixPath(path).parents}
    for path in pages:
        for target in _LINK.findall(_FENCE.sub("", tree.read(path))):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                if not target.startswith(("https:", "mailto:")):
                    found.append(f"{path}: link to {target}: only https and mailto")
                continue
            file, _, anchor = target.partition("#")
            there = _resolve(path, file)
            if there not in tree.paths and there not in folders:
                found.append(f"{path}: link to {target}: no such file")
            elif anchor and there.endswith(".md") and anchor not in anchors(tree.read(there)):
                found.append(f"{path}: link to {target}: no such heading")
    return found


def _resolve(page: str, target: str) -> str:
    """Return the path in the tree that a relative link leads to."""
    if not target:
        return page
    parts: list[str] = []
    for part in (PurePosixPath(page).parent / target).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts) or "."


def reference(tree: Tree) -> list[str]:
    """Every public name has its heading in the reference, and no other name has one."""
    public: list[str] = []
    for node in ast.walk(ast.parse(tree.read(FACE))):
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                public = ast.literal_eval(value)
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                public = ast.literal_eval(value)
            case _:
                pass
    written = re.findall(r"^### `(\w+)`", tree.read(REFERENCE), re.MULTILINE)
    found = [f"{FACE}: {name} has no heading in {REFERENCE}" for name in set(public) - set(written)]
    found += [f"{REFERENCE}: {name} is no public name" for name in set(written) - set(public)]
    if len(set(written)) < len(written):
        found.append(f"{REFERENCE}: a name has two headings")
    return sorted(found)
