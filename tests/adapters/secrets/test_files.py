"""Secrets from a folder: one file for each, under its name or as containers write it."""

from pathlib import Path

import pytest

from remit.adapters.secrets.files import FileSecrets
from remit.errors import ConfigError


def folder_with(path: Path, **files: str) -> FileSecrets:
    for name, content in files.items():
        file = path / name.replace("__", "-")
        file.write_text(content)
        file.chmod(0o600)
    return FileSecrets(path)


@pytest.mark.requirement("SEC-5")
@pytest.mark.parametrize("name", ["API_KEY", "api_key", "api__key"])
def test_a_secret_is_found_under_the_names_that_containers_use(tmp_path: Path, name: str) -> None:
    assert folder_with(tmp_path, **{name: "s3cret\n"}).read("API_KEY") == "s3cret"


@pytest.mark.requirement("SEC-5")
def test_the_exact_name_wins_and_each_read_is_fresh(tmp_path: Path) -> None:
    source = folder_with(tmp_path, API_KEY="exact", api_key="lower")
    assert source.read("API_KEY") == "exact"
    (tmp_path / "API_KEY").write_text("rotated")
    assert source.read("API_KEY") == "rotated"
    assert source.read("OTHER") is None
    assert source.where("OTHER") == f"the file {tmp_path}/OTHER"


@pytest.mark.requirement("SEC-5")
@pytest.mark.parametrize("name", ["../etc/passwd", "/etc/passwd", "a/b", "", ".hidden", "x" * 200])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be a file's"):
        FileSecrets(tmp_path).read(name)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"/none: there is no such folder of secrets"):
        FileSecrets(tmp_path / "none")
