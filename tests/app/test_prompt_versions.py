"""Prompts are versions of what runs were started with, and are read back from the journal."""

from pathlib import Path

import pytest

from remit import Agent
from remit.app.prompt_versions import prompts, rows_of
from tests.runtime.stage import journal_at, opened

pytestmark = pytest.mark.requirement("OPS-2", "GOV-3")


def worker(instructions: str) -> Agent[str]:
    return Agent("worker", model="scripted:x", instructions=instructions)


async def test_runs_with_equal_prompts_are_one_version_the_newest_first(tmp_path: Path) -> None:
    url = journal_at(tmp_path)
    plain, kind = worker("Be plain."), worker("Be kind.")
    async with opened(url, [plain], "One.", "Two.") as app:
        await app.run(plain, "Go")
        await app.run(plain, "Go")
    async with opened(url, [kind], "Three.", "Four.") as app:
        await app.run(kind, "Go")
        await app.run(kind, "Go", tenant="acme")
        rows = await rows_of(app.store, "local", "worker")
        found = await prompts(app.engine.reader, rows)
        assert [(it.text, it.runs) for it in found] == [("Be kind.", 1), ("Be plain.", 2)]
        assert found[1].first_ms <= found[1].last_ms <= found[0].first_ms
        everywhere = await prompts(app.engine.reader, await rows_of(app.store, None, "worker"))
        assert [(it.text, it.runs) for it in everywhere] == [("Be kind.", 2), ("Be plain.", 2)]
        assert await rows_of(app.store, "nobody", "worker") == [], "of another tenant nothing"
        assert await rows_of(app.store, "local", "stranger") == []
        assert found[0].digest == rows[0].spec
        assert found[0].text_digest != found[1].text_digest
