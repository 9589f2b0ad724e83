"""SQL that destroys, that does more than one thing, or that reaches outside the database."""

import re

_MAX_TEXT = 100_000
_DOLLAR = re.compile(r"\$([A-Za-z_]\w*)?\$", re.ASCII)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*", re.ASCII)

# What a statement begins with, and why it is refused.
_FIRST: dict[str, str] = {
    "drop": "DROP destroys",
    "truncate": "TRUNCATE empties a table",
    "grant": "GRANT gives rights",
    "revoke": "REVOKE takes rights",
    "attach": "ATTACH reaches another database",
    "detach": "DETACH takes a database away",
    "shutdown": "SHUTDOWN stops the server",
    "kill": "KILL stops a connection",
    "vacuum": "VACUUM may write a file",
    "do": "DO runs code",
    "call": "CALL runs code",
    "exec": "EXEC runs code",
    "execute": "EXECUTE runs code",
    "prepare": "PREPARE runs code",
    "handler": "HANDLER goes around the query",
    "load": "LOAD reads a file",
    "copy": "COPY reads or writes a file",
    "rename": "RENAME takes a table away",
    "flush": "FLUSH changes the server",
    "reset": "RESET changes the server",
    "purge": "PURGE removes logs",
    "backup": "BACKUP writes a file",
    "restore": "RESTORE replaces a database",
    "bulk": "BULK reads a file",
    "lock": "LOCK holds up all others",
    "table": "TABLE shows all of a table",
}
_ANYWHERE: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (r"\binto (out|dump)file\b", "it writes a file"),
        (r"\bload_file ?\(", "it reads a file"),
        (r"\b(xp_|sp_oa|sp_configure)", "it runs programs"),
        (r"\b(pg_read_|pg_ls_|pg_stat_file|pg_write_|lo_import|lo_export)", "it touches files"),
        (r"\b(pg_terminate_backend|pg_cancel_backend|pg_reload_conf)\b", "it changes the server"),
        (r"\b(dblink|openrowset|opendatasource|openquery|utl_http|utl_file)", "it reaches outside"),
        (r"\b(load_extension|sys_exec|sys_eval)\b", "it loads code"),
        (r"\b(pg_sleep|sleep|benchmark) ?\(|\bwaitfor delay\b", "it only takes time"),
        (r"\b(drop|truncate) (table|database|schema|view|index|column|user|role)\b", "it destroys"),
        (
            r"\bpragma (writable_schema|temp_store_directory|key|rekey|journal_mode|synchronous)\b",
            "it changes how the file is kept",
        ),
        (r"^set (role|session|global|persist|password)\b", "it changes rights or the server"),
        (r"''\w", "quotes that readers could differ about may hide a part of it"),
        (
            r"\b(create|alter) (user|role|login|extension|function|procedure|trigger)\b",
            "it gives rights or adds code",
        ),
        (r"\balter (system|database)\b", "it changes the server"),
        (r"\b(shadow|pg_shadow|pg_authid|mysql\.user)\b", "it reads hashes of passwords"),
    )
)
# Conditions that are true of every row; looked for behind the first `where`.
_ALWAYS = (
    re.compile(r"^ ?\(*(true|1|not false)\)* ?($|or\b|and true|and 1|returning|limit|order)"),
    re.compile(r"\bor \(*(true|1|not false)\b"),
    re.compile(r"(?<![\w.])\d+ ?(=|<=|>=|<|>|<>|!=) ?\d+(?![\w.])"),
    re.compile(r"\blike '%'"),
    re.compile(r"^ ?\(*exists ?\( ?select ('|\d)"),
    re.compile(r"\b(?P<name>[a-z_]\w*) ?(=|<=|>=) ?(?P=name)\b(?! ?[.(])"),
    re.compile(r"'' ?= ?''"),
)


def sql_danger(text: str) -> str | None:
    """Why a statement must not be carried out; None where nothing speaks against it."""
    if len(text) > _MAX_TEXT:
        return "the statement is too long to be looked at"
    bare = _bare(text)
    if bare is None:
        return "a comment, or quotes that readers could differ about, may hide a part of it"
    statements = [each.strip() for each in bare.split(";") if each.strip()]
    if len(statements) > 1:
        return "it is more than one statement"
    return None if not statements else _statement(statements[0])


def _statement(text: str) -> str | None:
    line = " ".join(text.lower().split())
    words = _WORD.findall(line)
    first = words[0] if words else ""
    if first in _FIRST:
        return _FIRST[first]
    for pattern, why in _ANYWHERE:
        if pattern.search(line):
            return why
    if first == "alter" and {"drop", "rename"} & set(words):
        return "ALTER … DROP or RENAME takes away what others use"
    for verb in ("delete", "update"):
        if re.search(rf"\b{verb} (from |only |[a-z_\"`\[])", line) and _changes(words, verb):
            if "where" not in words:
                return f"{verb.upper()} without WHERE changes every row"
            if any(each.search(line.partition("where")[2]) for each in _ALWAYS):
                return f"the WHERE of this {verb.upper()} is true of every row"
    return None


def _changes(words: list[str], verb: str) -> bool:
    """The verb begins the statement, or stands in a `with`, and is no part of `for update`."""
    if verb not in words:
        return False
    at = words.index(verb)
    before = words[at - 1] if at else ""
    return before not in ("for", "on", "do", "key")


def _bare(text: str) -> str | None:
    """The statement without what stands in quotes; None for comments and unclear quotes."""
    kept: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        if text.startswith(("--", "/*"), at) or char == "#":
            return None
        dollar = _DOLLAR.match(text, at) if char == "$" else None
        if dollar is not None:
            end = text.find(dollar[0], dollar.end())
            if end < 0:
                return None
            kept.append("''")
            at = end + len(dollar[0])
        elif char in "'\"`":
            closed = _closing(text, at)
            if closed is None:
                return None
            end = closed
            # Names in quotes are names still; texts say nothing.
            inner = text[at + 1 : end]
            every = "'%'" if inner and not inner.strip("%") else "''"
            kept.append(every if char == "'" else f" {inner} ")
            at = end + 1
        else:
            kept.append(char)
            at += 1
    return "".join(kept)


def _closing(text: str, start: int) -> int | None:
    """Where quotes end; a doubled quote stays inside, a backslash before one is unclear."""
    quote, at = text[start], start + 1
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in "'\"`\\":
            return None  # an escape to MySQL, a plain character to others
        if text[at] == quote:
            if text[at + 1 : at + 2] != quote:
                return at
            at += 1
        at += 1
    return None
