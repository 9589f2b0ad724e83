"""The real service, where a key is given: one small call, streaming and not."""

import os

import pytest

from remit.adapters.models.anthropic import AnthropicModel
from remit.values.model import Delta
from tests.adapters.models.conversations import request

KEY = os.environ.get("ANTHROPIC_API_KEY", "") if os.environ.get("REMIT_LIVE") else ""


@pytest.mark.requirement("TST-2")
@pytest.mark.skipif(not KEY, reason="needs REMIT_LIVE=1 and ANTHROPIC_API_KEY; costs a little")
@pytest.mark.parametrize("stream", [True, False])
async def test_the_service_answers(*, stream: bool) -> None:
    client = AnthropicModel(KEY)
    deltas: list[Delta] = []
    answer = await client.answer(
        request("Say only: hello", stream=stream), deadline_s=60, emit=deltas.append
    )
    await client.close()
    assert answer.parts
    assert not answer.left_out
    assert answer.usage.output > 0
    assert answer.request_id
    assert bool(deltas) is stream
