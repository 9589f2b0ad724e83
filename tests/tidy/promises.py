"""House rules about promises: errors in one tree, reasons beside exceptions, ids that exist."""

import ast
import builtins
import re
import tomllib

from tests.tidy.tree import Source, Tree

ERRORS = "src/remit/errors.py"
ROOT_ERROR = "RemitError"

ANY_PER_THOUSAND = 1.0
"""How often `Any` may stand in a thousand lines of the package."""

IGNORES_PER_THOUSAND = 0.5
"""How many suppressed type errors there may be in a thousand lines of the package."""

_BUILTIN_ERRORS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
)
# What stands behind each of these marks in a comment must be a code and then a reason.
_NOQA = re.compile(
    r"#\s*(?:ruff:\s*)?noqa(?P<code>:\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*)?(?P<rest>.*)"
)
_IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[a-z-]+(?:\s*,\s*[a-z-]+)*\])?(?P<rest>.*)")
_NO_COVER = re.compile(r"#\s*pragma:\s*no\s*(?P<code>cover|branch)(?P<rest>.*)")
_REASON = re.compile(r"[A-Za-z]{4,}")


def one_error_tree(tree: Tree) -> list[str]:
    """Every exception of the package is defined in one file and has one root."""
    found = []
    known = set(_BUILTIN_ERRORS)
    for source in tree.package:
        if source.path == ERRORS:
            known |= {node.name for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)}
            found += _rootless(source)
    for source in tree.package:
        if source.path == ERRORS:
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef) and any(
                _is_error(base, known) for base in node.bases
            ):
                found.append(source.at(node, f"exception {node.name} belongs into {ERRORS}"))
    return found


def _is_error(base: ast.expr, known: set[str]) -> bool:
    """Tell whether a base class is an exception: a known one, or one called like one."""
    name = ast.unparse(base).rpartition(".")[2].partition("[")[0]
    return name in known or name.endswith(("Error", "Exception"))


def _rootless(source: Source) -> list[str]:
    """Find classes of the error file that do not descend from its root."""
    inside = {ROOT_ERROR}
    found = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef) or node.name == ROOT_ERROR:
            continue
        if inside.isdisjoint(ast.unparse(base) for base in node.bases):
            found.append(source.at(node, f"{node.name} does not descend from {ROOT_ERROR}"))
        inside.add(node.name)
    drawn = ast.get_docstring(source.tree) or ""
    return found + [
        f"{source.path}: {name} is missing in the tree drawn at the top"
        for name in sorted(inside)
        if not re.search(rf"\b{name}\b", drawn)
    ]


def suppressions(tree: Tree) -> list[str]:
    """A suppressed complaint names its code and its reason, and they are few."""
    found = []
    lines = ignores = anys = 0
    for source in tree.python:
        for number, comment in source.comments.items():
            for pattern in (_NOQA, _IGNORE, _NO_COVER):
                match = pattern.search(comment)
                if match and not (match["code"] and _REASON.search(match["rest"])):
                    what = f"needs a code and a reason: {match[0].strip()!r}"
                    found.append(f"{source.path}:{number}: {what}")
        if source.path.startswith("src/"):
            lines += len(source.lines)
            ignores += sum(bool(_IGNORE.search(each)) for each in source.comments.values())
            anys += sum(isinstance(n, ast.Name) and n.id == "Any" for n in ast.walk(source.tree))
            found += _broad_catches(source)
    for what, count, rate in (
        ("`Any`", anys, ANY_PER_THOUSAND),
        ("type-ignores", ignores, IGNORES_PER_THOUSAND),
    ):
        # The first one is free: a rate means nothing for a small tree.
        if count > 1 and count * 1000 > rate * lines:
            found.append(f"src: {count} uses of {what} in {lines} lines, allowed {rate} in 1000")
    return found


def _broad_catches(source: Source) -> list[str]:
    """Find `except Exception` without a reason on the same line that does not raise it again."""
    found = []
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = ast.unparse(node.type) if node.type else "everything"
        if not re.search(r"\b(everything|Exception|BaseException)\b", caught):
            continue
        last = node.body[-1]
        if isinstance(last, ast.Raise) and last.exc is None:
            continue
        comment = source.comments.get(node.lineno, "")
        if not _REASON.search(re.sub(r"noqa:\s*[A-Z0-9, ]+", "", comment)):
            found.append(source.at(node, f"catching {caught} needs its reason on the same line"))
    return found


def requirement_ids(tree: Tree) -> list[str]:
    """A test that claims a requirement names one that the catalogue has."""
    document = tomllib.loads(tree.read("src/remit/readiness/catalogue.toml"))
    known = {row["id"] for row in document["requirement"]}
    found = []
    for source in tree.python:
        for node in ast.walk(source.tree):
            if not isinstance(node, ast.Call) or not ast.unparse(node.func).endswith(
                "mark.requirement"
            ):
                continue
            if not node.args:
                found.append(source.at(node, "requirement() names no id"))
            for argument in node.args:
                value = argument.value if isinstance(argument, ast.Constant) else None
                if value not in known:
                    what = f"requirement {ast.unparse(argument)} is not in the catalogue"
                    found.append(source.at(argument, what))
    return found


def extras(tree: Tree) -> list[str]:
    """The extra `all` names every other extra."""
    project = tomllib.loads(tree.read("pyproject.toml"))["project"]
    declared = set(project["optional-dependencies"]) - {"all"}
    named = set(re.findall(r"[a-z0-9-]+", "".join(project["optional-dependencies"]["all"])))
    named.discard(project["name"])
    return [
        f"pyproject.toml: extra {extra!r} is {problem} `all`"
        for wrong, problem in ((declared - named, "missing in"), (named - declared, "unknown, in"))
        for extra in sorted(wrong)
    ]
