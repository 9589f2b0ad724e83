"""Lomu's tools, bound to one repository; what each may do stands in its declaration."""

import asyncio
from dataclasses import dataclass

from lomu.commit import Committed, Committer
from lomu.git import shown
from lomu.looks import commit_preview
from lomu.repository import Repository
from lomu.scan import Report, Scanner
from lomu.trials import TestBench, Trial
from remit import Call, FileRoot, Preview, ToolError, probe, tool
from remit.adapters.files.names import DEFAULT_DENY, compile_glob
from remit.machine.tools import AnyTool

# Written by an agent, these would run on the host or change what git, scan and reviewers see.
_NOT_WRITTEN = (
    ".gitattributes",
    ".gitignore",
    ".gitmodules",
    ".github",
    ".gitlab",
    ".gitlab-ci*",
    ".circleci",
    "azure-pipelines*",
    "Jenkinsfile*",
    ".pre-commit-config*",
    ".husky",
    ".envrc",
    ".vscode",
    ".idea",
    ".devcontainer*",
)
_READ_BYTES = 512 * 1024  # more than any source file; a model could not use it
_MAX_LISTED = 1_000
_PAGE_LINES = 400


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools by name, for handing each role its own."""

    list_files: AnyTool
    read_file: AnyTool
    write_file: AnyTool
    run_tests: AnyTool
    scan_code: AnyTool
    commit_changes: AnyTool


def make_tools(repo: str, *, tests: str = "", python: str = "") -> Tools:
    """The tools for the repository at `repo`. Raises `ConfigError` for what cannot work."""
    repository = Repository(repo)
    scanner = Scanner(repository)
    bench = TestBench(repository, tests, python)
    committer = Committer(repository, scanner)
    readable = FileRoot(repository.git.top)
    writable = FileRoot(repository.git.top, writable=True, deny=(*DEFAULT_DENY, *_NOT_WRITTEN))
    return Tools(
        list_files=_list_files(repository),
        read_file=_read_file(readable),
        write_file=_write_file(repository, writable),
        run_tests=_run_tests(bench),
        scan_code=_scan_code(repository, scanner),
        commit_changes=_commit_changes(repository, committer),
    )


# ---------------------------------------------------------------- files


def _list_files(repository: Repository) -> AnyTool:
    @tool(access="read", resources="worktree")
    async def list_files(pattern: str = "") -> str:
        """List the files of the repository that git does not ignore.

        Args:
            pattern: a glob such as `*.py` or `src/**/*.py`; empty for all files
        """
        glob = compile_glob(pattern) if pattern else None
        found = []
        for path in await repository.paths():
            name = path if "/" in pattern else path.rpartition("/")[2]
            if glob is None or glob.fullmatch(name):
                found.append(shown(path))
        more = len(found) - _MAX_LISTED
        tail = [f"… and {more} more: give a narrower pattern"] if more > 0 else []
        return "\n".join(found[:_MAX_LISTED] + tail) or "no file matches"

    return list_files


def _read_file(root: FileRoot) -> AnyTool:
    @tool(access="read", resources="file:{path}")
    def read_file(path: str, first_line: int = 1) -> str:
        """Read a text file of the repository, at most 400 lines at once.

        Args:
            path: as `list_files` shows it
            first_line: where to begin, counted from 1
        """
        lines = root.read_text(path, _READ_BYTES).splitlines(keepends=True)
        start = max(0, first_line - 1)
        page = lines[start : start + _PAGE_LINES]
        left = len(lines) - start - len(page)
        note = (
            f"[{left} more lines; go on at first_line={start + len(page) + 1}]" if left > 0 else ""
        )
        return "".join(page) + note

    return read_file


def _write_file(repository: Repository, root: FileRoot) -> AnyTool:
    @tool(
        access="write",
        on_crash="repeat",  # the same content at the same place
        resources=_written,
        systems=["repository"],
    )
    async def write_file(path: str, content: str) -> str:
        """Replace a file of the repository, or make a new one.

        Args:
            path: as `list_files` shows it
            content: the whole new content
        """
        for above in _folders_above(path):
            if (repository.git.top / above / ".git").exists():
                raise ToolError(f"{path!r} lies in a repository of its own ({above})")
        await asyncio.to_thread(root.exists, path)  # says why a path is out of reach
        if await repository.ignores(path):
            raise ToolError(
                f"{path!r} is ignored by git: nothing there would be tested, scanned or committed; "
                "choose another place"
            )
        await asyncio.to_thread(root.write_text, path, content)
        return f"wrote {path} ({len(content.splitlines())} lines)"

    return write_file


def _written(path: str, **_content: str) -> tuple[str, ...]:
    """What a write touches: the file, and everything that looks at the whole tree."""
    return f"file:{path}", "worktree"


def _folders_above(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


# ---------------------------------------------------------------- tests and scan


def _run_tests(bench: TestBench) -> AnyTool:
    @tool(access="read", resources="worktree", timeout="6m")
    async def run_tests(call: Call) -> Trial:
        """Run the repository's tests, confined and without network, on a copy of its files."""
        return await bench.run(call)

    return run_tests


def _scan_code(repository: Repository, scanner: Scanner) -> AnyTool:
    @tool(access="read", resources="worktree", timeout="3m")
    async def scan_code() -> Report:
        """Scan everything that changed since the last commit for insecure code.

        Returns whether it passed, the findings, and the id of exactly the tree that was scanned.
        """
        head = await repository.head()
        return await scanner.scan(head.tree, await repository.tree())

    return scan_code


# ---------------------------------------------------------------- commit


def _commit_changes(repository: Repository, committer: Committer) -> AnyTool:
    async def what_it_depends_on(tree: str, message: str) -> str:
        head, _ = await committer.check(tree, message)
        return f"{head.branch} {head.commit} {tree}"

    async def what_it_would_do(tree: str) -> Preview:
        return await commit_preview(repository, tree)

    async def find_commit(tree: str, call: Call) -> Committed | None:
        return await committer.find(tree, call.idempotency_key)

    @tool(
        access="write",
        risk="high",
        on_crash=probe(find_commit),
        depends=what_it_depends_on,
        preview=what_it_would_do,
        resources="worktree",
        systems=["repository"],
        timeout="3m",
    )
    async def commit_changes(call: Call, tree: str, message: str) -> Committed:
        """Commit exactly the tree that was scanned; a human must agree first.

        Args:
            tree: the id that scan_code returned with passed=true
            message: the commit message, first line at most 72 characters
        """
        return await committer.commit(
            tree, message, key=call.idempotency_key, approved_by=call.approved_by
        )

    return commit_changes
