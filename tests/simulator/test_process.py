"""Serving from a program: the line that tells the address goes where the caller wants it."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal
from remit.simulator.process import serve

def ready(line: str) -> None:
    print("told", line, flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

serve(ready=ready)
print("ended", flush=True)
"""


@pytest.mark.requirement("TST-3")
def test_the_caller_is_told_the_address() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    told, ended = done.stdout.splitlines()
    assert told.startswith('told {"url": "http://127.0.0.1:')
    assert ended == "ended"
