"""Git on one repository: fixed arguments, a minimal environment, none of its hooks and filters."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lomu.process import Done, run_program
from remit import ToolError
from remit.errors import ConfigError

_MARKER_BYTES = 4096  # a `.git` file holds one path
# The first that takes all settings from its environment, and so none from elsewhere.
_OLDEST = (2, 32)
_VERSION = re.compile(r"git version (\d+)\.(\d+)")
_ASK_S = 10
_SAID_CHARS = 600  # of what git says about a failure

# The repository's own settings may name programs; none of them is to run. Hooks, monitors and
# filters are code that no scan has seen and no human has approved.
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.attributesFile": os.devnull,
    "core.quotePath": "false",
    "core.alternateRefsCommand": "",
    "commit.gpgSign": "false",
    "i18n.commitEncoding": "UTF-8",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",  # a partial clone must not fetch
}


def find_repository(path: str) -> tuple[Path, Path]:
    """The top folder of the repository at `path`, and its git folder. Raises `ConfigError`.

    Looked up here, not by git: git's own search refuses the repository of another user, because
    its settings may name programs, and none of these is run.
    """
    where = f"repo={path!r}"
    top = Path(path).expanduser().resolve()
    if not top.is_dir():
        raise ConfigError(f"{where}: no such folder; give the top folder of a git repository")
    marker = top / ".git"
    if marker.is_dir():
        return top, marker
    if marker.is_file():
        words = marker.read_bytes()[:_MARKER_BYTES].decode(errors="replace").strip()
        folder = (top / words.removeprefix("gitdir:").strip()).resolve()
        if words.startswith("gitdir:") and (folder / "HEAD").is_file():
            return top, folder
        raise ConfigError(f"{where}: its .git file leads to no git folder; repair the repository")
    if (top / "HEAD").is_file() and (top / "objects").is_dir():
        raise ConfigError(f"{where}: a bare repository; clone it and give the clone's folder")
    for above in top.parents:
        if (above / ".git").exists():
            raise ConfigError(f"{where}: lies inside the repository {str(above)!r}; give that one")
    raise ConfigError(f"{where}: no git repository; give its top folder, or run `git init` there")


def find_git() -> str:
    """The program. Raises `ConfigError` where git is not installed, or too old."""
    found = shutil.which("git")
    if found is None:
        raise ConfigError("git is not installed; install it (Debian: apt-get install git)")
    said = subprocess.run([found, "--version"], capture_output=True, check=False, timeout=_ASK_S)
    number = _VERSION.search(said.stdout.decode(errors="replace"))
    if number is None or (int(number[1]), int(number[2])) < _OLDEST:
        wanted = ".".join(map(str, _OLDEST))
        raise ConfigError(f"{found} is not git {wanted} or newer; install a newer one")
    return found


def shown(path: str) -> str:
    """A path as text that can be encoded and stands in one line."""
    plain = path.encode("utf-8", "replace").decode()
    return plain if plain.isprintable() else ascii(plain)


class Git:
    """One repository; `excludes` are ignore patterns that hold besides the repository's own."""

    def __init__(self, path: str, *, excludes: Sequence[str] = ()) -> None:
        self.top, self.folder = find_repository(path)
        self._program = find_git()
        self._excludes = "".join(f"{pattern}\n" for pattern in excludes)
        self._filters: tuple[str, ...] | None = None

    @property
    def index(self) -> Path:
        """The file of the user's own index."""
        return self.folder / "index"

    async def run(
        self,
        *words: str,
        stdin: bytes = b"",
        index: str = "",
        good: Sequence[int] = (0,),
        limit: int = 8 * 1024**2,
        timeout_s: float = 60.0,
    ) -> Done:
        """Run one git command; `index` is another index file than the user's.

        Raises `ToolError` for an exit status that is not `good`.
        """
        if self._filters is None:
            self._filters = await self._find_filters()
        return await self._run(
            words, stdin=stdin, index=index, good=good, limit=limit, timeout_s=timeout_s
        )

    async def text(self, *words: str, index: str = "", good: Sequence[int] = (0,)) -> str:
        """What a git command prints, without the line's end."""
        done = await self.run(*words, index=index, good=good)
        return os.fsdecode(done.stdout).rstrip("\n")

    async def _find_filters(self) -> tuple[str, ...]:
        """Names of the filters that the repository's settings declare."""
        words = ("config", "--local", "--includes", "--null", "--name-only", "--get-regexp")
        done = await self._run((*words, r"^filter\."), good=(0, 1))
        keys = os.fsdecode(done.stdout).split("\0")
        found = {key.partition(".")[2].rpartition(".")[0] for key in keys if key}
        return tuple(sorted(found))

    async def _run(
        self,
        words: Sequence[str],
        *,
        good: Sequence[int],
        stdin: bytes = b"",
        index: str = "",
        limit: int = 1024**2,
        timeout_s: float = 60.0,
    ) -> Done:
        with tempfile.NamedTemporaryFile("w", prefix="lomu-ignore-", encoding="utf-8") as ignored:
            ignored.write(self._excludes)
            ignored.flush()
            settings = {**_SETTINGS, "core.excludesFile": ignored.name}
            for name in self._filters or ():
                off = {"clean": "", "smudge": "", "process": "", "required": "false"}
                settings |= {f"filter.{name}.{key}": value for key, value in off.items()}
            done = await run_program(
                (
                    self._program,
                    "--no-pager",
                    "--no-replace-objects",
                    f"--git-dir={self.folder}",
                    f"--work-tree={self.top}",
                    *words,
                ),
                cwd=str(self.top),
                env=_environment(self._program, settings, index),
                stdin=stdin,
                limit=limit,
                timeout_s=timeout_s,
            )
        if done.status not in good:
            said = " ".join(done.stderr.decode(errors="replace").split())[:_SAID_CHARS]
            raise ToolError(f"git {words[0]} failed ({done.status}): {said or 'it says nothing'}")
        return done


def _environment(program: str, settings: Mapping[str, str], index: str) -> dict[str, str]:
    """Nothing is inherited: no settings of user or system, no identity, no prompt."""
    found = {
        "PATH": f"{Path(program).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8" if sys.platform == "linux" else "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    if index:
        found["GIT_INDEX_FILE"] = index
    for number, (key, value) in enumerate(settings.items()):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found
