"""Every code block in the documentation does what its page says."""

from pathlib import Path

import pytest

from tests.docs.blocks import BlockError, blocks, pages, run_page
from tests.tidy.tree import ROOT


@pytest.mark.parametrize("page", pages(ROOT))
def test_the_blocks_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_page(ROOT, page, tmp_path, monkeypatch)


def write(root: Path, text: str) -> Path:
    """Make a small repository with one page; `~~~` stands for a fence."""
    (root / "README.md").write_text(text.replace("~~~", "```"), encoding="utf-8")
    (root / "tests").mkdir()
    (root / "tests" / "test_x.py").write_text('PAGE = "README.md"\n\ndef test_it() -> None: ...\n')
    (root / "tests" / "test_y.py").write_text("def test_it() -> None: ...\n")
    (root / "run").mkdir()
    return root


WRONG = {
    "an exception": ("# A\n\n~~~python\nx = 1\n1 / 0\n~~~\n", "README.md:4: ZeroDivisionError"),
    "no Python": ("~~~python\nx = = 1\n~~~\n", "README.md:2: SyntaxError"),
    "a hidden part": ('~~~python\nif __name__ == "__main__":\n    x\n~~~\n', "the guard hides"),
    "a failing command": (
        "~~~console\n$ true\n$ exit 3\n~~~\n",
        "README.md:3: `exit 3` ended with 3",
    ),
    "another output": (
        "~~~console\n$ echo a\nb\n~~~\n",
        "the page says\nb\n\nbut this was printed\na",
    ),
    "output of Python": (
        "~~~python\nprint(1)\n~~~\n\n<!-- block: output -->\n~~~text\n2\n~~~\n",
        "README.md:7: the page says\n2",
    ),
    "output of nothing": ("<!-- block: output -->\n~~~text\n2\n~~~\n", "nothing ran before"),
    "no prompt": ("~~~console\nls\n~~~\n", "starts with `$ command`"),
    "no language": ("~~~\nls\n~~~\n", "name a language"),
    "an unknown language": ("~~~bash\nls\n~~~\n", "language 'bash' is not known"),
    "bad toml": ("~~~toml\na = \n~~~\n", "is no valid toml"),
    "bad json": ("~~~json\n{,}\n~~~\n", "is no valid json"),
    "an unknown marker": ("<!-- block: skip -->\n~~~python\n1\n~~~\n", "unknown marker 'skip'"),
    "a file outside": ("<!-- block: file ../x.py -->\n~~~python\n1\n~~~\n", "unknown marker"),
    "an unused file": ("<!-- block: file x.py -->\n~~~python\n1\n~~~\n", "uses the file x.py"),
    "a broken file": ("<!-- block: file x.py -->\n~~~python\n1 +\n~~~\n", "is no valid python"),
    "no such file": (
        "<!-- block: shown by tests/test_z.py::test_it -->\n~~~python\n1\n~~~\n",
        "must be: shown by tests/",
    ),
    "no such test": (
        "<!-- block: shown by tests/test_x.py::test_no -->\n~~~python\n1\n~~~\n",
        "there is no test_no in tests/test_x.py",
    ),
    "a test of something else": (
        "<!-- block: shown by tests/test_y.py::test_it -->\n~~~python\n1\n~~~\n",
        'must read this page: it never names "README.md"',
    ),
    "an open fence": ("# A\n~~~python\n1\n", "README.md:2: this block is never closed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_block_is_found(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, complaint = WRONG[case]
    root = write(tmp_path, text)
    with pytest.raises(BlockError) as caught:
        run_page(root, "README.md", root / "run", monkeypatch)
    assert complaint in str(caught.value)


RIGHT = """
# A page

<!-- block: file deep/settings.toml -->
~~~toml
name = "ann"
~~~

<!-- block: file greet.py -->
~~~python
def greet(name: str) -> str:
    return f"Hello {name}"
~~~

1. In a list:

   ~~~python
   import inspect
   import tomllib
   from pathlib import Path

   from greet import greet

   def ask() -> str:
       return greet(tomllib.loads(Path("deep/settings.toml").read_text())["name"])

   print(ask())
   ~~~

   <!-- block: output -->

   ~~~text
   Hello ...
   ~~~

~~~python
assert ask() == "Hello ann"
assert "return greet" in inspect.getsource(ask)
~~~

~~~console
$ echo one; \\
  echo two
one
...
$ pwd > where
$ cat where
/...
~~~

<!-- block: shown by tests/test_x.py::test_it -->
~~~console
$ no-such-command
~~~
"""


def test_a_right_page_runs_in_its_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(tmp_path, RIGHT)
    assert [each.language for each in blocks(root, "README.md")] == [
        "toml", "python", "python", "text", "python", "console", "console",
    ]  # fmt: skip
    run_page(root, "README.md", root / "run", monkeypatch)
    assert (root / "run" / "where").read_text().strip() == str(root / "run")
