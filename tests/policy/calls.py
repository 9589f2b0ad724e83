"""Rules and calls as hypothesis makes them: many kinds that meet often, and at odd places."""

import json

from hypothesis import strategies as st

from remit.policy.permission import Question, Rule
from remit.policy.rule import ArgumentPattern, Effect
from remit.policy.where import Where

EFFECTS: list[Effect] = ["allow", "ask", "deny"]
NAMES = ("a", "a", "a", "b", "a.b", "*", "a.*", "*.b")
TEXTS = (
    "x", "y", "true", "no", " Yes ", "5", "5.0", "05", "1e1", "-3", "NaN", "sNaN", "Infinity", "",
    "/srv/a/x", "/srv/a", "/srv/ab", "/", "srv/a", "../srv/a", "/srv/a/../b", "$HOME/a", "~/a",
    "file:///srv/a/x", "\\srv\\a", "/srv/%61", "a\0", "https://api.example/x", "api.example",
    "http://evil.api.example:80/", "http://127.0.0.1/", "http://0x7f.1/", "http://[::1]/",
    "https://u@api.example/", "//api.example", "http://API.example./", "ann@bad.example",
    "ann[1]", "a]b", "line\nbreak", "\ud800", "x" * 300 + "y", "rm -rf /", "xx",
)  # fmt: skip
NUMBERS = (0, 5, 5.0, -3, 10, 10**30, 1e300)
GLOBS = (
    "*", "x", "x*", "*y", "ann@*", "*@bad.example", "?", "ann[[]1]", "[xy]", "[!x]", "a]*", "[",
    "a[b", "*e*", "/srv/*", "", "[]x]", "*[0-9]",
)  # fmt: skip
PATTERNS = ("x", "^x", "y$", "^$", r"\d", "(?i)YES", "@bad", "^.*y$", "[^x]")
ROOTS = ("/srv/a", "/srv/a/", "/", "srv", ".", "~/a", "../srv", "/srv/a/../b")
HOSTS = ("api.example", "*.api.example", "127.0.0.1", "[::1]", "*", "API.example.", "2130706433")
BOUNDS = ("5", "5.0", "-3", "10", "1e30", "0.1", "123456789012345678901234567890.5")

_wanted = st.lists(st.sampled_from([*TEXTS, True, False, 5, 10, -3]), min_size=1, max_size=3).map(
    tuple
)
_some = {
    "glob": st.lists(st.sampled_from(GLOBS), min_size=1, max_size=2).map(tuple),
    "beneath": st.lists(st.sampled_from(ROOTS), min_size=1, max_size=2).map(tuple),
    "host_in": st.lists(st.sampled_from(HOSTS), min_size=1, max_size=2).map(tuple),
    "one_of": _wanted,
    "equals": st.sampled_from([*TEXTS, True, False, 5, 10]),
    "pattern": st.sampled_from(PATTERNS),
    "at_least": st.sampled_from(BOUNDS),
    "above": st.sampled_from(BOUNDS),
    "at_most": st.sampled_from(BOUNDS),
    "below": st.sampled_from(BOUNDS),
    "private_host": st.just(value=True),
    "danger": st.sampled_from([("shell",), ("http", "file")]),
}


@st.composite
def wheres(draw: st.DrawFn) -> Where:
    """A predicate of any kind; a range may have two ends."""
    kind = draw(st.sampled_from(sorted(_some)))
    given = {"name": draw(st.sampled_from(NAMES)), kind: draw(_some[kind])}
    if kind in ("at_least", "above") and draw(st.booleans()):
        given["below"] = draw(_some["below"])
    return Where.model_validate(given | {"negate": draw(st.integers(0, 5)) == 0})


# Most rules are about everybody, so that their predicates decide.
_names = (
    st.just(())
    | st.just(())
    | st.just(())
    | st.lists(st.sampled_from(["ann", "bob", "a*", "*", "[ab]*"]), max_size=2).map(tuple)
)


@st.composite
def _rules(draw: st.DrawFn) -> Rule:
    pattern = st.builds(
        ArgumentPattern, name=st.sampled_from(NAMES), pattern=st.sampled_from(PATTERNS)
    )
    return Rule(
        id=draw(st.text("abcdef", min_size=1, max_size=4)),
        effect=draw(st.sampled_from(EFFECTS)),
        tool=draw(st.sampled_from(["t", "t", "*", "t*", "s/*", "u"])),
        needed=draw(st.integers(1, 2)),
        where=tuple(draw(st.lists(wheres(), min_size=1, max_size=2))),
        arguments=tuple(draw(st.just([]) | st.lists(pattern, max_size=1))),
        users=draw(_names),
        tenants=draw(_names),
        roles=draw(_names),
        agents=draw(_names),
    )


@st.composite
def alike(draw: st.DrawFn) -> list[Where]:
    """Predicates of one kind about one argument, with none turned round."""
    kind = draw(st.sampled_from(["glob", "beneath", "host_in", "one_of", "pattern", "at_least"]))
    ends = [kind, "above", "at_most", "below"] if kind == "at_least" else [kind]
    if kind == "one_of":
        ends = ["one_of", "equals"]
    made = []
    for _ in range(draw(st.integers(1, 12))):
        end = draw(st.sampled_from(ends))
        made.append(Where.model_validate({"name": "a", end: draw(_some[end])}))
    return made


RULES = st.lists(_rules(), max_size=24, unique_by=lambda each: each.id)
_leaf = st.sampled_from([*TEXTS, *NUMBERS, True, False, None])
VALUES = st.sampled_from([*TEXTS, *NUMBERS, True, False, None])
_value = _leaf | st.lists(_leaf, max_size=3) | st.dictionaries(st.sampled_from("bc"), _leaf)
_who = st.sampled_from(["ann", "bob", "carl", ""])


def json_of(arguments: object) -> str:
    """The arguments as a model might write them."""
    return json.dumps(arguments)


def ask(arguments: str = "{}", **circumstances: str) -> Question:
    """A write of low risk."""
    return Question(tool="t", access="write", risk="low", arguments=arguments, **circumstances)  # type: ignore[arg-type]  # names of fields that are texts


CALLS = st.builds(
    Question,
    tool=st.sampled_from(["t", "t", "t", "tt"]),
    server=st.sampled_from(["", "", "", "s"]),
    access=st.just("write"),
    risk=st.just("low"),
    arguments=st.dictionaries(st.sampled_from("aaab"), _value, min_size=1).map(json_of),
    user=_who,
    tenant=_who,
    agent=_who,
    roles=st.lists(_who, max_size=2).map(tuple),
)
