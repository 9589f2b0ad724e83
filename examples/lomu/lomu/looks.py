"""What a commit would change, for whoever is asked to agree: each file before and after."""

from collections.abc import Sequence

from lomu.git import shown
from lomu.repository import Change, Repository
from remit import Preview

# More is told by the ids of git's objects. Nobody reads a longer file line by line.
_FILE_BYTES = 256 * 1024
_ALL_BYTES = 4 * 1024**2
_KINDS = {"100755": "a program", "120000": "a link"}


async def commit_preview(repository: Repository, tree: str) -> Preview:
    """The branch and every file that a commit of `tree` would change."""
    head = await repository.head()
    changes = await repository.changes(head.tree, tree)
    contents = await _contents(repository, changes)
    files = {
        _name(change): (contents.get(change.old_blob), contents.get(change.blob))
        for change in changes
    }
    branch = head.branch.removeprefix("refs/heads/")
    after = f"after {head.commit[:12]}" if head.commit else "as its first commit"
    return Preview.files(files, note=f"commits to {shown(branch)}, {after}")


async def _contents(repository: Repository, changes: Sequence[Change]) -> dict[str, str | bytes]:
    """Contents by blob, or what is known of one that is too long."""
    blobs = {blob for change in changes for blob in (change.old_blob, change.blob) if blob}
    sizes = await repository.sizes(blobs)
    found: dict[str, str | bytes] = {}
    wanted: list[tuple[str, int]] = []
    left = _ALL_BYTES
    for blob, size in sizes.items():
        if size <= min(_FILE_BYTES, left):
            wanted.append((blob, size))
            left -= size
        else:
            found[blob] = f"(too long to be shown: {size} bytes, git object {blob})\n"
    names = iter(wanted)
    async for content in repository.blobs(wanted):
        found[next(names)[0]] = content
    return found


def _name(change: Change) -> str:
    """The path, and what else of the file would be another."""
    path = shown(change.path)
    if change.blob and change.old_blob and change.mode != change.old_mode:
        return f"{path} (mode {change.old_mode} becomes {change.mode})"
    kind = _KINDS.get(change.mode, "") if change.blob else ""
    return f"{path} ({kind})" if kind else path
