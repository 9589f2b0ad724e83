"""Where the demo plays: a scratch repository with a bug, and a scripted provider beside it."""

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from remit.app.config import Settings
from remit.app.load import make_model, make_sandbox
from remit.errors import ConfigError, MissingExtra, OutsideError
from remit.ports import Model
from remit.values.command import Command, Finished

FOLDER = Path(".remit", "demo")
TASK = "A receipt with `2 x 1.50` adds up wrongly, see the failing tests. Fix it and commit."
_STATE = "stage.json"
_MOST = 10_000  # scratch repositories side by side; whoever has more should remove some
_GIT_S = 60
_START_S = 30.0  # an interpreter that needs longer to start serves nobody
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Stage:
    """One scratch repository, numbered."""

    folder: Path

    @property
    def repo(self) -> Path:
        """The repository that the agent works on."""
        return self.folder / "repo"

    @property
    def session(self) -> str:
        """The session of its run, by which the run is found again."""
        return f"demo-{self.folder.name}-{self.token}"

    @property
    def token(self) -> str:
        """What tells this stage from one of the same number in a removed folder."""
        return str(self.state()["token"])

    def state(self) -> dict[str, object]:
        """What the stage remembers: its mode and token."""
        found: dict[str, object] = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
        return found


def lomu_folder() -> Path:
    """The example's folder, in a checkout or in an installed package. Raises `ConfigError`."""
    for above in (_PACKAGE.parents[1], _PACKAGE):
        found = above / "examples" / "lomu"
        if (found / "app.py").is_file():
            return found
    raise ConfigError(
        f"the example lomu lies neither in {_PACKAGE.parents[1] / 'examples'} nor in "
        f"{_PACKAGE / 'examples'}; install Remit again"
    )


def build(mode: str) -> Stage:
    """A fresh scratch repository with a failing test, committed on `main`.

    Raises `ConfigError`, `MissingExtra` or `SandboxUnavailable` for what this machine lacks.
    """
    _check_machine()
    try:
        stage = Stage(_numbered())
    except OSError as exc:
        raise ConfigError(
            f"{FOLDER.absolute()} cannot be made ({exc.strerror}); go to a folder that you may "
            "write to and run `remit demo` there"
        ) from exc
    token = os.urandom(8).hex()
    (stage.folder / _STATE).write_text(json.dumps({"mode": mode, "token": token}), encoding="utf-8")
    demo = lomu_folder() / "demo"
    shutil.copytree(demo / "project", stage.repo, ignore=shutil.ignore_patterns("__pycache__"))
    if mode == "attack":
        shutil.copytree(demo / "attack", stage.repo, dirs_exist_ok=True)
    (stage.repo / "gitignore").rename(stage.repo / ".gitignore")
    git(stage.repo, "-c", "init.defaultBranch=main", "init", "--quiet", "--template=")
    git(stage.repo, "add", "--all")
    git(stage.repo, "commit", "--quiet", "--message", "A till whose receipts add up wrongly")
    return stage


def _check_machine() -> None:
    """Say now what the agent's tools would refuse later."""
    if shutil.which("git") is None:
        raise ConfigError("git is not installed; install it (Debian: apt-get install git)")
    missing = [name for name in ("bandit", "ruff") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"the demo scans what it commits and needs {' and '.join(missing)}: "
            "pip install 'remit[code]'"
        )
    make_sandbox()


def latest(*modes: str) -> Stage:
    """The stage built last in this folder in one of these modes.

    Raises `ConfigError` where there is none. An attack is not taken up again: its bait is known to
    the process that laid it.
    """
    wanted = modes or ("plain", "crash")
    found = [Stage(each.absolute()) for each in FOLDER.glob("*") if (each / _STATE).is_file()]
    found = [stage for stage in found if stage.state()["mode"] in wanted]
    if not found:
        again = "remit demo --serve" if modes == ("serve",) else "remit demo"
        raise ConfigError(f"there is nothing to resume: {FOLDER} holds no such demo; run `{again}`")
    return max(found, key=lambda stage: int(stage.folder.name))


def _numbered() -> Path:
    """A new folder with the next number."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    ignore = FOLDER.parent / ".gitignore"
    if not ignore.exists():
        # Journal and scratch repositories are nothing to commit.
        ignore.write_text("*\n", encoding="utf-8")
    taken = [int(each.name) for each in FOLDER.iterdir() if each.name.isdecimal()]
    for number in range(max(taken, default=0) + 1, _MOST):
        folder = (FOLDER / str(number)).absolute()
        try:
            folder.mkdir()
        except FileExistsError:
            continue  # another demo took it
        return folder
    raise ConfigError(f"{FOLDER} holds {_MOST} demos; remove it and run again")


def git(repo: Path, *words: str) -> str:
    """What a git command on the scratch repository prints. Raises `OutsideError`."""
    program = shutil.which("git")
    if program is None:
        raise ConfigError("git is not installed; install it (Debian: apt-get install git)")
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _WHO}
    done = subprocess.run(
        [program, "--no-pager", *words],
        cwd=repo,
        env={
            "PATH": f"{Path(program).parent}:/usr/bin:/bin",
            "HOME": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CEILING_DIRECTORIES": str(repo.parent),
            **who,
        },
        capture_output=True,
        check=False,
        timeout=_GIT_S,
    )
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise OutsideError(f"git {words[0]} in {repo} failed ({done.returncode}): {said}")
    return done.stdout.decode(errors="replace").rstrip("\n")


_WHO = (("NAME", "Remit demo"), ("EMAIL", "demo@localhost"))


async def run_tests(repo: Path) -> Finished:
    """The tests of the scratch repository, confined; the repository is read-only to them."""
    command = Command(
        argv=(sys.executable, "-m", "unittest"),
        cwd=str(repo),
        read=(str(repo),),
        env={"PYTHONDONTWRITEBYTECODE": "1"},
    )
    sandbox = await asyncio.to_thread(make_sandbox)
    return await sandbox.run(command)


# ---------------------------------------------------------------- the provider


@asynccontextmanager
async def provider(scenario: Path) -> AsyncIterator[dict[str, str]]:
    """A simulated provider in a process of its own; the environment that leads a client to it.

    It ends when the context ends, or when this process dies. Raises `OutsideError`.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "remit.simulator"),
        *("--scenario", str(scenario), "--until-stdin-closes"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for its user, who may still need an answer
    )
    try:
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline() if process.stdout else b""
        if not line:
            raise OutsideError("the simulated provider did not start; see its message above")
        yield {
            "ANTHROPIC_BASE_URL": str(json.loads(line)["url"]),
            "ANTHROPIC_API_KEY": "the-simulator-takes-any",
        }
    finally:
        if process.stdin is not None:
            process.stdin.close()
        if process.returncode is None:
            process.terminate()
        await process.wait()


def model(variables: dict[str, str]) -> Model:
    """The real client of the real protocol, led to the simulator."""
    return make_model("anthropic", Settings(), variables)
