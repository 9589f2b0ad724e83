"""Commits exactly the tree that was scanned, once, by compare and swap on the branch."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lomu.git import shown
from lomu.repository import Change, Head, Repository, is_submodule
from lomu.scan import Scanner
from remit import ToolError

KEY = "Remit-Call"
"""Trailer with the idempotency key of the call that made a commit."""
_APPROVED = "Approved-by"
_OURS = re.compile(rf"^(?:{KEY}|{_APPROVED})\s*:", re.IGNORECASE | re.MULTILINE)
_MAX_MESSAGE = 4_000  # characters; longer belongs into a file
_SEARCHED = 1_000  # commits looked through for a call's own: more than a team makes while one waits
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")  # SHA-1, or SHA-256


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that is there."""

    commit: str
    branch: str
    tree: str
    files: tuple[str, ...]


class Committer:
    """The one way to a commit; nothing here asks anybody, that is the remit's part."""

    def __init__(self, repository: Repository, scanner: Scanner) -> None:
        self._repository = repository
        self._scanner = scanner
        self._git = repository.git

    async def check(self, tree: str, message: str) -> tuple[Head, tuple[Change, ...]]:
        """Where the commit would go and what it changes.

        Raises `ToolError` unless `tree` is the working tree now, something changed, the scan
        passes on exactly that tree, and nothing in it is out of an agent's reach.
        """
        _check_message(message)
        if not _ID.fullmatch(tree):
            raise ToolError(f"{tree[:80]!r} is no tree id; give the one that scan_code returned")
        head = await self._repository.head()
        now = await self._repository.tree()
        if now != tree:
            raise ToolError(
                f"the working tree is {now} and not {tree}: it changed since it was scanned; "
                "call scan_code again and give the tree it returns"
            )
        changes = await self._repository.changes(head.tree, tree)
        if not changes:
            raise ToolError("nothing has changed since the last commit")
        await self._check_changes(changes)
        await self._check_index(head, tree)
        report = await self._scanner.scan(head.tree, tree)
        if not report.passed:
            first = "; ".join(f"{one.path}:{one.line} {one.rule}" for one in report.findings[:5])
            raise ToolError(
                f"the scan did not pass on {tree}, so it cannot be committed: {first}; "
                "mend the code and scan again"
            )
        return head, changes

    async def _check_changes(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if is_submodule(change):
                raise ToolError(
                    f"the submodule {shown(change.path)!r} changed; commit that by hand first"
                )
            if self._repository.denies(change.path):
                raise ToolError(
                    f"{shown(change.path)!r} changed and is out of an agent's reach (keys, "
                    "settings with secrets); commit it by hand or take it back"
                )
        asked = "".join(f"{change.path}\0" for change in changes).encode(errors="surrogateescape")
        words = ("check-attr", "-z", "--stdin", "filter", "working-tree-encoding")
        found = (await self._git.run(*words, stdin=asked)).stdout.split(b"\0")[:-1]
        for path, value in zip(found[::3], found[2::3], strict=True):
            if value not in (b"unspecified", b"unset"):
                raise ToolError(
                    f"{shown(path.decode(errors='replace'))!r} goes through a filter "
                    "(.gitattributes), which is not run here; commit it by hand"
                )

    async def _check_index(self, head: Head, tree: str) -> None:
        """What somebody has staged is not ours to commit, nor to unstage."""
        if not head.commit:
            return
        staged = await self._staged(head.tree)
        # Staged as a whole it is what is committed; so it is after a commit was cut half way.
        if not staged or not await self._staged(tree):
            return
        names = ", ".join(shown(name.decode(errors="replace")) for name in staged[:3])
        raise ToolError(
            f"the index holds staged changes ({names}); commit them, or run "
            "`git restore --staged .`"
        )

    async def _staged(self, against: str) -> list[bytes]:
        words = ("diff-index", "--cached", "--no-ext-diff", "--name-only", "-z", against)
        return (await self._git.run(*words)).stdout.split(b"\0")[:-1]

    async def commit(
        self, tree: str, message: str, *, key: str, approved_by: Sequence[str]
    ) -> Committed:
        """Commit the tree. Called again with the same key it returns the commit that is there."""
        made = await self.find(tree, key)
        if made is not None:
            return made
        head, changes = await self.check(tree, message)
        # The index first: after a crash in between it is the tree that is committed again.
        await self._git.run("read-tree", "-i", "-m", tree)
        parent = ("-p", head.commit) if head.commit else ()
        who = ("-c", "user.name=Lomu", "-c", "user.email=lomu@localhost")
        text = _with_trailers(message, key, approved_by)
        done = await self._git.run(
            *who, "commit-tree", tree, *parent, "-F", "-", stdin=text.encode()
        )
        commit = done.stdout.decode().strip()
        try:
            reason = f"lomu: {message.splitlines()[0]}"
            await self._git.run("update-ref", "-m", reason, head.branch, commit, head.commit)
        except ToolError as exc:
            made = await self.find(tree, key)  # by a process that was thought dead
            if made is not None:
                return made
            now = await self._repository.head()
            await self._git.run("read-tree", "-i", "-m", now.tree)
            raise ToolError(f"{head.branch} moved while this was committed: {exc}") from exc
        await self._git.run("update-index", "-q", "--refresh", good=(0, 1))
        return _committed(commit, head.branch, tree, changes)

    async def find(self, tree: str, key: str) -> Committed | None:
        """The commit that the call with this key made, None if it made none."""
        shape = f"%H%x00%P%x00%T%x00%(trailers:key={KEY},valueonly,separator=%x2C)%x00"
        words = ("log", "-z", f"--max-count={_SEARCHED}", f"--format={shape}", "--branches", "--")
        fields = (await self._git.run(*words)).stdout.decode(errors="replace").split("\0")
        # Each commit is four fields and the empty one between its end and the next.
        for commit, parents, found, keys in zip(
            fields[0::5], fields[1::5], fields[2::5], fields[3::5], strict=False
        ):
            if key not in keys.split(",") or found != tree:
                continue
            parent = parents.partition(" ")[0]
            base = f"{parent}^{{tree}}" if parent else await self._git.text(*_EMPTY)
            changes = await self._repository.changes(base, tree)
            branch = await self._git.text("symbolic-ref", "--quiet", "HEAD", good=(0, 1))
            return _committed(commit, branch, tree, changes)
        return None


_EMPTY = ("hash-object", "-t", "tree", "-w", "--stdin")


def _committed(commit: str, branch: str, tree: str, changes: Sequence[Change]) -> Committed:
    files = tuple(shown(change.path) for change in changes)
    return Committed(commit, branch.removeprefix("refs/heads/"), tree, files)


def _check_message(message: str) -> None:
    if not message.strip() or len(message) > _MAX_MESSAGE:
        raise ToolError(f"the message must have 1 to {_MAX_MESSAGE} characters")
    if any(not char.isprintable() and char not in "\n\t" for char in message):
        raise ToolError("the message holds control or invisible characters; write plain text")
    if _OURS.search(message):
        raise ToolError(f"the message must not have a line {KEY}: or {_APPROVED}:; Remit adds them")


def _with_trailers(message: str, key: str, approved_by: Sequence[str]) -> str:
    names = ["".join(char for char in name if char.isprintable()) for name in approved_by]
    lines = [f"{_APPROVED}: {name}" for name in names] + [f"{KEY}: {key}"]
    return f"{message.strip()}\n\n" + "\n".join(lines) + "\n"
