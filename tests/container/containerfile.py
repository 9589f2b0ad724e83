"""Reads a Containerfile: instructions by stage, as far as ours uses them."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

_WORDS = re.compile(r"\s+")


@dataclass(slots=True)
class Stage:
    """One FROM and what follows it."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """What the instruction says, each time it stands there."""
        return [rest for name, rest in self.steps if name == word]

    def one(self, word: str) -> str:
        """What the instruction says that stands there once."""
        (found,) = self.all(word)
        return found

    def words(self, word: str) -> list[str]:
        """The words of an instruction in exec form, which needs no shell."""
        found = json.loads(self.one(word))
        assert isinstance(found, list)
        return [str(each) for each in found]

    @property
    def env(self) -> dict[str, str]:
        """All variables it sets."""
        pairs = (each.split("=", 1) for rest in self.all("ENV") for each in _WORDS.split(rest))
        return dict(pairs)


def stages(path: Path) -> list[Stage]:
    """The stages of a file in their order."""
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if not word:
            continue
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        else:
            found[-1].steps.append((word, rest.strip()))
    return found
