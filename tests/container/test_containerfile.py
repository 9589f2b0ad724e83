"""The Containerfile: no root, nothing unhashed; what it starts is ready, healthy, and drains."""

import fnmatch
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.container.containerfile import Stage, stages

REPO = Path(__file__).resolve().parents[2]
BUILD, FINAL = stages(REPO / "Containerfile")
PATIENCE_S = 60


def copied(stage: Stage) -> list[str]:
    """What is copied from the repository."""
    found: list[str] = []
    for rest in stage.all("COPY"):
        words = rest.split()
        if not words[0].startswith("--from="):
            found += words[:-1]
    return found


@pytest.mark.requirement("OPS-5")
def test_everything_copied_is_there_and_let_into_the_context() -> None:
    lines = (REPO / ".containerignore").read_text().splitlines()
    let_in = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    for name in (*copied(BUILD), *copied(FINAL)):
        assert (REPO / name).exists(), name
        assert any(name == each or name.startswith(f"{each}/") for each in let_in), name
    barred = [line for line in lines if line.startswith("**/")]
    for name in ("src/journal.db", "src/journal.db.keys", "src/remit/__pycache__"):
        assert any(fnmatch.fnmatch(Path(name).name, each[3:]) for each in barred), name


@pytest.mark.requirement("OPS-5", "SEC-3")
def test_nothing_is_installed_without_its_hash_and_nothing_from_elsewhere() -> None:
    installs = [rest for rest in BUILD.all("RUN") if " install " in rest]
    assert len(installs) == 2
    locked, own = installs
    assert "--require-hashes" in locked
    assert "--no-deps" in locked
    assert {"--no-index", "--no-deps", "--no-build-isolation"} <= set(own.split())
    names = re.findall(r"-r (\S+)", locked)
    assert names == ["requirements-serve.lock"]
    lock = (REPO / names[0]).read_text()
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock, flags=re.MULTILINE)
    assert {"uvicorn", "starlette", "psycopg", "hatchling"} <= {name for name, _ in pins}
    dev = (REPO / "requirements-dev.lock").read_text()
    for name, version in pins:
        assert f"\n{name}=={version} " in f"\n{dev}", f"{name} {version} is not what is tested"


@pytest.mark.requirement("OPS-5", "SEC-3")
def test_it_runs_as_nobody_in_particular() -> None:
    user = FINAL.one("USER")
    number = user.split(":")[0]
    assert number.isdigit()
    assert int(number) >= 10_000
    assert f"--uid {number} " in FINAL.one("RUN")
    order = [name for name, _ in FINAL.steps]
    assert order.index("USER") > max(at for at, name in enumerate(order) if name in ("RUN", "COPY"))
    assert FINAL.one("STOPSIGNAL") == "SIGTERM"
    assert FINAL.base == BUILD.base
    assert re.fullmatch(r"python:3\.\d+-slim", FINAL.base)
    assert FINAL.one("EXPOSE") == FINAL.env["PORT"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310  # own server
            return int(answer.status)
    except urllib.error.HTTPError as exc:
        return exc.code


@pytest.mark.requirement("OPS-5", "PROV-7")
def test_what_it_starts_is_ready_and_healthy_and_ends_on_its_signal(tmp_path: Path) -> None:
    home = tmp_path / "data"
    home.mkdir()
    (tmp_path / "app").mkdir()
    app = tmp_path / "app" / "app.py"
    app.write_text((REPO / "examples/first_server/app.py").read_text())
    port = free_port()
    variables = {**FINAL.env, "PATH": os.environ["PATH"], "HOME": str(home), "PORT": str(port)}
    command = [*FINAL.words("ENTRYPOINT"), *FINAL.words("CMD")]
    assert command[0] == "remit"
    assert command[-1].startswith("/app/app.py:")
    command[-1] = command[-1].replace("/app/app.py", str(app))
    # On this machine only: the address of the image is for a container's network of its own.
    command[command.index("--host") + 1] = "127.0.0.1"
    own = [sys.executable, "-m", "remit", *command[1:], "--json"]
    with subprocess.Popen(own, cwd=home, env=variables, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["url"].endswith(f":{port}")
            assert status(f"{told['url']}/readyz") == 200
            health = FINAL.one("HEALTHCHECK").partition("CMD ")[2]
            check = json.loads(health)
            assert check[0] == "python"
            check[0] = sys.executable
            assert subprocess.run(check, env=variables, check=False).returncode == 0
            process.send_signal(getattr(signal, FINAL.one("STOPSIGNAL")))
            assert process.wait(PATIENCE_S) == 0
            until = time.monotonic() + PATIENCE_S
            while subprocess.run(check, env=variables, check=False, stderr=-3).returncode == 0:
                assert time.monotonic() < until
        finally:
            process.kill()
    assert [path.name for path in (home / ".remit").glob("*.db")] == ["journal.db"]
