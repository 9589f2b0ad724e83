"""The table of routes is what the reference page lists, and a route without a rule is refused."""

import re
from dataclasses import replace

import pytest

from remit.errors import SpecError
from remit.server.table import ROUTES, check
from tests.tidy.tree import ROOT


def test_the_reference_lists_every_route_with_its_rule() -> None:
    page = (ROOT / "docs/reference/api.md").read_text(encoding="utf-8")
    listed = page.split("<!-- routes -->")[1].strip().splitlines()[2:]
    made = [
        f"| `{each.method} {each.path}` | {each.needs} | {each.tenant} | {each.summary} |"
        for each in ROUTES
        if each.kind != "page"
    ]
    assert sorted(listed) == sorted(made)


def test_no_two_routes_are_one() -> None:
    check(ROUTES)
    with pytest.raises(SpecError, match="twice"):
        check((*ROUTES, replace(ROUTES[0], path="/elsewhere")))
    with pytest.raises(SpecError, match="twice"):
        check((*ROUTES, replace(ROUTES[0], name="another")))


def test_a_route_does_one_thing_and_says_what() -> None:
    with pytest.raises(SpecError, match="either"):
        check((replace(ROUTES[0], act=None),))
    with pytest.raises(SpecError, match="docstring"):
        check((replace(ROUTES[0], summary=""),))


def test_names_are_words() -> None:
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", each.name) for each in ROUTES)
