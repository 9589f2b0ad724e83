"""Secrets from variables, as they are when they are read, and from files that variables name."""

from pathlib import Path

import pytest

from remit.adapters.secrets.environment import EnvironmentSecrets
from remit.errors import ConfigError


@pytest.mark.requirement("SEC-5")
def test_a_variable_is_read_when_it_is_asked_for() -> None:
    variables = {"KEY": "one"}
    source = EnvironmentSecrets(variables)
    assert source.read("KEY") == "one"
    variables["KEY"] = "two"
    assert source.read("KEY") == "two"
    assert source.read("OTHER") is None
    assert source.where("KEY") == "KEY (or KEY_FILE, a file with it)"


@pytest.mark.requirement("SEC-5")
def test_the_file_counts_where_the_variable_is_empty(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from the file\n")
    file.chmod(0o600)
    variables = {"KEY": "", "KEY_FILE": str(file)}
    assert EnvironmentSecrets(variables).read("KEY") == "from the file"
    variables["KEY"] = "direct"
    assert EnvironmentSecrets(variables).read("KEY") == "direct"


@pytest.mark.requirement("SEC-5")
def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"KEY_FILE: there is no file .*/none; mend"):
        EnvironmentSecrets({"KEY_FILE": str(tmp_path / "none")}).read("KEY")
