"""The adapters that users name are reached through the public face."""

import pytest

import remit
from remit.app import offered


@pytest.mark.parametrize("name", offered.__all__)
def test_what_is_offered_is_public(name: str) -> None:
    assert name in remit.__all__
    assert getattr(remit, name) is getattr(offered, name)
