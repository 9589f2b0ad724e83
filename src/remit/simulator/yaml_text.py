"""Scenarios written as YAML: read as data alone, numbers as JSON has them, lines exact."""

import re
from dataclasses import dataclass, field
from typing import NoReturn

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from remit.errors import ConfigError
from remit.simulator.tables import Path, Source, Table
from remit.wire.jsontext import Number

# Aliases make a small file as large as one likes: so many values are more than any scenario has.
MAX_VALUES = 100_000
_MAX_LEVELS = 50  # of nesting; arguments of tools have a handful
_TEXT = "tag:yaml.org,2002:str"
_PLAIN_TAGS = frozenset({_TEXT, "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?", re.ASCII)
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)  # what an integer gives back as it was
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class _Loader(yaml.SafeLoader):
    """Gives nodes only, and guesses no kinds: `no`, `1:30` and `2026-01-01` are texts."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  # declared so by its parent


def read_yaml(text: str, name: str) -> Table:
    """The whole file. Raises `ConfigError`."""
    lines = _Lines()
    try:
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as exc:
        raise ConfigError(_told(exc, name)) from None
    if root is None:
        return Table({}, Source(name, lines), ())
    if not isinstance(root, MappingNode):
        raise ConfigError(f"{name}, line {_line(root)}: a scenario is a mapping: rule, fault, …")
    reader = _Reader(name, lines)
    return Table(reader.mapping(root, ()), Source(name, lines), ())


def _told(exc: Exception, name: str) -> str:
    mark = getattr(exc, "problem_mark", None)
    place = f"{name}, line {mark.line + 1}" if mark is not None else name
    problem = getattr(exc, "problem", None) or str(exc).partition("\n")[0]
    return f"{place}: not YAML: {problem}"


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


@dataclass(slots=True)
class _Lines:
    """Where each key stands."""

    known: dict[tuple[Path, str], int] = field(default_factory=dict)

    def line(self, path: Path, key: str) -> int:
        """The line of a key, else that of the nearest table around it."""
        found = self.known.get((path, key), 0)
        while not found and path:
            *above, last = path
            path = tuple(above)
            found = self.known.get((path, str(last)), 0)
        return found


@dataclass(slots=True)
class _Reader:
    """Makes plain values of nodes, and remembers lines."""

    name: str
    lines: _Lines
    left: int = MAX_VALUES

    def mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        """A mapping with texts as keys."""
        members: dict[str, object] = {}
        for key_node, value in node.value:
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if not isinstance(key, str) or key_node.tag != _TEXT:
                self._fail(key_node, "a key is a text")
            if key in members:
                self._fail(key_node, f"{key!r} is there twice")
            self.lines.known[path, key] = _line(key_node)
            members[key] = self._value(value, (*path, key))
        return members

    def _value(self, node: Node, path: Path) -> object:
        self.left -= 1
        if self.left < 0 or len(path) > _MAX_LEVELS:
            self._fail(node, f"more than {MAX_VALUES} values or {_MAX_LEVELS} levels: aliases?")
        if node.tag not in _PLAIN_TAGS:
            self._fail(node, f"the tag {node.tag!r} is not read: a scenario is plain data")
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            found: list[object] = []
            for number, item in enumerate(node.value):
                self.lines.known[path, str(number)] = _line(item)
                found.append(self._value(item, (*path, number)))
            return found
        text = str(node.value)
        # Only what is written without quotes can be something else than a text.
        return text if getattr(node, "style", None) else _plain(text)

    def _fail(self, node: Node, message: str) -> NoReturn:
        raise ConfigError(f"{self.name}, line {_line(node)}: {message}")


def _plain(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return Number(text) if _NUMBER.fullmatch(text) else text
