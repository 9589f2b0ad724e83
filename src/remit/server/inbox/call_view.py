"""What a call would do, for people: a file diff for new content, before and after, exact values."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from remit.errors import ArgumentError
from remit.server.inbox.exact_json import Lexeme, Members, dump, indented, parse
from remit.values.message import CallPart, Message, ResultPart
from remit.values.preview import SIGNS, Previewed, Sign, signed
from remit.values.visible import visible

# Names under which tools of many makers take a whole new text, and where it goes.
_CONTENTS = ("content", "contents", "new_content", "file_text", "text", "body", "source")
_PLACES = ("path", "file_path", "filepath", "file", "filename", "uri", "url", "key", "name", "id")
_CHANGES = (
    ("old_string", "new_string"),
    ("old_str", "new_str"),
    ("old_text", "new_text"),
    ("old", "new"),
    ("before", "after"),
    ("search", "replace"),
)
_LINE = 200  # characters that are read as one value
_CONTEXT = 3  # lines around a change, as `diff -u` has
# Comparing takes time with the square of the lines: two thousand take half a second at worst. A
# longer text is shown whole.
_MAX_LINES = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a diff."""

    sign: Sign
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One argument as a person reads it."""

    name: str
    value: str = ""
    """What it is, exactly; empty where `lines` tell it."""
    before: str | None = None
    """What stood there before, where the run has read that."""
    lines: tuple[Line, ...] = ()
    against: str = ""
    """What the lines, or `before`, are compared with, in words."""
    added: int = 0
    cut: int = 0

    @property
    def small(self) -> bool:
        """It fits on a line beside its name."""
        texts = (self.value, self.before or "")
        return not self.lines and all("\n" not in text and len(text) <= _LINE for text in texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A call's arguments, twice: as a person reads them, and exactly."""

    shown: tuple[Shown, ...]
    exact: str
    warning: str = ""
    would_do: Previewed | None = None
    """What its tool says it would do; people agree to that too."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """Those of what it would do."""
        shown = () if self.would_do is None else self.would_do.shown
        return tuple(Line(*signed(line)) for line in shown)


@dataclass(frozen=True, slots=True)
class _Past:
    """An earlier call of the run that worked."""

    call: str
    tool: str
    arguments: Members
    result: str


def view_call(
    arguments: str, messages: Sequence[Message] = (), preview: Previewed | None = None
) -> CallView:
    """How the arguments, as JSON text, are shown after what the run has read and written.

    Where the tool says itself what the call would do, nothing is guessed beside it.
    """
    try:
        tree = parse(arguments)
        exact = visible(indented(tree))
    except ArgumentError:
        wrong = "These are no valid JSON."
        return CallView(shown=(), exact=visible(arguments), warning=wrong, would_do=preview)
    if not isinstance(tree, Members):
        return CallView(shown=(), exact=exact, would_do=preview)
    warning = "A name stands twice: only its last value is taken." if tree.twice else ""
    past = tuple(_past(messages)) if preview is None else ()
    shown = tuple(_shown(tree, past))
    return CallView(shown=shown, exact=exact, warning=warning, would_do=preview)


def _shown(tree: Members, past: Sequence[_Past]) -> Iterator[Shown]:
    named = tree.named
    pair = next((pair for pair in _CHANGES if _both_texts(named, pair)), None)
    record, known = _record(tree, past)
    for name, value in named.items():
        if pair is not None and name == pair[0]:
            continue
        if pair is not None and name == pair[1]:
            old, new = str(named[pair[0]]), str(named[pair[1]])
            yield _diff(f"{pair[0]} → {name}", old, new, "what is replaced")
        elif isinstance(value, str) and (name in _CONTENTS or "\n" in value):
            yield _content(tree, name, value, past)
        else:
            before = _before(record, name, value)
            yield Shown(
                name=visible(name),
                value=visible(_plain(value)),
                before=None if before is None else visible(before),
                against="" if before is None else known,
            )


def _both_texts(named: dict[str, object], pair: tuple[str, str]) -> bool:
    return all(isinstance(named.get(name), str) for name in pair)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else indented(value)


# ---------------------------------------------------------------- content


def _content(tree: Members, name: str, value: str, past: Sequence[_Past]) -> Shown:
    """A whole new text, against what the run last saw at the same place."""
    place = next((each for each in _PLACES if isinstance(tree.named.get(each), str)), None)
    if place is None or name not in _CONTENTS:
        return _whole(name, value, "")
    for each in reversed(past):
        if each.arguments.named.get(place) != tree.named[place]:
            continue
        written = next((each.arguments.named.get(key) for key in _CONTENTS), None)
        written = each.arguments.named.get(name, written)
        if isinstance(written, str):
            return _diff(name, written, value, f"what the run wrote there ({each.tool})")
        if len(each.arguments.pairs) == 1:  # more would be a part of it, or something else
            return _diff(name, each.result, value, f"what the run read there ({each.tool})")
    return _whole(name, value, "the run has not read what is there now")


def _whole(name: str, text: str, against: str) -> Shown:
    lines = tuple(Line("add", visible(each)) for each in text.splitlines())
    return Shown(name=visible(name), lines=lines, against=against, added=len(lines))


def text_diff(old: str, new: str) -> tuple[Line, ...]:
    """A unified diff of two texts; the whole new one where they are too long to be compared."""
    return _diff("", old, new, "").lines


def _diff(name: str, old: str, new: str, against: str) -> Shown:
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > _MAX_LINES:
        return _whole(name, new, f"too long to be compared with {against}")
    lines = tuple(_unified(before, after))
    if not lines:
        lines = (Line("place", "nothing would change but line ends"),)
    return Shown(
        name=visible(name),
        lines=lines,
        against=against,
        added=sum(line.sign == "add" for line in lines),
        cut=sum(line.sign == "cut" for line in lines),
    )


def _unified(before: list[str], after: list[str]) -> Iterator[Line]:
    found = difflib.unified_diff(before, after, lineterm="", n=_CONTEXT)
    for number, line in enumerate(found):
        if number < 2:  # noqa: PLR2004  # the two lines that name the files
            continue
        sign = SIGNS[line[0]]
        yield Line(sign, visible(line if sign == "place" else line[1:]))


# ---------------------------------------------------------------- records


def _record(tree: Members, past: Sequence[_Past]) -> tuple[Members | None, str]:
    """The object that the run last read by an argument which this call has too."""
    mine = {(name, dump(value)) for name, value in tree.pairs if _names_a_thing(value)}
    for each in reversed(past):
        theirs = {(name, dump(value)) for name, value in each.arguments.pairs}
        if not (mine & theirs):
            continue
        try:
            found = parse(each.result)
        except ArgumentError:
            continue
        if isinstance(found, Members):
            return found, f"as the run read it ({each.tool})"
    return None, ""


def _names_a_thing(value: object) -> bool:
    return isinstance(value, str | Lexeme)


def _before(record: Members | None, name: str, value: object) -> str | None:
    """What the record has in place of this value; None where it has nothing else."""
    if record is None or name not in record.named or dump(record.named[name]) == dump(value):
        return None
    return _plain(record.named[name])


def _past(messages: Sequence[Message]) -> Iterator[_Past]:
    """The calls of a conversation that worked, in the order of their answers."""
    calls: dict[str, CallPart] = {}
    for part in (part for message in messages for part in message.parts):
        if isinstance(part, CallPart):
            calls[part.call] = part
        elif isinstance(part, ResultPart) and not part.is_error and part.call in calls:
            asked = calls[part.call]
            try:
                tree = parse(asked.arguments)
            except ArgumentError:
                continue
            if isinstance(tree, Members):
                yield _Past(part.call, asked.tool, tree, part.text)
