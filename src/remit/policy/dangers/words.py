"""Takes shell text apart: pipelines of commands with their words, quotes and escapes undone.

This is no shell: what cannot be known from the text (variables, substitutions) stays visible as
`$…`, and what is inside substitutions is taken apart as commands of its own. After the grammar of
POSIX.1-2017, Shell Command Language, with the additions of bash that hide commands.
"""

import re
from dataclasses import dataclass, field

from remit.errors import ArgumentError

MAX_TEXT = 20_000
"""Characters that are looked at; a longer command is nothing that a rule could vouch for."""
_MAX_DEPTH = 6

_OPERATORS = (";;", "&&", "||", "|&", ";", "|", "&", "\n", "(", ")")
_ANSI = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|u[0-9a-fA-F]{1,4}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b"}
_BLANK_VARIABLE = re.compile(r"\$\{?IFS\}?(%%\?)?|\$\{IFS[^}]*\}")
_BRACES = re.compile(r"^([^{}\s]*)\{([^{}\s]*,[^{}\s]*)\}([^{}\s]*)$")


@dataclass(slots=True)
class Command:
    """One simple command: its words, and the files it redirects to."""

    words: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    fed: str = ""
    """What a here-string gives it to read."""


Pipeline = list[Command]


def pipelines(text: str, depth: int = 0) -> list[Pipeline]:
    """The pipelines of a script, those inside substitutions too. Raises `ArgumentError`."""
    if len(text) > MAX_TEXT or depth > _MAX_DEPTH:
        raise ArgumentError("the command is too long, or nested too deep, to be looked at")
    reader = _Reader(_BLANK_VARIABLE.sub(" ", text.replace("\\\n", "")), depth)
    reader.read()
    return reader.found


class _Reader:
    """Reads a script from left to right."""

    def __init__(self, text: str, depth: int) -> None:
        self.text = text
        self.at = 0
        self.depth = depth
        self.found: list[Pipeline] = []
        self.pipe: Pipeline = [Command()]
        self.word: str | None = None
        self.target = ""

    def read(self) -> None:
        while self.at < len(self.text):
            self._step()
        self._end_pipe()

    def _step(self) -> None:
        text, char = self.text, self.text[self.at]
        if char == "#" and self.word is None:
            end = text.find("\n", self.at)
            self.at = len(text) if end < 0 else end
        elif char in "<>":
            self._redirect()
        elif (operator := self._operator()) is not None:
            self.at += len(operator)
            self._end_word()
            if operator in ("|", "|&"):
                self.pipe.append(Command())
            else:
                self._end_pipe()
        elif char in " \t\r":
            self.at += 1
            self._end_word()
        else:
            self._character(char)

    def _operator(self) -> str | None:
        for each in _OPERATORS:
            if self.text.startswith(each, self.at):
                return each
        return None

    def _character(self, char: str) -> None:
        if char == "'":
            self._take_until("'")
        elif char == '"':
            self._double()
        elif char == "\\":
            self._add(self.text[self.at + 1 : self.at + 2])
            self.at += 2
        elif char == "`":
            self._inner(self.at + 1, "`")
        elif char == "$":
            self._dollar()
        else:
            self._add(char)
            self.at += 1

    def _take_until(self, mark: str) -> None:
        end = self.text.find(mark, self.at + 1)
        end = len(self.text) if end < 0 else end
        self._add(self.text[self.at + 1 : end])
        self.at = end + 1

    def _double(self) -> None:
        self._add("")
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            char = self.text[self.at]
            if char == "\\" and self.text[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`"):
                self._add(self.text[self.at + 1])
                self.at += 2
            elif char == "`":
                self._inner(self.at + 1, "`")
            elif char == "$":
                self._dollar()
            else:
                self._add(char)
                self.at += 1
        self.at += 1

    def _dollar(self) -> None:
        after = self.text[self.at + 1 : self.at + 2]
        if after == "'":
            end = self.at + 2
            while end < len(self.text) and self.text[end] != "'":
                end += 2 if self.text[end] == "\\" else 1
            self._add(_ANSI.sub(_unescaped, self.text[self.at + 2 : end]))
            self.at = end + 1
        elif after == "(":
            self._inner(self.at + 2, ")")
        elif after == '"':
            self.at += 1
        else:
            self._add("$")
            self.at += 1

    def _inner(self, start: int, mark: str) -> None:
        """A substitution: its commands are found, the word shows that there was one."""
        end = start + _closing(self.text[start:], mark)
        inner = self.text[start:end]
        self.found += pipelines(inner, self.depth + 1)
        self._add(f"$({inner})")
        self.at = end + 1

    def _redirect(self) -> None:
        text = self.text
        if self.word is not None and self.word.isdigit():
            self.word = None  # the number of a descriptor
        self._end_word()
        sign = text[self.at]
        if text[self.at + 1 : self.at + 2] == "(":
            start = self.at + 2
            self._inner(start, ")")
            return
        while self.at < len(text) and text[self.at] in "<>&|":
            self.at += 1
        run = text[: self.at]
        self.target = "fed" if run.endswith("<<<") else ("write" if sign == ">" else "read")

    def _add(self, text: str) -> None:
        self.word = text if self.word is None else self.word + text

    def _end_word(self) -> None:
        word, self.word = self.word, None
        if word is None:
            return
        command = self.pipe[-1]
        target, self.target = self.target, ""
        if target == "write":
            command.writes.append(word)
        elif target == "read":
            command.reads.append(word)
        elif target == "fed":
            command.fed = word
        else:
            braces = _BRACES.match(word)
            if braces is None:
                command.words.append(word)
            else:
                before, inner, after = braces.groups()
                command.words += [f"{before}{each}{after}" for each in inner.split(",")]

    def _end_pipe(self) -> None:
        self._end_word()
        if any(each.words or each.writes or each.reads for each in self.pipe):
            self.found.append(self.pipe)
        self.pipe, self.target = [Command()], ""


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "xu" and len(code) > 1:
        return chr(int(code[1:], 16))
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return _LETTERS.get(code, code)


def _closing(text: str, mark: str) -> int:
    """Where a substitution ends: at its own mark, outside of quotes."""
    if mark == "`":
        end = text.find("`")
        return len(text) if end < 0 else end
    depth, at, quote = 1, 0, ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at
        at += 1
    return len(text)
