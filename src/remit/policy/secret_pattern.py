r"""The regular expressions of secret rules, parsed so far that the beginning of a match is known.

A stream may not cut a secret in two, so it must know whether its tail could be the first part of a
match. `Pattern.begun` is a regular expression for exactly that (sometimes for a little more, never
for less), derived from the rule's own pattern: nobody has to state it by hand.

The language is the part of RE2 that this needs and that Python's `re` reads alike: literals,
escapes, classes, groups `(...)`, `(?:...)`, `(?i:...)`, `|`, `? * + {m} {m,} {m,n}`, lazy where
they have a maximum, `\b` and `\B`. Printable ASCII only.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from remit.errors import ConfigError

MAX_PATTERN = 4000
"""Characters of a pattern; the longest built-in has a quarter of it."""

MAX_GROUPS = 40
"""Depth of groups; keeps the parser far from the interpreter's recursion limit."""

MAX_COUNTED = 8
"""What is repeated up to this often is counted when a stream looks at its tail."""

_CLASS_ESCAPES = frozenset("dDwWsS")
_PLAIN_ESCAPES = frozenset("nrt")
_REPEAT = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\\[]|\[(?!:)|\\[^xuUNpP])*\]")


@dataclass(frozen=True, slots=True)
class Atom:
    """One character: a literal, an escape or a class."""

    source: str


@dataclass(frozen=True, slots=True)
class Edge:
    r"""A place between characters, `\b` or `\B`."""

    source: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One thing after the other."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing or the other."""

    options: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same again, `least` to `most` times; `most` None is without end, `lazy` as few as do."""

    node: "Node"
    least: int
    most: int | None
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class AnyCase:
    """Upper and lower case alike."""

    node: "Node"


Node = Atom | Edge | Chain | Choice | Repeat | AnyCase


@dataclass(frozen=True, slots=True)
class Pattern:
    """What was learnt about a pattern.

    `begun` matches every beginning of a match (also the empty one), `opening` every beginning up to
    the first keyword. `least` and `most` are the
    characters of a match; in `most` a repetition without end counts by its least.
    """

    source: str
    begun: str
    opening: str
    least: int
    most: int
    groups: int


def parse(source: str, where: str, keywords: Iterable[str]) -> Pattern:
    """Read a pattern. Raises `ConfigError` naming `where` and the position.

    Every match must hold one of the keywords, in any case.
    """
    if len(source) > MAX_PATTERN or not source.isascii() or not source.isprintable():
        remedy = f"use at most {MAX_PATTERN} printable ASCII characters, and escapes for others"
        raise ConfigError(
            f"{where}: the pattern is too long or holds a strange character; {remedy}"
        )
    parser = _Parser(source, where)
    node = parser.choice(0)
    if parser.at != len(source):
        raise parser.wrong("there is a ')' without '('")
    if not _bounded(node):
        raise ConfigError(
            f"{where}: after a repetition without end only optional parts may follow, or a match "
            "could be of any length before it is known to be one; give the repetition a maximum"
        )
    first = head(node, frozenset(map(str.lower, keywords)))
    if first is None:
        raise ConfigError(
            f"{where}: some match of the pattern holds no keyword, so it would not be searched; "
            "name keywords that stand in each alternative letter by letter, not in a class or over "
            "a group's border"
        )
    least, most = _width(node)
    return Pattern(source, begun(node), begun(first), least, most, parser.groups)


class _Parser:
    """A recursive descent over the pattern's text."""

    def __init__(self, source: str, where: str) -> None:
        self.source = source
        self.where = where
        self.at = 0
        self.groups = 0

    def wrong(self, what: str) -> ConfigError:
        """Say what is wrong at the present place."""
        return ConfigError(f"{self.where}: pattern {self.source!r}, position {self.at}: {what}")

    def choice(self, depth: int) -> Node:
        """Read `a|b|c`."""
        if depth > MAX_GROUPS:
            raise self.wrong(f"groups are nested deeper than {MAX_GROUPS}")
        options = [self._chain(depth)]
        while self.source[self.at : self.at + 1] == "|":
            self.at += 1
            options.append(self._chain(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _chain(self, depth: int) -> Node:
        nodes: list[Node] = []
        while self.at < len(self.source) and self.source[self.at] not in "|)":
            nodes.append(self._repeated(self._one(depth)))
        return nodes[0] if len(nodes) == 1 else Chain(tuple(nodes))

    def _one(self, depth: int) -> Node:
        char = self.source[self.at]
        match char:
            case "(":
                return self._group(depth)
            case "[":
                found = _CLASS.match(self.source, self.at)
                if found is None:
                    raise self.wrong("this class is not closed, or holds \\x, \\u, \\p or [:name:]")
                self.at = found.end()
                return Atom(found[0])
            case "\\":
                return self._escape()
            case "^" | "$" | "*" | "+" | "?" | "{" | "}" | "]":
                raise self.wrong(f"{char!r} may not stand here; escape it, or use \\b for an edge")
            case _:
                self.at += 1
                return Atom(char)

    def _escape(self) -> Node:
        char = self.source[self.at + 1 : self.at + 2]
        if char in {"b", "B"}:
            self.at += 2
            return Edge("\\" + char)
        if not char or (char.isalnum() and char not in _CLASS_ESCAPES | _PLAIN_ESCAPES):
            raise self.wrong(f"the escape '\\{char}' is not supported")
        self.at += 2
        return Atom("\\" + char)

    def _group(self, depth: int) -> Node:
        start = self.at
        any_case = self.source.startswith("(?i:", start)
        if any_case:
            self.at += 4
        elif self.source.startswith("(?:", start):
            self.at += 3
        elif self.source.startswith("(?", start):
            raise self.wrong("only (...), (?:...) and (?i:...) are supported")
        else:
            self.at += 1
            self.groups += 1
        node = self.choice(depth + 1)
        if self.source[self.at : self.at + 1] != ")":
            self.at = start
            raise self.wrong("this '(' is not closed")
        self.at += 1
        return AnyCase(node) if any_case else node

    def _repeated(self, node: Node) -> Node:
        rest = self.source[self.at : self.at + 1]
        if rest not in {"?", "*", "+", "{"}:
            return node
        if isinstance(node, Edge):
            raise self.wrong("an edge cannot be repeated")
        if rest == "{":
            found = _REPEAT.match(self.source, self.at)
            if found is None:
                raise self.wrong("a repetition looks like {3}, {3,} or {3,9}")
            self.at = found.end()
            least = int(found[1])
            most = least if found[2] is None else int(found[3]) if found[3] else None
        else:
            self.at += 1
            least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}[rest]
        lazy = most is not None and self.source[self.at : self.at + 1] == "?"
        self.at += lazy
        if self.source[self.at : self.at + 1] in {"?", "*", "+", "{"}:
            raise self.wrong(
                "a repetition of a repetition, or a lazy one without maximum, is not supported"
            )
        return Repeat(node, least, most, lazy)


def full(node: Node) -> str:
    """The regular expression of a node, without captures."""
    match node:
        case Atom() | Edge():
            return node.source
        case Chain():
            return "".join(full(each) for each in node.nodes)
        case Choice():
            return f"(?:{'|'.join(full(each) for each in node.options)})"
        case AnyCase():
            return f"(?i:{full(node.node)})"
        case _:  # Repeat()
            most = "" if node.most is None else node.most
            return f"(?:{full(node.node)}){{{node.least},{most}}}{'?' * node.lazy}"


def begun(*nodes: Node) -> str:
    """A regular expression for every beginning of what the nodes match one after the other.

    Long repetitions lose their maximum: it would make the program many
    times larger only to let go a little earlier.
    """
    if not nodes:
        return ""
    head, rest = nodes[0], nodes[1:]
    match head:
        case Atom() | Edge():
            return f"(?:{head.source}{begun(*rest)})?"
        case Chain():
            return begun(*head.nodes, *rest)
        case Choice():
            parts = [begun(each) for each in head.options]
            return f"(?:{'|'.join(parts)}|{full(head)}{begun(*rest)})"
        case AnyCase():
            return f"(?:(?i:{begun(head.node)})|{full(head)}{begun(*rest)})"
        case Repeat(node=Atom(), most=1):
            return f"{full(head.node)}?{begun(*rest)}"
        case _:  # Repeat()
            many = "*" if head.most is None or head.most > MAX_COUNTED else f"{{0,{head.most}}}"
            if isinstance(head.node, Atom):
                return f"{full(head.node)}{many}{begun(*rest)}"
            return f"(?:{full(head.node)}){many}(?:{begun(head.node)}|{begun(*rest)})"


def head(node: Node, keywords: frozenset[str]) -> Node | None:
    """The first part of a node whose every match holds a keyword; None if some match holds none.

    `keywords` are in lower case. Only keywords that stand in the pattern letter by letter, not in
    classes or across groups, are seen.
    """
    match node:
        case Choice():
            heads = [head(each, keywords) for each in node.options]
            return None if None in heads else Choice(tuple(each for each in heads if each))
        case AnyCase():
            inner = head(node.node, keywords)
            return None if inner is None else AnyCase(inner)
        case Chain():
            return _head_of_chain(node, keywords)
        case Repeat():
            inner = head(node.node, keywords) if node.least else None
            return inner if inner is None or node.least == 1 else node
        case Atom():
            return node if node.source.removeprefix("\\").lower() in keywords else None
        case _:  # Edge()
            return None


def _head_of_chain(chain: Chain, keywords: frozenset[str]) -> Node | None:
    letters = ""
    for index, node in enumerate(chain.nodes):
        inner = head(node, keywords)
        if inner is not None:
            return Chain((*chain.nodes[:index], inner))
        literal = node.source.removeprefix("\\") if isinstance(node, Atom) else ""
        letters = letters + literal.lower() if len(literal) == 1 else ""
        if any(letters.endswith(keyword) for keyword in keywords):
            return Chain(chain.nodes[: index + 1])
    return None


def _width(node: Node) -> tuple[int, int]:
    """Least and most characters; a repetition without end counts by its least."""
    match node:
        case Atom():
            return 1, 1
        case Edge():
            return 0, 0
        case Chain():
            widths = [_width(each) for each in node.nodes]
            return sum(low for low, _ in widths), sum(high for _, high in widths)
        case Choice():
            widths = [_width(each) for each in node.options]
            return min(low for low, _ in widths), max(high for _, high in widths)
        case AnyCase():
            return _width(node.node)
        case _:  # Repeat()
            low, high = _width(node.node)
            return low * node.least, high * (node.least if node.most is None else node.most)


def _endless(node: Node) -> bool:
    """Tell whether a node can match without end."""
    match node:
        case Atom() | Edge():
            return False
        case Chain():
            return any(_endless(each) for each in node.nodes)
        case Choice():
            return any(_endless(each) for each in node.options)
        case AnyCase():
            return _endless(node.node)
        case _:  # Repeat()
            return node.most is None or _endless(node.node)


def _optional(node: Node) -> bool:
    """Tell whether a node may be left out."""
    match node:
        case Atom() | Edge():
            return False
        case Chain():
            return all(_optional(each) for each in node.nodes)
        case Choice():
            return any(_optional(each) for each in node.options)
        case AnyCase():
            return _optional(node.node)
        case _:  # Repeat()
            return node.least == 0 or _optional(node.node)


def _bounded(node: Node) -> bool:
    """Tell whether a match of any length has a short match at its beginning.

    Then a match may be cut off at a maximum, and what is left of it is still a match.
    """
    match node:
        case Atom() | Edge():
            return True
        case Chain():
            ends = [index for index, each in enumerate(node.nodes) if _endless(each)]
            after = node.nodes[ends[0] + 1 :] if ends else ()
            return all(map(_optional, after)) and all(_bounded(each) for each in node.nodes)
        case Choice():
            return all(_bounded(each) for each in node.options)
        case AnyCase():
            return _bounded(node.node)
        case _:  # Repeat()
            once = node.least <= 1 or not _endless(node.node)
            return once and _bounded(node.node)
