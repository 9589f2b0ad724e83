"""A key shows itself to nobody."""

import copy
import pickle

import pytest

from remit.adapters.models.key import MASK, ApiKey
from remit.errors import ConfigError

# Put together here, so that no scanner takes this file for a leak.
TEXT = "sk-" + "ant-" + "api03-" + "0123456789abcdefghij" * 4


@pytest.mark.requirement("SEC-3")
def test_no_way_of_printing_shows_it() -> None:
    key = ApiKey(TEXT, variable="X_KEY")
    for shown in (repr(key), str(key), f"{key}", f"{key!r}", repr([key]), repr({"key": key})):
        assert TEXT not in shown
        assert "0123456789" not in shown
    with pytest.raises(ConfigError, match="not pickled"):
        pickle.dumps(key)
    with pytest.raises(ConfigError, match="not pickled"):
        copy.deepcopy(key)
    assert key.reveal() == TEXT


@pytest.mark.requirement("SEC-3")
def test_text_is_scrubbed_of_the_key_and_of_its_parts() -> None:
    key = ApiKey(TEXT, variable="X_KEY")
    assert key.scrub(f"bad key {TEXT}!") == f"bad key {MASK}!"
    assert "0123456789ab" not in key.scrub("you sent " + TEXT[:30] + "...")
    assert key.scrub("nothing to see") == "nothing to see"
    short = ApiKey("k1-of-a-server", variable="X_KEY")
    assert short.scrub("k1-of-a-server and k2") == f"{MASK} and k2"


def test_a_placeholder_does_not_spoil_what_is_said() -> None:
    for text in ("k", "none", "ollama"):
        key = ApiKey(text, variable="X_KEY")
        assert key.scrub("ollama: check the network; none left") == (
            "ollama: check the network; none left"
        )


def test_a_newline_at_the_end_is_forgiven() -> None:
    assert ApiKey(" abc\n", variable="X_KEY").reveal() == "abc"


def test_a_missing_key_names_the_variable() -> None:
    with pytest.raises(ConfigError, match="no API key: set X_KEY"):
        ApiKey("\n", variable="X_KEY")


@pytest.mark.parametrize("text", ["two words", "line\nbreak", "schlüssel", "null\0byte"])
def test_what_no_header_can_carry_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ApiKey(text, variable="X_KEY")
    assert "X_KEY" in str(caught.value)
    assert text not in str(caught.value)
