"""Schemathesis attacks a real server by its own OpenAPI document, and finds nothing."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from remit.server.openapi import document
from remit.server.table import ROUTES
from tests.cli.terminal import Remit

APP = Path(__file__).with_name("fuzzed.py")
ROLES = ("operator", "approver", "admin")


@pytest.mark.requirement("TEN-1", "SEC-3")
def test_schemathesis_finds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REMIT_URL", f"sqlite:///{tmp_path / 'j.db'}")
    roles = [word for role in ROLES for word in ("--role", role)]
    token = Remit().tree("--tenant", "acme", "key", "create", "fuzz", *roles, "--person", "zoe")
    command = [sys.executable, "-m", "remit", "serve", f"{APP}:make", "--port", "0", "--json"]
    log = tmp_path / "server.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=os.environ) as server,
    ):
        try:
            assert server.stdout is not None
            url = json.loads(server.stdout.readline())["url"]
            found = _attack(url, str(token["token"]), tmp_path)
        finally:
            server.terminate()
            server.wait()
    assert found.returncode == 0, f"{found.stdout[-20_000:]}\n{log.read_text()[-2000:]}"
    assert re.search(r"\d{3,} generated", found.stdout), found.stdout[-2000:]
    assert "Traceback" not in log.read_text()


def _attack(url: str, token: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "schemathesis.cli",
            *("run", f"{url}/api/v1/openapi.json"),
            *("--header", f"Authorization: Bearer {token}"),
            *("--checks", "all", "--phases", "coverage,fuzzing", "--max-examples", "6"),
            # It finds the id of its own key in the list of keys, and would end itself.
            *("--exclude-operation-id", "revoke_key"),
            *("--seed", "1", "--generation-database", "none", "--no-color", "--warnings", "off"),
        ],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


def test_the_document_is_well_formed() -> None:
    made = json.loads(json.dumps(document(ROUTES)))
    assert made["openapi"] == "3.1.0"
    for name, schema in made["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema.get("description") or "properties" not in schema, f"{name} says what it is"
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(made)))
    assert references <= set(made["components"]["schemas"])
    operations = [each["operationId"] for path in made["paths"].values() for each in path.values()]
    assert len(operations) == len(set(operations))
    assert len(operations) == sum(route.kind == "api" for route in ROUTES)
