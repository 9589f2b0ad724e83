"""Paths that hold keys and passwords, or that decide what is run later."""

import fnmatch
import re
import unicodedata
from urllib.parse import unquote

from remit.policy.lexical_path import clean_path, goes_through_a_process

_MAX_TEXT = 4096  # PATH_MAX of Linux

_NAMES: dict[str, str] = {
    ".env": "it holds the secrets of a program",
    ".env.*": "it holds the secrets of a program",
    "id_rsa*": "it is a private key",
    "id_dsa*": "it is a private key",
    "id_ecdsa*": "it is a private key",
    "id_ed25519*": "it is a private key",
    "*.pem": "it may be a private key",
    "*.key": "it may be a private key",
    "*.p12": "it holds a private key",
    "*.pfx": "it holds a private key",
    "*.jks": "it holds private keys",
    "*.keystore": "it holds private keys",
    "*.kdbx": "it holds passwords",
    "*.ppk": "it is a private key",
    ".netrc": "it holds passwords",
    "_netrc": "it holds passwords",
    ".pgpass": "it holds passwords",
    ".my.cnf": "it holds passwords",
    ".npmrc": "it holds a token",
    ".pypirc": "it holds a token",
    ".git-credentials": "it holds passwords",
    ".htpasswd": "it holds passwords",
    ".vault-token": "it holds a token",
    "credentials.json": "it holds keys",
    "service-account*.json": "it holds a key",
    "terraform.tfstate*": "it holds secrets in clear",
    "*.tfvars": "it holds secrets in clear",
    "master.key": "it is a key",
    "secrets.yml": "it holds secrets in clear",
    "secrets.yaml": "it holds secrets in clear",
    "secrets.toml": "it holds secrets in clear",
    "secrets.json": "it holds secrets in clear",
    "wp-config.php": "it holds the password of a database",
    ".envrc": "it holds secrets, and is run",
    ".*_history": "it tells what was typed, passwords too",
}
_HARMLESS = ("*.example", "*.sample", "*.template", "*.dist", "*.pub", "*.defaults")
# Folders and files by the end of their path; a last `/` means everything beneath.
_PLACES: dict[str, str] = {
    ".ssh/": "keys, and who may log in",
    ".gnupg/": "private keys",
    ".aws/": "keys of a cloud account",
    ".azure/": "keys of a cloud account",
    ".config/gcloud/": "keys of a cloud account",
    ".kube/": "keys of a cluster",
    ".docker/config.json": "passwords of registries",
    ".config/gh/": "a token",
    ".config/autostart/": "it is run at every login",
    ".config/systemd/": "it is run at every login",
    ".git/config": "it decides what git runs",
    ".git/hooks/": "git runs it",
    ".git/info/attributes": "it decides what git runs",
    ".git/modules/": "it decides what git runs",
    ".gitconfig": "it decides what git runs",
    ".config/git/": "it decides what git runs",
    "library/launchagents/": "it is run at every login",
    "library/keychains/": "passwords",
}
# From the root of the system.
_ROOTED: dict[str, str] = {
    "/etc/shadow*": "hashes of passwords",
    "/etc/gshadow*": "hashes of passwords",
    "/etc/passwd*": "the accounts of the system",
    "/etc/sudoers*": "who may do everything",
    "/etc/ssh/*": "keys of the machine",
    "/etc/ssl/private/*": "private keys",
    "/etc/kubernetes/*": "keys of a cluster",
    "/etc/pam.d/*": "who may log in",
    "/etc/cron*": "it is run later",
    "/etc/ld.so.preload": "it is loaded into every program",
    "/[r]oot/*": "it belongs to the system's administrator",
    "/proc/*/environ": "secrets of running programs",
    "/proc/*/mem": "memory of running programs",
    "/proc/*/root*": "a way around the declared root",
    "/proc/*/cwd*": "a way around the declared root",
    "/proc/*/fd/*": "a way around the declared root",
    "/proc/kcore": "memory of the system",
    "/proc/sys/kernel/*": "settings of the system",
    "/proc/sysrq-trigger": "it stops the machine",
    "/dev/mem": "memory of the system",
    "/dev/kmem": "memory of the system",
    "/dev/sd*": "a whole disk",
    "/dev/nvme*": "a whole disk",
    "/dev/vd*": "a whole disk",
    "/dev/disk*": "a whole disk",
    "/var/run/docker.sock": "whoever talks to it owns the machine",
    "/run/docker.sock": "whoever talks to it owns the machine",
    "/run/secrets/*": "secrets of a container",
    "/var/run/secrets/*": "secrets of a container",
    "/var/spool/cron/*": "it is run later",
    "/run/containerd/*": "whoever talks to it owns the machine",
    "/var/lib/docker/*": "files of all containers",
    "/proc/*/maps": "memory of running programs",
    "/sys/*": "settings of the system",
    "c:/windows/*": "it belongs to the system",
    "/boot/*": "it is run when the machine starts",
}
_STARTUP = frozenset(
    {".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".profile"}
    | {".zshrc", ".zshenv", ".zprofile", ".zlogin", ".kshrc", ".cshrc", ".tcshrc", ".inputrc"}
    | {".vimrc", ".gvimrc", ".emacs", ".pam_environment", ".xinitrc", ".xprofile", ".xsession"}
    | {".gitconfig", ".gitattributes", ".gitmodules", ".tmux.conf", ".screenrc", ".pythonrc"}
    | {".envrc", ".mailrc", ".curlrc", ".wgetrc", ".hushlogin", ".forward", ".rhosts", ".shosts"}
    | {"sitecustomize.py", "usercustomize.py", "authorized_keys"}
)
# Bytes that old decoders take for `.` and `/`.
_OVERLONG = re.compile(r"%c0%a[ef]|%e0%80%a[ef]", re.IGNORECASE)
# What is left of `..` once a careless filter has taken something away: `....//`, `..;/`.
_CLIMBS = re.compile(r"(^|/)(\.{3,}|\.\.;[^/]*)(/|$)")
_FILE = re.compile(r"^file:(?=/[^/])", re.IGNORECASE)
_SYSTEM = tuple(
    f"/{name}/" for name in ("etc", "usr", "bin", "sbin", "lib", "lib64", "boot", "sys", "root")
)


def file_danger(text: str) -> str | None:
    """Why a path must not be touched, None where nothing speaks against it.

    What climbs above its beginning (`../`) is refused too: where it leads nobody can say.
    """
    if len(text) > _MAX_TEXT or "\0" in text or _OVERLONG.search(text):
        return "no path looks like this"
    if text.startswith(("\\\\", "//")):
        return "it is a path of another machine"
    if any(_CLIMBS.search(form) or form == ".." or form.startswith("../") for form in _forms(text)):
        return "it climbs above its folder"
    if ".." in text and goes_through_a_process(text):
        return "it climbs from where a process stands"
    return secret_file(text)


def _forms(text: str) -> set[str]:
    """The clean forms that programs may make of a path, in lower case."""
    # Full-width letters and dots, which some programs take for plain ones, and outer blanks.
    bare = unicodedata.normalize("NFKC", text).strip()
    bare = _FILE.sub("", bare)
    given = {text, bare, unquote(bare), unquote(unquote(bare))}
    return {clean_path(form).casefold() for form in given}


def secret_file(text: str) -> str | None:
    """What a path holds that must stay where it is, wherever it is reached from."""
    found = (_secret(form) for form in sorted(_forms(text)))
    return next((why for why in found if why is not None), None)


def _secret(path: str) -> str | None:
    while path.startswith("../"):
        path = path.removeprefix("../")
    name = path.rpartition("/")[2]
    if not any(fnmatch.fnmatchcase(name, each) for each in _HARMLESS):
        for glob, why in _NAMES.items():
            if fnmatch.fnmatchcase(name, glob):
                return why
    whole = f"/{path}/"
    for place, why in _PLACES.items():
        if f"/{place.rstrip('/')}/" in whole:
            return why
    for glob, why in _ROOTED.items():
        if fnmatch.fnmatchcase(path, glob) or fnmatch.fnmatchcase(f"{path}/", glob):
            return why
    return None


def start_file(text: str) -> str | None:
    """Why nothing may be written to a path: it is run later, or belongs to the system."""
    path = clean_path(text).casefold()
    if path.rpartition("/")[2] in _STARTUP:
        return "it is run or read at every start"
    if path.startswith(_SYSTEM):
        return "it belongs to the system"
    return secret_file(text)
