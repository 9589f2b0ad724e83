"""The built-in deny sets by name: shell, sql, file, git, http, metadata."""

from collections.abc import Callable, Mapping

from remit.policy.dangers.file import file_danger
from remit.policy.dangers.git import git_danger
from remit.policy.dangers.http import http_danger, metadata_danger
from remit.policy.dangers.shell import shell_danger
from remit.policy.dangers.sql import sql_danger

Danger = Callable[[str], str | None]
"""Why a text is dangerous; None where nothing speaks against it."""

DANGERS: Mapping[str, Danger] = {
    "shell": shell_danger,
    "sql": sql_danger,
    "file": file_danger,
    "git": git_danger,
    "http": http_danger,
    "metadata": metadata_danger,
}
