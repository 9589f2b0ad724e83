"""A working tree as an agent may see it: its state, the tree of its files, its changes, copies."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lomu.git import Git, shown
from remit import ToolError
from remit.adapters.files.names import DEFAULT_DENY, DenyList

# A change for one commit is far smaller; more is a mistake, such as a folder nobody ignored.
MAX_CHANGED = 2_000
MAX_FILE_BYTES = 10 * 1024**2
# The whole tree is copied for every test run: what a 2-core machine does in a few seconds.
MAX_FILES = 20_000
MAX_TREE_BYTES = 256 * 1024**2
_BATCH_BYTES = 32 * 1024**2  # read from git at once
_SUBMODULE, _LINK, _PROGRAM = "160000", "120000", "100755"
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}


@dataclass(frozen=True, slots=True)
class Head:
    """Where the repository stands: the branch, its commit and that commit's tree.

    Before the first commit `commit` is empty and `tree` the empty tree.
    """

    branch: str
    commit: str
    tree: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a tree."""

    path: str
    mode: str
    blob: str
    size: int


@dataclass(frozen=True, slots=True)
class Change:
    """One path that differs between two trees; an empty blob stands for no file."""

    path: str
    old_mode: str
    old_blob: str
    mode: str
    blob: str


class Repository:
    """One repository; nothing here changes its files, its index or its branches."""

    def __init__(self, path: str) -> None:
        # A key or a journal that lies untracked in the tree must never come into a commit.
        self.git = Git(path, excludes=DEFAULT_DENY)
        self.deny = DenyList(DEFAULT_DENY)

    async def head(self) -> Head:
        """The branch and its commit. Raises `ToolError` for what cannot be committed on."""
        for name, what in _UNDER_WAY.items():
            if (self.git.folder / name).exists():
                raise ToolError(f"{what} is under way in the repository; finish or abort it first")
        branch = await self.git.text("symbolic-ref", "--quiet", "HEAD", good=(0, 1))
        if not branch.startswith("refs/heads/"):
            raise ToolError(
                "HEAD is on no branch (detached): a commit would be lost; run `git switch BRANCH`"
            )
        commit = await self.git.text("rev-parse", "--quiet", "--verify", branch, good=(0, 1))
        tree = await self.git.text("rev-parse", "--verify", f"{commit}^{{tree}}") if commit else ""
        return Head(branch, commit, tree or await self._empty_tree())

    async def _empty_tree(self) -> str:
        return await self.git.text("hash-object", "-t", "tree", "-w", "--stdin")

    async def tree(self) -> str:
        """The id of the tree of everything in the working folder that git does not ignore.

        It is made with an index of its own, so the user's stays as it is.
        """
        await self._check_size()
        with tempfile.TemporaryDirectory(prefix="lomu-index-") as folder:
            index = str(Path(folder, "index"))
            if self.git.index.exists():
                # With its time: git looks again at files that are no older than the index is.
                await asyncio.to_thread(shutil.copy2, self.git.index, index)
            await self.git.run("add", "--all", "--", ".", index=index)
            return await self.git.text("write-tree", index=index)

    async def _check_size(self) -> None:
        """Refuse what nobody meant to commit, before git reads all of it."""
        words = ("ls-files", "-z", "--others", "--modified", "--exclude-standard")
        listed = (await self.git.run(*words)).stdout.split(b"\0")[:-1]
        if len(listed) > MAX_CHANGED:
            raise ToolError(
                f"{len(listed)} files are new or changed, more than {MAX_CHANGED}; "
                "ignore what does not belong into a commit (.gitignore)"
            )
        for name in sorted(set(listed)):
            path = os.fsdecode(name)
            if path.endswith("/"):
                raise ToolError(
                    f"the folder {shown(path)!r} is a repository of its own; "
                    "move it out or ignore it (.gitignore)"
                )
            try:
                size = os.lstat(self.git.top / path).st_size
            except FileNotFoundError:
                continue  # deleted
            if size > MAX_FILE_BYTES:
                raise ToolError(
                    f"{shown(path)!r} has {size} bytes, more than {MAX_FILE_BYTES}; ignore it"
                )

    async def paths(self) -> list[str]:
        """Paths of the working folder that git does not ignore, without what is denied."""
        words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
        listed = (await self.git.run(*words)).stdout.split(b"\0")[:-1]
        found = [path for path in map(os.fsdecode, listed) if not self.denies(path)]
        return sorted(path for path in found if self._is_there(path))

    def _is_there(self, path: str) -> bool:
        return os.path.lexists(self.git.top / path)

    async def ignores(self, path: str) -> bool:
        """Whether git ignores a path that it does not track."""
        asked = path.encode(errors="surrogateescape") + b"\0"
        done = await self.git.run("check-ignore", "-z", "--stdin", stdin=asked, good=(0, 1))
        return done.status == 0

    def denies(self, path: str) -> bool:
        """Whether the deny list covers a path."""
        return self.deny.match(tuple(path.split("/"))) is not None

    async def changes(self, old: str, new: str) -> tuple[Change, ...]:
        """What differs between two trees."""
        words = ("diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--no-abbrev")
        listed = (await self.git.run(*words, old, new)).stdout.split(b"\0")[:-1]
        found = []
        for head, path in zip(listed[::2], listed[1::2], strict=True):
            old_mode, mode, old_blob, blob, _ = head.decode().lstrip(":").split(" ")
            before = old_blob if old_blob.strip("0") else ""
            after = blob if blob.strip("0") else ""
            found.append(Change(os.fsdecode(path), old_mode, before, mode, after))
        return tuple(found)

    async def entries(self, tree: str) -> list[Entry]:
        """The files of a tree, links included, submodules not. Raises `ToolError` above a bound."""
        words = ("ls-tree", "-r", "-z", "--full-tree", "-l", tree)
        found = []
        for line in (await self.git.run(*words, limit=32 * 1024**2)).stdout.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob, size = about.decode().split()
            if mode != _SUBMODULE:
                found.append(Entry(os.fsdecode(path), mode, blob, int(size)))
        total = sum(entry.size for entry in found)
        if len(found) > MAX_FILES or total > MAX_TREE_BYTES:
            raise ToolError(
                f"the tree has {len(found)} files of {total} bytes together; {MAX_FILES} files "
                f"and {MAX_TREE_BYTES} bytes are the most that is copied"
            )
        return found

    async def blobs(self, names: Sequence[tuple[str, int]]) -> AsyncIterator[bytes]:
        """The contents of blobs given by id and size, in order."""
        batch: list[str] = []
        size = 0
        for number, (blob, length) in enumerate(names, start=1):
            batch.append(blob)
            size += length
            if size < _BATCH_BYTES and number < len(names):
                continue
            for content in await self._read(batch, size):
                yield content
            batch, size = [], 0

    async def _read(self, batch: Sequence[str], size: int) -> list[bytes]:
        asked = "".join(f"{blob}\n" for blob in batch).encode()
        room = size + 128 * len(batch)  # a line with id, type and size stands before each
        done = await self.git.run("cat-file", "--batch", stdin=asked, limit=room)
        found, place = [], 0
        for blob in batch:
            end = done.stdout.index(b"\n", place)
            words = done.stdout[place:end].split(b" ")
            if len(words) != 3 or words[1] != b"blob":  # noqa: PLR2004  id, type, size
                raise ToolError(f"the object {blob} is missing; run `git fsck`")
            place = end + 1 + int(words[2])
            found.append(done.stdout[end + 1 : place])
            place += 1
        return found

    async def sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        """The sizes of blobs in bytes."""
        names = sorted(set(blobs))
        asked = "".join(f"{blob}\n" for blob in names).encode()
        done = await self.git.run("cat-file", "--batch-check=%(objectsize)", stdin=asked)
        try:
            return dict(zip(names, map(int, done.stdout.split()), strict=True))
        except ValueError as exc:
            raise ToolError("an object is missing; run `git fsck`") from exc

    @asynccontextmanager
    async def copy(self, tree: str, wanted: Callable[[Entry], bool]) -> AsyncIterator[Path]:
        """A private folder with the wanted files of a tree, bytes as git keeps them."""
        entries = [entry for entry in await self.entries(tree) if wanted(entry)]
        with tempfile.TemporaryDirectory(prefix="lomu-copy-") as name:
            folder = Path(name)
            # Links last: no file can be written through one.
            entries.sort(key=lambda entry: entry.mode == _LINK)
            place = 0
            async for content in self.blobs([(entry.blob, entry.size) for entry in entries]):
                _put(folder, entries[place], content)
                place += 1
            yield folder


def _put(folder: Path, entry: Entry, content: bytes) -> None:
    target = folder / entry.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if entry.mode == _LINK:
        target.symlink_to(os.fsdecode(content))
        return
    target.write_bytes(content)
    if entry.mode == _PROGRAM:
        target.chmod(0o755)


def is_file(mode: str) -> bool:
    """Whether a mode is that of a regular file."""
    return mode.startswith("100")


def is_submodule(change: Change) -> bool:
    """Whether a change is one of a submodule."""
    return _SUBMODULE in (change.mode, change.old_mode)
