"""Files of others in the wheel are those in the table, unchanged, each with its licence."""

import hashlib
from pathlib import Path

import pytest

from remit.server import vendored
from remit.server.vendored import VENDORED, Vendored

FOLDER = Path(vendored.__file__).parent / "static" / "vendor"


def test_the_table_names_every_file_and_no_other() -> None:
    assert sorted(each.file for each in VENDORED) == sorted(p.name for p in FOLDER.iterdir())


@pytest.mark.parametrize("each", VENDORED, ids=lambda each: each.file)
def test_a_file_is_what_its_makers_published(each: Vendored) -> None:
    content = (FOLDER / each.file).read_bytes()
    assert hashlib.sha256(content).hexdigest() == each.sha256
    assert (FOLDER / each.licence_file).stat().st_size > 200
    assert b"sourceMappingURL" not in content, "a browser would ask for the map"


@pytest.mark.requirement("UX-2")
def test_own_scripts_are_few_and_need_no_exception_from_the_policy() -> None:
    scripts = sorted(FOLDER.parent.glob("*.js"))
    texts = [path.read_text() for path in scripts]
    assert sum(len(text.splitlines()) for text in texts) < 900
    for path, text in zip(scripts, texts, strict=True):
        assert text.startswith("// "), f"{path.name} says what it is for"
        for banned in (
            "innerHTML",
            "eval(",
            "new Function",
            "document.write",
            "http://",
            "https://",
        ):
            assert banned not in text, f"{path.name}: {banned}"
