"""House rules about the shape of code: lengths, first lines, names, imports, package files."""

import ast
import re
from collections import defaultdict
from pathlib import PurePosixPath

from tests.tidy.tree import Source, Tree

MAX_FILE_LINES = 400
"""A file that one reads in one sitting (TigerBeetle's tidy.zig)."""

MAX_FUNCTION_LINES = 70
"""A function that one sees on one screen (the same)."""

MAX_FIRST_LINE = 100
"""The line length of the code."""

VAGUE = frozenset(
    [
        "manager",
        "managers",
        "helper",
        "helpers",
        "handler",
        "handlers",
        "util",
        "utils",
        "common",
        "data",
        "info",
        "misc",
    ]
)
"""Words that tell a reader nothing about what a file or class is for."""

LOADERS = frozenset(
    {
        "src/remit/__init__.py",
        "src/remit/app/load.py",
        "src/remit/cli/importing.py",
        "src/remit/runtime/child_main.py",
        "src/remit/simulator/pytest_plugin.py",
    }
)
"""The lazy public face, the loaders of adapters and of commands, the child that is told which tool
of the program to call, and the plugin that every pytest run loads, used or not; nothing else does
so."""

FACE = "src/remit/__init__.py"

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def syntax(tree: Tree) -> list[str]:
    """Every file can be read by the oldest Python that we support."""
    return [source.error for source in tree.code if source.error is not None]


def lengths(tree: Tree) -> list[str]:
    """Files and functions are short."""
    found = []
    for source in tree.python:
        if len(source.lines) > MAX_FILE_LINES:
            found.append(f"{source.path}: {len(source.lines)} lines, allowed {MAX_FILE_LINES}")
        for node in ast.walk(source.tree):
            if isinstance(node, _FUNCTIONS):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MAX_FUNCTION_LINES:
                    what = f"{node.name} has {length} lines, allowed {MAX_FUNCTION_LINES}"
                    found.append(source.at(node, what))
    return found


def first_lines(tree: Tree) -> list[str]:
    """A module says in its first line, in one sentence found nowhere else, what it is."""
    found = []
    seen: dict[str, list[str]] = defaultdict(list)
    for source in tree.python:
        if not source.text.strip():
            continue
        first = (ast.get_docstring(source.tree) or "").partition("\n")[0]
        if not source.text.startswith(('"""', 'r"""')) or not first:
            found.append(f"{source.path}: the file must start with a docstring")
        elif not first.endswith((".", "?")) or len(first) > MAX_FIRST_LINE - 3:
            found.append(f"{source.path}: the first line must be one short sentence: {first!r}")
        seen[first].append(source.path)
    for first, paths in seen.items():
        if first and len(paths) > 1:
            found.append(f"{', '.join(paths)}: the same first line {first!r}; say how they differ")
    return found


def names(tree: Tree) -> list[str]:
    """No file, folder or class has a name that says nothing."""
    found = []
    for source in tree.python:
        parts = PurePosixPath(source.path).with_suffix("").parts
        said = {f"{source.path}": [word for part in parts for word in part.lower().split("_")]}
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", node.name)
                said[source.at(node, f"class {node.name}")] = [word.lower() for word in words]
        found += [
            f"{where}: {word!r} says nothing; name what it is"
            for where, words in said.items()
            for word in words
            if word in VAGUE
        ]
    return found


def inner_imports(tree: Tree) -> list[str]:
    """Imports stand at the top of a module; only the loaders import by name."""
    found = []
    for source in tree.python:
        inner = {
            node
            for function in ast.walk(source.tree)
            if isinstance(function, _FUNCTIONS)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        found += [source.at(node, "import inside a function") for node in inner]
        if source.path.startswith("src/") and source.path not in LOADERS:
            found += _imports_by_name(source)
    return found


def _imports_by_name(source: Source) -> list[str]:
    """Find uses of `importlib.import_module` and `__import__`."""
    what = f"only {' and '.join(sorted(LOADERS))} import by name"
    found = []
    for node in ast.walk(source.tree):
        match node:
            case ast.Attribute(attr="import_module"):
                found.append(source.at(node, what))
            case ast.Name(id="__import__"):
                found.append(source.at(node, what))
            case ast.ImportFrom(names=aliases) if any(a.name == "import_module" for a in aliases):
                found.append(source.at(node, what))
            case _:
                pass
    return found


def package_files(tree: Tree) -> list[str]:
    """Package `__init__` files are empty, but for the public face."""
    return [
        f"{source.path}: an __init__ file stays empty; move this into a module with a name"
        for source in tree.package
        if source.name == "__init__.py" and source.path != FACE and source.text.strip()
    ]


def face_imports(tree: Tree) -> list[str]:
    """No module of the package imports from the public face, which stands above all floors."""
    found = []
    packages = {path.split("/")[2].removesuffix(".py") for path in tree.paths if _inside(path)}
    for source in tree.package:
        if source.path == FACE:
            continue
        for node in ast.walk(source.tree):
            match node:
                case ast.ImportFrom(module="remit", names=names):
                    wrong = [alias for alias in names if alias.name not in packages]
                case ast.Import(names=names):
                    wrong = [alias for alias in names if alias.name == "remit"]
                case _:
                    wrong = []
            found += [
                source.at(alias, f"imports {alias.name} from the public face; name its module")
                for alias in wrong
            ]
    return found


def mirrored(tree: Tree) -> list[str]:
    """A module that does something has its test file, or its folder has one (a contract suite)."""
    found = []
    tests = [PurePosixPath(path) for path in tree.paths if path.startswith("tests/")]
    for source in tree.package:
        own = PurePosixPath(source.path.replace("src/remit/", "tests/", 1))
        own = own.with_name(f"test_{own.stem.strip('_')}.py")
        floor, whole = own.parts[:2], f"test_{own.parent.name}.py"
        acts = any(isinstance(node, _FUNCTIONS) and _does(node) for node in ast.walk(source.tree))
        shown = any(
            path == own or (path.name == whole and path.parts[:2] == floor) for path in tests
        )
        if acts and not shown:
            found.append(f"{source.path}: there is no {own}")
    return found


def _does(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Tell whether a function has a body (a Protocol's method has none)."""
    return any(
        not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in function.body
    )


def _inside(path: str) -> bool:
    """Tell whether a path lies in the package (not the face itself)."""
    return path.startswith("src/remit/") and path != FACE
