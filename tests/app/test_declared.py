"""Agents are found by name, sub-agents too; prompts are read from files within bounds."""

from pathlib import Path

import pytest

from remit.app.declared import by_name, read_prompt
from remit.errors import SpecError
from tests.runtime.stage import an_agent


def test_every_agent_has_its_name_also_below_others() -> None:
    leaf = an_agent("leaf")
    left, right = an_agent("left", agents=[leaf]), an_agent("right", agents=[leaf])
    top = an_agent("top", agents=[left, right])
    assert by_name([top, leaf]) == {"top": top, "left": left, "right": right, "leaf": leaf}


def test_a_name_means_one_agent() -> None:
    with pytest.raises(SpecError, match="two agents are named 'twin'"):
        by_name([an_agent("twin"), an_agent("top", agents=[an_agent("twin")])])


@pytest.mark.requirement("OPS-2")
def test_a_prompt_is_read_and_what_cannot_be_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "prompt.md"
    file.write_text("Be kind.", encoding="utf-8")
    assert read_prompt(str(file)) == "Be kind."
    with pytest.raises(SpecError, match="cannot be read"):
        read_prompt(str(tmp_path / "gone.md"))
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SpecError, match="cannot be read"):
        read_prompt(str(file))
    file.write_text("x" * (1024 * 1024 + 1), encoding="utf-8")
    with pytest.raises(SpecError, match="more than 1048576 bytes"):
        read_prompt(str(file))
